"""The cases of the bench of picture health: sound cameras in every light, and every fault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np

from benches import _picture_scenes as scenes
from benches._picture_scenes import Change, Picture
from edge.vision.picture_health_sentences import PictureFault

Kind = Literal["fixed", "vehicle"]
Video = Literal["still", "stuck"]

BEFORE, FAULTY, AFTER = 80, 150, 60
"""Pictures of a run: before a fault, with it at most, and after it."""
STEP_S = 5.0
MOVED: frozenset[PictureFault] = frozenset({"shifted", "elsewhere"})


@dataclass(frozen=True)
class Case:
    """One camera in one light, with a fault or none.

    `expected` are the faults any of which is right; empty for a sound camera. `optics` lies before
    the sensor, `wire` behind it. `moved` is (right, down, degrees) of the view. `frozen` repeats
    one picture. A `video` case is a still scene, or one frozen picture with a clock in it, through
    a video stream.
    """

    name: str
    light: str = "day"
    kind: Kind = "fixed"
    expected: frozenset[PictureFault] = frozenset()
    optics: Change | None = None
    wire: Change | None = None
    moved: tuple[float, float, float] = (0.0, 0.0, 0.0)
    frozen: bool = False
    busy: bool = True
    sway: float = 0.0
    stop_after: int | None = None
    video: Video | None = None
    steps: tuple[int, int, int] = field(default=(BEFORE, FAULTY, AFTER))


def cases() -> Iterator[Case]:
    """Every case, sound ones first."""
    for light in (*scenes.LIGHTS, "nightfall"):
        yield Case(f"sound, {light}", light)
    yield Case("sound, day, JPEG of quality 15", wire=scenes.jpeg(15))
    yield Case("sound, day, mast in the wind (1%)", sway=0.01)
    yield Case("sound, day, lorry before it for 2 minutes", optics=lorry, stop_after=24)
    for light in ("day", "night"):
        yield Case(f"sound, {light}, nothing moves", light, busy=False)
        yield Case(f"sound, {light}, nothing moves, video", light, busy=False, video="still")
    yield Case("sound, drive", "as is", "vehicle")
    for radius in (1.0, 2.0, 3.0, 4.0, 6.0, 10.0):
        for light in ("day", "dusk", "night", "rain") if radius in (3.0, 6.0) else ("day",):
            yield Case(
                f"defocus, radius {radius:.0f} px, {light}",
                light,
                expected=frozenset({"blurred"}),
                optics=scenes.defocus(radius),
            )
    for radius in (2.0, 3.0, 6.0):
        yield Case(
            f"defocus, radius {radius:.0f} px, drive",
            "as is",
            "vehicle",
            frozenset({"blurred"}),
            scenes.defocus(radius),
        )
    for share in (0.02, 0.03, 0.05, 0.1, 0.2):
        for light in ("day", "dusk", "night", "rain") if share in (0.05, 0.2) else ("day",):
            moved = (share, -share / 2, 0.0)
            yield Case(f"shift by {share:.0%}, {light}", light, expected=MOVED, moved=moved)
    for angle in (2.0, 3.0, 5.0, 10.0):
        for light in ("day", "night") if angle in (5.0, 10.0) else ("day",):
            moved = (0.01, 0.0, angle)
            yield Case(
                f"turned by {angle:.0f} degrees, {light}", light, expected=MOVED, moved=moved
            )
    covered: frozenset[PictureFault] = frozenset({"covered", "blank"})
    for gain in (0.9, 0.4, 0.02):
        for kind in ("fixed", "vehicle") if gain > 0.1 else ("fixed",):
            yield Case(
                f"cover that lets {gain:.0%} through, {'day' if kind == 'fixed' else 'drive'}",
                "day" if kind == "fixed" else "as is",
                "fixed" if kind == "fixed" else "vehicle",
                covered if gain > 0.5 or kind == "fixed" else covered | {"dark"},
                scenes.cloth(1.0, gain),
                steps=(BEFORE, 420 if kind == "vehicle" else FAULTY, AFTER),
            )
    yield Case(
        "cover that lets 2% through, night",
        "night",
        expected=covered | {"dark"},
        optics=scenes.cloth(1.0, 0.02),
        steps=(BEFORE, 420, AFTER),
    )
    part: frozenset[PictureFault] = frozenset({"partly-covered"})
    for share in (0.4, 0.6, 0.8):
        yield Case(f"cover over {share:.0%}, day", expected=part, optics=scenes.cloth(share, 0.7))
    yield Case("cover over 60%, drive", "as is", "vehicle", part, scenes.cloth(0.6, 0.7))
    for name, colour in (("black", (0, 0, 0)), ("blue", (200, 40, 0)), ("white", (255, 255, 255))):
        yield Case(
            f"dead sensor, {name}",
            expected=frozenset({"blank"}),
            wire=scenes.plain(colour),
        )
    frozen: frozenset[PictureFault] = frozenset({"frozen"})
    for light in ("day", "night"):
        yield Case(f"frozen, {light}", light, expected=frozen, frozen=True)
        yield Case(
            f"frozen but for its clock, {light}",
            light,
            expected=frozen,
            frozen=True,
            wire=scenes.clock_overlay,
        )
    yield Case("frozen, drive", "as is", "vehicle", frozen, frozen=True)
    yield Case("frozen but for its clock, video", expected=frozen, video="stuck")


def lorry(frame: Picture, _number: int) -> Picture:
    """The side of a lorry over two thirds of the picture."""
    hidden = frame.copy()
    hidden[60:480, 100:860] = (150, 155, 160)
    return hidden


def deliver(
    case: Case, photographs: Sequence[Picture], rng: np.random.Generator
) -> Iterator[tuple[Picture, bool]]:
    """What the camera delivers, each frame with whether the fault is there.

    `photographs` is the view and some others for a fixed camera, a drive's frames for a vehicle's.
    """
    noise = scenes.Noise(rng)
    if case.video is not None:
        yield from _video(case, photographs, rng, noise)
        return
    light = _light(case, rng, noise)
    busy = scenes.traffic(rng, photographs[1:]) if case.busy and case.kind == "fixed" else None
    before, faulty, after = case.steps
    held: Picture | None = None
    for number in range(before + faulty + after):
        there = before <= number < before + faulty
        moved = case.moved if there else (0.0, 0.0, 0.0)
        base = _base(case, photographs, number, moved)
        if busy is not None:
            base = busy(base, number)
        lit = light(base, number)
        stopped = case.stop_after is not None and number >= before + case.stop_after
        if there and case.optics is not None and not stopped:
            lit = noise.add(case.optics(lit, number), 2.0)
        if there and case.frozen:
            held = lit if held is None else held
            lit = held
        always = not case.expected or case.frozen
        if case.wire is not None and (there or always):
            lit = case.wire(lit, number)
        yield lit, there


def _base(
    case: Case, photographs: Sequence[Picture], number: int, moved: tuple[float, float, float]
) -> Picture:
    if case.kind == "vehicle":
        frame = photographs[number // 2 % len(photographs)]
        edge = 4 * (number % 2)
        inner = frame[edge : frame.shape[0] - edge, edge : frame.shape[1] - edge]
        return np.asarray(cv2.resize(inner, (scenes.WIDTH, scenes.HEIGHT)), dtype=np.uint8)
    right, down, angle = moved
    return scenes.view(photographs[0], right + case.sway * np.sin(number * 1.7), down, angle)


def _light(case: Case, rng: np.random.Generator, noise: scenes.Noise) -> Change:
    if case.light == "as is":
        return lambda frame, _number: noise.add(frame, 1.0)
    if case.light != "nightfall":
        return scenes.LIGHTS[case.light](rng, noise)
    early, late = scenes.day(rng, noise), scenes.night(rng, noise)
    total = sum(case.steps)

    def falling(frame: Picture, number: int) -> Picture:
        share = min(max((number / total - 0.2) / 0.6, 0.0), 1.0)
        both = cv2.addWeighted(early(frame, number), 1 - share, late(frame, number), share, 0)
        return np.asarray(both, dtype=np.uint8)

    return falling


def _video(
    case: Case, photographs: Sequence[Picture], rng: np.random.Generator, noise: scenes.Noise
) -> Iterator[tuple[Picture, bool]]:
    light = scenes.LIGHTS[case.light](rng, noise)
    base = scenes.view(photographs[0])
    live = [light(base, 0 if case.video == "still" else n) for n in range(60)]
    rest = [noise.add(live[0], 1.0) if case.video == "still" else live[-1] for _ in range(240)]
    frames = [scenes.clock_overlay(one, n) for n, one in enumerate(live + rest)]
    for number, frame in enumerate(scenes.through_video(frames)):
        yield frame, number >= len(live)
