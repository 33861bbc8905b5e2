"""Words on a plate: where they stand and how they are set."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.plates import fonts, lettering
from models.training.plates.canvas import Canvas, Colour, luminance
from models.training.plates.designs import Words


def paint(
    rng: np.random.Generator, canvas: Canvas, words: Words, text: str, size: float = 1.0
) -> tuple[int, int, int, int]:
    """Paint the line of words with that text; returns its x, y, w, h in pixels."""
    file = str(rng.choice(fonts.STYLES[words.font]))
    cap = words.size * canvas.height * size * float(rng.normal(1.0, 0.05))
    room = canvas.width * (0.9 if len(text) > 16 or words.spaced else 0.78)
    room = min(room, 2 * canvas.width * (min(words.x, 1 - words.x) - 0.02))
    spacing = float(rng.choice([0.12, 0.2, 0.3])) if words.spaced else 0.0
    stretch = words.stretch * float(np.clip(rng.normal(1.0, 0.06), 0.85, 1.2))
    mask = lettering.line(file, text, cap, room, stretch, spacing)
    if words.arch or rng.random() < 0.015:
        mask = lettering.arched(mask, canvas.height * float(rng.uniform(0.02, 0.06)))
    height, width = mask.shape
    if words.y is not None:
        y = words.y * canvas.height
    elif words.place == "top":
        y = canvas.height * float(rng.uniform(0.04, 0.065))
        if cap < canvas.height * 0.08:
            y += canvas.height * 0.02
    else:
        y = canvas.height * float(rng.uniform(0.935, 0.955)) - height
    x = words.x * canvas.width - width / 2
    x = float(np.clip(x, 4, max(4, canvas.width - width - 4)))
    ink = _legible(canvas, words.ink, x, y, width, height) if words.outline is None else words.ink
    if words.outline is not None:
        by = max(1, round(canvas.height * 0.008))
        canvas.paint(lettering.grown(mask, by), words.outline, x - by, y - by)
    return canvas.paint(mask, ink, x, y)


def _legible(canvas: Canvas, ink: Colour, x: float, y: float, wide: int, tall: int) -> Colour:
    """The ink, or black or white where the ground at that place would swallow it."""
    ground = canvas.picture[
        max(0, round(y)) : round(y) + tall : 3, max(0, round(x)) : round(x) + wide : 6
    ]
    if not ground.size:
        return ink
    level = float(np.median(cv2.cvtColor(ground, cv2.COLOR_BGR2GRAY)))
    if abs(level - luminance(ink)) > 32:
        return ink
    return (28, 26, 26) if level > 110 else (240, 240, 240)
