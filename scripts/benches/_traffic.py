"""Made-up traffic before a camera: which plates stand where in which frame, and what is read.

A pinhole camera (focal length 1000 px, 1280 by 720 px) sees cars that drive past, come closer,
follow each other, stop, hide one another or are parked along the way of a vehicle that turns and
shakes. A plate is detected and read worse the smaller it is; misreadings come from a table of what
readers confuse, and some are sure of themselves. What is true is known of every plate.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from edge.contract.records import Clock
from edge.instant import Instant
from edge.vision.detector import Detection
from edge.vision.engine import PlateObservation
from edge.vision.frames import Frame
from edge.vision.geometry import Box
from edge.vision.reader import CharacterReading, PlateReading, StateReading, plate_reading

WIDTH_PX, HEIGHT_PX = 1280, 720
FOCAL_PX = 1000.0
PLATE_M = 0.305
SMALLEST_PX = 26.0
LEAST_SURE = 0.4  # the engine reports nothing less
START = Instant(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), 0.0, Clock(source="gps", error_ms=1.0))
LOOKALIKES = {
    "0": "OD8Q6", "O": "0DQ", "1": "I7T4", "I": "1T7", "8": "B360", "B": "836R", "5": "S63",
    "S": "58", "2": "Z7", "Z": "27", "6": "G805", "G": "6CO", "D": "0OQ", "Q": "O0", "4": "A1L",
    "A": "4R", "7": "1TZ", "T": "71Y", "V": "YU", "Y": "VT", "U": "VJ", "M": "NWH", "N": "MWH",
    "W": "MV", "H": "NM", "K": "XR", "X": "KY", "3": "859", "9": "30", "C": "GO", "E": "FB",
    "F": "EP", "P": "FR", "R": "PK", "J": "U1", "L": "14",
}  # fmt: skip
_PICTURE: NDArray[np.uint8] = np.zeros((HEIGHT_PX, WIDTH_PX, 3), dtype=np.uint8)

Way = Callable[[float], tuple[float, float, float] | None]
"""Metres to the right, up and ahead of the camera at a time in seconds; None while hidden."""


@dataclass(frozen=True)
class Car:
    """One car: its plate, and where the plate is at a time."""

    plate: str
    way: Way


@dataclass(frozen=True)
class Traffic:
    """Cars before a camera that may itself turn: `turn` gives its yaw and pitch in radians."""

    name: str
    cars: tuple[Car, ...]
    seconds: float
    turn: Callable[[float], tuple[float, float]] = field(default=lambda _: (0.0, 0.0))


@dataclass(frozen=True)
class Shot:
    """A frame, what was read in it, and which car each reading is of, by its place in `cars`."""

    frame: Frame
    observations: tuple[PlateObservation, ...]
    cars: tuple[int, ...]


def shots(traffic: Traffic, rng: random.Random, fps: float, skipped: float = 0.0) -> Iterator[Shot]:
    """The frames that an engine reads, a share of them skipped for want of time."""
    for index in range(int(traffic.seconds * fps)):
        if rng.random() < skipped:
            continue
        at_s = index / fps
        seen = [
            (observation, number)
            for number, car in enumerate(traffic.cars)
            if (box := _project(car.way(at_s), traffic.turn(at_s))) is not None
            and rng.random() < _found(box.w)
            for observation in [observe(car.plate, box, rng)]
            if observation.reading.confidence >= LEAST_SURE
        ]
        rng.shuffle(seen)
        frame = Frame("front", index, START.later(at_s), _PICTURE, "traffic", standalone=False)
        yield Shot(frame, tuple(one for one, _ in seen), tuple(number for _, number in seen))


def observe(plate: str, box: Box, rng: random.Random) -> PlateObservation:
    """A plate as detector and reader give it: its box off by a little, its text perhaps misread."""
    off = max(1.0, 0.04 * box.w)
    noisy = Box(
        round(box.x + rng.gauss(0, off)),
        round(box.y + rng.gauss(0, off / 2)),
        max(8, round(box.w * rng.gauss(1, 0.05))),
        max(4, round(box.h * rng.gauss(1, 0.05))),
    )
    return PlateObservation(
        Detection(noisy, 0.9, None), noisy, misread(plate, box.w, rng), _crop(noisy.h, noisy.w)
    )


def misread(plate: str, width_px: float, rng: random.Random) -> PlateReading:
    """What a reader makes of a plate so wide."""
    blur = math.exp(-(width_px - SMALLEST_PX) / 14)
    whole = rng.random() < 0.06 * blur  # a plate half hidden, or glare: hardly a character right
    wrong = 0.5 if whole else 0.004 + 0.2 * blur
    text = list(plate)
    if len(text) > 2 and rng.random() < 0.01 + 0.5 * blur:
        del text[rng.choice((0, -1, rng.randrange(len(text))))]
    characters = []
    for glyph in text:
        if rng.random() < wrong:
            misreading = rng.choice(LOOKALIKES[glyph]) if rng.random() < 0.7 else _glyph(rng)
            surety = rng.uniform(0.25, 0.9) if rng.random() < 0.95 else rng.uniform(0.9, 0.99)
            rest = (glyph, (1 - surety) * rng.uniform(0.2, 0.9))
            characters.append(_character((misreading, surety), rest))
        else:
            surety = 1 - min(0.6, rng.expovariate(1 / (0.01 + 0.12 * blur)))
            other = rng.choice(LOOKALIKES[glyph])
            characters.append(_character((glyph, surety), (other, (1 - surety) * 0.6)))
    return plate_reading(tuple(characters), StateReading("MA", 0.8, (("MA", 0.8),)))


def _character(best: tuple[str, float], other: tuple[str, float]) -> CharacterReading:
    if best[0] == other[0]:
        return CharacterReading((best,))
    ranked = sorted((best, other), key=lambda pair: -pair[1])
    return CharacterReading(tuple(ranked))


def serial(rng: random.Random, like: str | None = None) -> str:
    """A serial, or one that differs from another in a single place, as a fleet's do."""
    if like is None:
        shape = rng.choice(("AAA999", "9AAA99", "AAA9999", "999AAA", "9AAA999", "AA99999"))
        return "".join(
            rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") if sign == "A" else rng.choice("0123456789")
            for sign in shape
        )
    place = len(like) - 1 - rng.choice((0, 0, 1))
    kind = "0123456789" if like[place].isdigit() else "ABCDEFGHJKLMNPRSTUVWXYZ"
    return like[:place] + rng.choice(kind.replace(like[place], "")) + like[place + 1 :]


def scenarios(rng: random.Random) -> Traffic:
    """One scenario drawn at random."""
    return rng.choice(SCENARIOS)(rng)


def _pole(rng: random.Random) -> Traffic:
    """A fixed camera over one to three lanes; cars close behind each other."""
    cars: list[Car] = []
    for lane in range(rng.randint(1, 3)):
        start_s, like = rng.uniform(0, 2), None
        for _ in range(rng.randint(1, 5)):
            plate = serial(rng, like if rng.random() < 0.3 else None)
            speed = rng.uniform(4, 30)
            cars.append(
                Car(plate, _drives(1.5 + 3.2 * lane, start_s, 30.0, speed, away=rng.random() < 0.2))
            )
            like = plate
            start_s += rng.uniform(0.6, 3.0) + 6 / speed
    return Traffic("pole", _hidden(cars, rng, 0.2), 22.0, _shake(rng, 0.002))


def _curb(rng: random.Random) -> Traffic:
    """A vehicle drives past parked cars and meets oncoming ones; it shakes, and may turn."""
    speed = rng.uniform(3, 17)
    side = rng.choice((-1, 1)) * rng.uniform(2.2, 4.0)
    cars, ahead = [], 14.0
    for _ in range(rng.randint(2, 9)):
        start_s = (ahead - 20) / speed
        cars.append(Car(serial(rng), _drives(side, start_s, 20.0, speed)))
        ahead += rng.uniform(5, 9)
    for _ in range(rng.randint(0, 2)):
        closing = speed + rng.uniform(5, 14)
        cars.append(Car(serial(rng), _drives(-side, rng.uniform(0, 6), 30.0, closing)))
    return Traffic("curb", _hidden(cars, rng, 0.3), min(25.0, ahead / speed), _turns(rng))


def _ahead(rng: random.Random) -> Traffic:
    """One or two cars ahead for long, at a distance that changes; others come the other way."""
    cars = []
    like = None
    for lane in range(rng.randint(1, 2)):
        mean, swing, period = rng.uniform(6, 10), rng.uniform(0.2, 2.5), rng.uniform(4, 15)

        def way(
            at_s: float, mean: float = mean, swing: float = swing, period: float = period,
            right: float = 0.3 - 3.3 * lane,
        ) -> tuple[float, float, float]:  # fmt: skip
            return right, -0.8, mean + swing * math.sin(2 * math.pi * at_s / period)

        plate = serial(rng, like if rng.random() < 0.3 else None)
        cars.append(Car(plate, way))
        like = plate
    for _ in range(rng.randint(0, 5)):
        cars.append(Car(serial(rng), _drives(-4.0, rng.uniform(0, 30), 30.0, rng.uniform(10, 30))))
    return Traffic("ahead", _hidden(cars, rng, 0.5), 40.0, _turns(rng))


def _lights(rng: random.Random) -> Traffic:
    """Cars come, stop one behind the other for long, and go; others pass between."""
    cars = []
    stop_s, go_s = rng.uniform(2, 4), rng.uniform(15, 50)
    like = None
    for place in range(rng.randint(1, 3)):
        stands = 6.0 + 7.0 * place
        speed = rng.uniform(5, 10)

        def way(
            at_s: float, stands: float = stands, speed: float = speed, place: int = place
        ) -> tuple[float, float, float] | None:
            if at_s < stop_s:
                ahead = stands + speed * (stop_s - at_s)
            else:
                ahead = stands - 4.0 * max(0.0, at_s - go_s - place)
            return (1.2 + 0.15 * place, -1.2, ahead) if ahead > 1.5 else None

        plate = serial(rng, like if rng.random() < 0.3 else None)
        cars.append(Car(plate, way))
        like = plate
    for _ in range(rng.randint(0, 4)):
        cars.append(Car(serial(rng), _drives(4.5, rng.uniform(3, go_s), 30.0, rng.uniform(8, 25))))
    return Traffic("lights", _hidden(cars, rng, 0.4), go_s + 8, _shake(rng, 0.002))


SCENARIOS = (_pole, _curb, _ahead, _lights)


def _drives(
    right_m: float, start_s: float, from_m: float, speed: float, *, away: bool = False
) -> Way:
    def way(at_s: float) -> tuple[float, float, float] | None:
        if at_s < start_s:
            return None
        gone = speed * (at_s - start_s)
        ahead = 2.0 + gone if away else from_m - gone
        return (right_m, -1.2, ahead) if 1.5 < ahead <= from_m else None

    return way


def _hidden(cars: Sequence[Car], rng: random.Random, share: float) -> tuple[Car, ...]:
    """The cars, some of them hidden for up to 1.2 s now and then."""

    def hide(car: Car) -> Car:
        gaps = [(at_s, at_s + rng.uniform(0.2, 1.2)) for at_s in (rng.uniform(0, 20),) * 2]

        def way(at_s: float) -> tuple[float, float, float] | None:
            return None if any(a <= at_s < b for a, b in gaps) else car.way(at_s)

        return Car(car.plate, way)

    return tuple(hide(car) if rng.random() < share else car for car in cars)


def _shake(rng: random.Random, most_rad: float) -> Callable[[float], tuple[float, float]]:
    size, hertz = rng.uniform(0, most_rad), rng.uniform(1, 8)
    return lambda at_s: (
        size * math.sin(2 * math.pi * hertz * at_s),
        size * math.cos(2 * math.pi * 1.3 * hertz * at_s),
    )


def _turns(rng: random.Random) -> Callable[[float], tuple[float, float]]:
    """A vehicle's shaking, a turn of up to 30 degrees a second for a second, a pothole."""
    shake = _shake(rng, 0.012)
    turn_s, rate = rng.uniform(0, 15), math.radians(rng.choice((0, 0, rng.uniform(-30, 30))))
    hole_s, jolt = rng.uniform(0, 15), rng.uniform(-0.05, 0.05)

    def turn(at_s: float) -> tuple[float, float]:
        yaw, pitch = shake(at_s)
        yaw += rate * min(1.0, max(0.0, at_s - turn_s))
        yaw -= rate * min(1.0, max(0.0, at_s - turn_s - 2.0))
        return yaw, pitch + jolt * math.exp(-abs(at_s - hole_s) * 6)

    return turn


def _project(at: tuple[float, float, float] | None, turn: tuple[float, float]) -> Box | None:
    """The plate's box in the picture, where it is wholly in view and large enough."""
    if at is None:
        return None
    right, up, ahead = at
    width = FOCAL_PX * PLATE_M / ahead
    x = WIDTH_PX / 2 + FOCAL_PX * math.tan(math.atan2(right, ahead) - turn[0])
    y = HEIGHT_PX / 2 - FOCAL_PX * math.tan(math.atan2(up, ahead) - turn[1])
    box = Box(round(x - width / 2), round(y - width / 4), round(width), round(width / 2))
    inside = box.x >= 0 and box.x + box.w <= WIDTH_PX and box.y >= 0 and box.y + box.h <= HEIGHT_PX
    return box if inside and width >= SMALLEST_PX else None


def _found(width_px: float) -> float:
    return 0.97 - 0.35 * math.exp(-(width_px - SMALLEST_PX) / 10)


def _glyph(rng: random.Random) -> str:
    return rng.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _crop(height: int, width: int) -> NDArray[np.uint8]:
    """Stripes: as sharp as characters, and quickly made."""
    crop = np.full((height, width, 3), 220, dtype=np.uint8)
    crop[:, ::4] = 40
    return crop
