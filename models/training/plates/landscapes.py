"""Landscapes: mountains, water, trees, towns. Painters for :mod:`scenery`."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from models.training.plates.canvas import Canvas, Colour, mixed


def _ridge(
    rng: np.random.Generator, width: int, base: float, height: float, peaks: int
) -> list[tuple[float, float]]:
    xs = np.linspace(0, width, peaks * 2 + 1) + rng.normal(0, width / peaks / 8, peaks * 2 + 1)
    ys = np.where(np.arange(peaks * 2 + 1) % 2 == 1, base - height, base - height * 0.35)
    ys = ys + rng.normal(0, height * 0.18, ys.size)
    fine_x = np.linspace(0, width, 36)
    fine_y = np.interp(fine_x, np.sort(xs), ys) + rng.normal(0, height * 0.05, fine_x.size)
    return [(float(x), float(y)) for x, y in zip(fine_x, fine_y, strict=True)]


def _fill_under(canvas: Canvas, line: list[tuple[float, float]], low: float, ink: Colour) -> None:
    canvas.polygon([*line, (line[-1][0], low), (line[0][0], low)], ink)


def mountains(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Ridges one before the other, the last colour in front; snow if the first is light."""
    height, width = canvas.height, canvas.width
    low = height * rng.uniform(0.72, 0.95)
    for index, ink in enumerate(inks):
        base = height * (0.46 + 0.22 * index) * rng.uniform(0.94, 1.06)
        tall = height * (0.3 - 0.07 * index) * rng.uniform(0.8, 1.2)
        line = _ridge(rng, width, base, max(tall, 6.0), int(rng.integers(3, 7)))
        _fill_under(canvas, line, low if index == 0 else height, ink)


def skyline_mountains(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Snowy peaks high up against a coloured sky, the serial standing on the snow (Colorado)."""
    height, width = canvas.height, canvas.width
    canvas.box(0, 0, width, height * 0.45, inks[0])
    line = _ridge(rng, width, height * 0.4, height * 0.2, 6)
    _fill_under(canvas, line, height * 0.84, inks[len(inks) // 2])
    shade = mixed(inks[len(inks) // 2], inks[0], 0.35)
    for x, y in line[1::3]:
        canvas.line([(x, y), (x + rng.normal(0, 6), y + height * 0.12)], shade, 1)
    canvas.box(0, height * 0.82, width, height * 0.2, inks[-1])


def hills(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Round hills along the bottom."""
    height, width = canvas.height, canvas.width
    xs = np.linspace(0, width, 30)
    for index, ink in enumerate(inks):
        phase, wave = rng.uniform(0, 6), rng.uniform(1.0, 2.2)
        base = height * (0.62 + 0.13 * index)
        ys = base - np.sin(xs / width * 6.28 * wave / 2 + phase) * height * 0.08
        _fill_under(canvas, list(zip(xs.tolist(), ys.tolist(), strict=True)), height, ink)


def sea(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Bands of water with crests."""
    height, width = canvas.height, canvas.width
    xs = np.linspace(0, width, 60)
    for index, ink in enumerate(inks):
        base = height * (0.7 + 0.12 * index)
        ys = base + np.sin(xs / width * 6.28 * rng.uniform(4, 9)) * height * 0.02
        _fill_under(canvas, list(zip(xs.tolist(), ys.tolist(), strict=True)), height, ink)


def wave(_: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """One big breaking wave from the left (Rhode Island)."""
    height, width = canvas.height, canvas.width
    xs = np.linspace(0, width, 40)
    ys = (
        height * (0.42 + 0.5 * (xs / width - 0.55) ** 2 * 2) + np.sin(xs / width * 5) * height * 0.1
    )
    _fill_under(canvas, list(zip(xs.tolist(), ys.tolist(), strict=True)), height, inks[0])
    if len(inks) > 1:
        ys = ys + height * 0.16
        _fill_under(canvas, list(zip(xs.tolist(), ys.tolist(), strict=True)), height, inks[1])


def sun(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A sun, with rays if there is a second colour."""
    height, width = canvas.height, canvas.width
    x, y = width * rng.uniform(0.2, 0.8), height * rng.uniform(0.2, 0.6)
    radius = height * rng.uniform(0.1, 0.22)
    if len(inks) > 1:
        for angle in np.linspace(0, 6.283, int(rng.integers(10, 24)), endpoint=False):
            far = width
            near, wide = radius * 1.1, 0.05
            canvas.polygon(
                [
                    (x + near * np.cos(angle), y + near * np.sin(angle)),
                    (x + far * np.cos(angle - wide), y + far * np.sin(angle - wide)),
                    (x + far * np.cos(angle + wide), y + far * np.sin(angle + wide)),
                ],
                inks[1],
            )
    canvas.disk(x, y, radius, inks[0])


def clouds(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Blurred heaps of cloud."""
    height, width = canvas.height, canvas.width
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.uniform(0, width), rng.uniform(0.15, 0.7) * height
        for _ in range(4):
            axes = (int(rng.uniform(10, 34)), int(rng.uniform(5, 12)))
            middle = (int(x + rng.normal(0, 20)), int(y + rng.normal(0, 5)))
            cv2.ellipse(mask, middle, axes, 0, 0, 360, int(rng.integers(120, 255)), -1)
    mask = np.asarray(cv2.blur(mask, (13, 13)), np.uint8)
    canvas.paint(mask, inks[0], 0, 0, 0.9)


def pines(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A row of conifers along the bottom."""
    height, width = canvas.height, canvas.width
    for x in np.arange(-4.0, width + 4, rng.uniform(5, 11)):
        tall = height * rng.uniform(0.06, 0.22)
        base = height * rng.uniform(0.84, 0.95)
        wide = tall * 0.24
        canvas.polygon([(x - wide, base), (x, base - tall), (x + wide, base)], inks[0])
    canvas.box(0, height * 0.9, width, height * 0.1, inks[-1])


def trees(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Round-headed trees or bushes along the bottom."""
    height, width = canvas.height, canvas.width
    for x in np.arange(0.0, width, 8):
        canvas.disk(
            x + rng.normal(0, 3), height * rng.uniform(0.8, 0.9), rng.uniform(5, 10), inks[0]
        )
    canvas.box(0, height * 0.87, width, height * 0.13, inks[-1])


def skyline(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Buildings against the sky, high or low on the plate."""
    height, width = canvas.height, canvas.width
    low = height * float(rng.choice([0.3, 0.75, 0.9]))
    x = 0.0
    while x < width:
        wide = rng.uniform(4, 14)
        tall = height * rng.uniform(0.03, 0.2)
        canvas.box(x, low - tall, wide, tall, inks[0])
        x += wide + rng.uniform(0, 5)


def farm(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Fields with a barn and silo far off."""
    hills(rng, canvas, inks[:1])
    height, width = canvas.height, canvas.width
    x, y = width * rng.uniform(0.6, 0.85), height * 0.72
    canvas.box(x, y - 12, 18, 14, inks[-1])
    canvas.polygon([(x - 2, y - 12), (x + 9, y - 20), (x + 20, y - 12)], inks[-1])
    canvas.box(x + 22, y - 20, 6, 22, inks[-1])


def desert(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Low mesas with a saguaro at one side (Arizona)."""
    height, width = canvas.height, canvas.width
    line = _ridge(rng, width, height * 0.92, height * 0.14, 5)
    _fill_under(canvas, line, height, inks[0])
    ink = inks[-1]
    x, y = width * 0.06, height * 0.95
    canvas.line([(x, y), (x, y - height * 0.5)], ink, 5)
    canvas.line([(x, y - 30), (x - 9, y - 32), (x - 9, y - 48)], ink, 3)
    canvas.line([(x, y - 24), (x + 9, y - 26), (x + 9, y - 40)], ink, 3)


def tower(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A flat-topped tower of rock with its grooves (Wyoming)."""
    height, width = canvas.height, canvas.width
    x, half = width * rng.uniform(0.5, 0.8), height * rng.uniform(0.2, 0.3)
    top, low = height * 0.3, height * 0.92
    canvas.polygon(
        [
            (x - half * 0.6, top),
            (x + half * 0.6, top),
            (x + half * 1.3, low),
            (x - half * 1.3, low),
        ],
        inks[0],
    )
    for share in np.linspace(-0.5, 0.5, 8):
        canvas.line([(x + share * half, top), (x + share * 2.2 * half, low)], inks[-1], 1)


def arch(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Delicate Arch in the middle or at the right (Utah)."""
    height, width = canvas.height, canvas.width
    x, y = width * rng.uniform(0.45, 0.6), height * 0.98
    size = height * 0.8
    canvas.polygon(
        [
            (x - size * 0.36, y), (x - size * 0.3, y - size * 0.5), (x - size * 0.16,
            y - size * 0.8),
            (x + size * 0.14, y - size * 0.84), (x + size * 0.3, y - size * 0.6),
            (x + size * 0.4, y), (x + size * 0.16, y), (x + size * 0.12, y - size * 0.5),
            (x, y - size * 0.6), (x - size * 0.12, y - size * 0.46), (x - size * 0.16, y),
        ],
        inks[0],
    )  # fmt: skip
    canvas.box(0, height * 0.92, width, height * 0.1, inks[-1])


def lighthouse(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A lighthouse at the left on its rock, with the sea."""
    height, width = canvas.height, canvas.width
    sea(rng, canvas, inks[:1])
    x, y = width * rng.uniform(0.06, 0.14), height * 0.9
    tall = height * 0.6
    canvas.polygon(
        [(x - 11, y), (x - 7, y - tall), (x + 7, y - tall), (x + 11, y)], (245, 245, 245)
    )
    canvas.box(x - 8, y - tall - 9, 16, 9, inks[-1])
    canvas.box(x - 9, y - tall * 0.55, 18, tall * 0.2, inks[-1])
