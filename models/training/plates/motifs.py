"""Motifs that are no landscape: stripes, seals, flowers, shapes. Painters for :mod:`scenery`."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from models.training.plates.canvas import Canvas, Colour, mixed
from models.training.plates.landscapes import clouds, hills, pines, sea


def swoosh(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Curved bands swept across."""
    height, width = canvas.height, canvas.width
    xs = np.linspace(0, width, 40)
    for ink in inks:
        base = height * rng.uniform(0.3, 0.9)
        bend = rng.uniform(-0.5, 0.5) * height
        ys = base + bend * (xs / width - 0.5) ** 2 * 2
        thick = height * rng.uniform(0.02, 0.12)
        points = list(zip(xs.tolist(), ys.tolist(), strict=True))
        canvas.polygon([*points, *[(x, y + thick) for x, y in reversed(points)]], ink)


def rainbow(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A rainbow's arch across the plate (Hawaii)."""
    height, width = canvas.height, canvas.width
    middle = (int(width * rng.uniform(0.46, 0.54)), int(height * 1.05))
    axes = np.array([width * 0.47, height * 0.85])
    step = 3
    for index, ink in enumerate(inks):
        size = (int(axes[0] - index * step * 1.3), int(axes[1] - index * step))
        cv2.ellipse(canvas.picture, middle, size, 0, 180, 360, ink, step + 1, cv2.LINE_AA)


def panel(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A picture at the left that fades into the plate: what special plates have."""
    height, width = canvas.height, canvas.width
    before = canvas.picture.copy()
    for ink in inks:
        canvas.box(0, 0, width, height, ink)
        (hills, sea, clouds, pines, swoosh, specks)[int(rng.integers(6))](rng, canvas, inks)
    reach = width * float(rng.uniform(0.2, 0.45))
    share = np.clip(
        (reach - np.arange(width)) / (reach * float(rng.uniform(0.05, 0.8))) + 0.2, 0, 1
    )
    mask = np.broadcast_to((share * 255).astype(np.uint8), (height, width))
    weight = mask.astype(np.float32) / 255
    canvas.picture[:] = cv2.blendLinear(canvas.picture, before, weight, 1 - weight)


def stars(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A band of night sky with stars at the top (Alabama)."""
    height, width = canvas.height, canvas.width
    tall = height * rng.uniform(0.14, 0.24)
    canvas.box(0, 0, width, tall, inks[0])
    for _ in range(26):
        x, y = rng.uniform(0, width), rng.uniform(0, tall * 1.3)
        canvas.disk(x, y, rng.uniform(1, 3), inks[-1])


def stripes(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Wavy stripes of a flag, in a corner or all over."""
    height, width = canvas.height, canvas.width
    xs = np.linspace(0, width, 30)
    left = 0.0 if rng.random() < 0.5 else width * 0.5
    for index in range(7):
        ys = height * (index / 7) + np.sin(xs / width * 6.28 + 1) * height * 0.03
        points = [(max(x, left), y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
        low = [(x, y + height / 14) for x, y in reversed(points)]
        canvas.polygon([*points, *low], inks[0])


def watermark(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A big pale seal in the middle, drawn by rings and spokes."""
    height, width = canvas.height, canvas.width
    x, y = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.45, 0.6)
    radius = height * rng.uniform(0.25, 0.42)
    for share in (1.0, 0.86, 0.6):
        middle = (int(x), int(y))
        cv2.circle(canvas.picture, middle, int(radius * share), inks[0], 2, cv2.LINE_AA)
    for angle in np.arange(0, 6.283, 6.283 / int(rng.integers(5, 17))):
        far = radius * 0.6
        canvas.line([(x, y), (x + far * np.cos(angle), y + far * np.sin(angle))], inks[0], 2)


def portrait(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A pale head and shoulders in the middle (Illinois)."""
    height, width = canvas.height, canvas.width
    x, y = width * rng.uniform(0.46, 0.54), height * 0.5
    size = height * rng.uniform(0.2, 0.3)
    scale = (int(size * 0.62), int(size))
    cv2.ellipse(canvas.picture, (int(x), int(y)), scale, 8, 0, 360, inks[0], -1, cv2.LINE_AA)
    canvas.polygon(
        [(x - size, height * 0.95), (x - size * 0.5, y + size * 0.8), (x + size * 0.6,
        y + size * 0.8),
         (x + size * 1.1, height * 0.95)], inks[-1])  # fmt: skip


def flowers(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """A blossom in the middle or a corner, with leaves."""
    height, width = canvas.height, canvas.width
    x, y = width * float(rng.choice([0.12, 0.5, 0.88])), height * rng.uniform(0.45, 0.7)
    size = height * rng.uniform(0.12, 0.26)
    for angle in np.arange(0.4, 6.6, 6.283 / 6):
        leaf = (x + size * 1.1 * np.cos(angle), y + size * 0.9 * np.sin(angle))
        canvas.disk(*leaf, size * 0.3, inks[-1])
    for angle in np.arange(0, 6.2, 6.283 / 6):
        canvas.disk(
            x + size * 0.6 * np.cos(angle), y + size * 0.6 * np.sin(angle), size * 0.42, inks[0]
        )
    canvas.disk(x, y, size * 0.25, mixed(inks[0], (60, 200, 240), 0.6))


def specks(rng: np.random.Generator, canvas: Canvas, inks: Sequence[Colour]) -> None:
    """Strokes and blots of no particular shape: what a print too busy to name looks like."""
    height, width = canvas.height, canvas.width
    for _ in range(int(rng.integers(4, 16))):
        ink = inks[int(rng.integers(len(inks)))]
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if rng.random() < 0.5:
            axes = (int(rng.uniform(3, 40)), int(rng.uniform(2, 20)))
            turn = float(rng.uniform(0, 180))
            cv2.ellipse(canvas.picture, (int(x), int(y)), axes, turn, 0, 360, ink, -1, cv2.LINE_AA)
        else:
            points = [(x + rng.normal(0, 30), y + rng.normal(0, 20)) for _ in range(3)]
            canvas.line(points, ink, rng.uniform(1, 5))
