"""The emblems' drawings, each from a few simple shapes in a unit square."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from models.training.plates.canvas import Colour, mixed
from models.training.plates.pen import Pen

WHITE: Colour = (246, 246, 246)
BLACK: Colour = (24, 22, 22)
Drawing = Callable[[Pen], None]


def _star(pen: Pen) -> None:
    points = []
    for index in range(10):
        radius = 0.5 if index % 2 == 0 else 0.2
        angle = -math.pi / 2 + index * math.pi / 5
        points.append((0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)))
    pen.fill(points)


def _heart(pen: Pen) -> None:
    pen.oval(0.27, 0.3, 0.25, 0.26)
    pen.oval(0.73, 0.3, 0.25, 0.26)
    pen.fill([(0.04, 0.42), (0.5, 0.98), (0.96, 0.42), (0.5, 0.25)])


def _diamond(pen: Pen) -> None:
    pen.fill([(0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5)])


def _gem(pen: Pen) -> None:
    pen.fill([(0.2, 0.1), (0.8, 0.1), (1, 0.4), (0.5, 1), (0, 0.4)])
    light = mixed(pen.ink, WHITE, 0.6)
    for x in (0.2, 0.5, 0.8):
        pen.stroke([(x, 0.1), (0.5, 1)], 0.025, light)
    pen.stroke([(0, 0.4), (1, 0.4)], 0.025, light)


def _tree(pen: Pen) -> None:
    for index in range(5):
        top = index * 0.16
        half = 0.16 + index * 0.075
        pen.fill([(0.5, top), (0.5 - half, top + 0.27), (0.5 + half, top + 0.27)])
    pen.fill([(0.44, 0.85), (0.56, 0.85), (0.56, 1), (0.44, 1)])


def _palm(pen: Pen) -> None:
    pen.stroke([(0.5, 0.98), (0.48, 0.4)], 0.09)
    for angle in np.arange(math.pi, 2 * math.pi + 0.1, math.pi / 5):
        x, y = 0.48 + 0.42 * math.cos(angle), 0.32 + 0.3 * math.sin(angle)
        pen.stroke([(0.48, 0.36), (x, y), (x + 0.1 * math.cos(angle), y + 0.16)], 0.07)
    pen.oval(0.84, 0.12, 0.1, 0.1)
    pen.oval(0.89, 0.09, 0.08, 0.08, pen.second)


def _fruit(pen: Pen) -> None:
    pen.oval(0.5, 0.6, 0.42, 0.38)
    pen.oval(0.38, 0.5, 0.12, 0.1, mixed(pen.ink, WHITE, 0.35))
    pen.fill([(0.5, 0.24), (0.7, 0.05), (0.95, 0.1), (0.75, 0.28)], (60, 140, 50))
    pen.stroke([(0.5, 0.3), (0.47, 0.06)], 0.05, (40, 70, 90))


def _oranges(pen: Pen) -> None:
    pen.fill([(0.0, 0.3), (0.5, 0.12), (0.98, 0.34), (0.5, 0.5)], (70, 140, 60))
    pen.oval(0.33, 0.62, 0.3, 0.3)
    pen.oval(0.68, 0.6, 0.3, 0.3, mixed(pen.ink, WHITE, 0.2))
    pen.oval(0.62, 0.22, 0.1, 0.1, WHITE)


def _seal(pen: Pen) -> None:
    pen.oval(0.5, 0.5, 0.48, 0.48)
    pen.oval(0.5, 0.5, 0.42, 0.42, pen.second)
    pen.oval(0.5, 0.5, 0.3, 0.3)
    pen.oval(0.5, 0.5, 0.24, 0.24, mixed(pen.ink, WHITE, 0.55))
    pen.fill([(0.36, 0.62), (0.5, 0.3), (0.64, 0.62)])


def _shield(pen: Pen) -> None:
    pen.fill([(0.06, 0.02), (0.94, 0.02), (0.94, 0.55), (0.5, 0.99), (0.06, 0.55)])
    pen.fill([(0.16, 0.1), (0.5, 0.1), (0.5, 0.48), (0.16, 0.48)], pen.second)
    pen.fill([(0.5, 0.48), (0.84, 0.48), (0.84, 0.52), (0.5, 0.85)], pen.second)


def _crossed(pen: Pen) -> None:
    """Maryland's quartered shield."""
    pen.fill([(0.08, 0.02), (0.92, 0.02), (0.92, 0.6), (0.5, 0.99), (0.08, 0.6)], (40, 190, 235))
    pen.fill([(0.5, 0.02), (0.92, 0.02), (0.92, 0.46), (0.5, 0.46)], WHITE)
    pen.fill([(0.6, 0.1), (0.84, 0.1), (0.84, 0.38), (0.6, 0.38)], (40, 40, 190))
    for x in (0.12, 0.26, 0.4):
        pen.fill([(x, 0.02), (x + 0.07, 0.02), (x + 0.07, 0.46), (x, 0.46)], BLACK)
    pen.fill([(0.08, 0.46), (0.5, 0.46), (0.5, 0.97), (0.08, 0.6)], (40, 40, 190))


def _keystone(pen: Pen) -> None:
    pen.fill(
        [(0.02, 0), (0.98, 0), (0.98, 0.18), (0.86, 0.18), (0.72, 1), (0.28, 1), (0.14, 0.18),
         (0.02, 0.18)])  # fmt: skip


def _bars(pen: Pen) -> None:
    """The District's three stars over two bars."""
    for top in (0.42, 0.76):
        pen.fill([(0, top), (1, top), (1, top + 0.2), (0, top + 0.2)])
    for x in (0.18, 0.5, 0.82):
        points = []
        for index in range(10):
            radius = 0.17 if index % 2 == 0 else 0.07
            angle = -math.pi / 2 + index * math.pi / 5
            points.append((x + radius * math.cos(angle), 0.17 + radius * math.sin(angle)))
        pen.fill(points)


def _zia(pen: Pen) -> None:
    for step in (-0.12, -0.04, 0.04, 0.12):
        long = 0.48 if abs(step) < 0.1 else 0.4
        pen.stroke([(0.5 + step, 0.5 - long), (0.5 + step, 0.5 + long)], 0.035)
        pen.stroke([(0.5 - long, 0.5 + step), (0.5 + long, 0.5 + step)], 0.035)
    pen.oval(0.5, 0.5, 0.22, 0.22)
    pen.oval(0.5, 0.5, 0.17, 0.17, pen.second)


def _sun(pen: Pen) -> None:
    for angle in np.arange(0, 2 * math.pi, math.pi / 6):
        x, y = math.cos(angle), math.sin(angle)
        pen.stroke([(0.5 + 0.3 * x, 0.5 + 0.3 * y), (0.5 + 0.47 * x, 0.5 + 0.47 * y)], 0.05)
    pen.oval(0.5, 0.5, 0.26, 0.26)


def _bison(pen: Pen) -> None:
    pen.oval(0.38, 0.42, 0.3, 0.32)
    pen.oval(0.66, 0.46, 0.26, 0.22)
    pen.oval(0.13, 0.56, 0.13, 0.2)
    for x in (0.25, 0.4, 0.68, 0.82):
        pen.fill([(x, 0.6), (x + 0.09, 0.6), (x + 0.07, 0.98), (x + 0.01, 0.98)])
    pen.stroke([(0.92, 0.4), (0.97, 0.66)], 0.04)


def _horse(pen: Pen) -> None:
    """A bucking horse and its rider."""
    pen.fill([(0.1, 0.55), (0.3, 0.42), (0.66, 0.4), (0.9, 0.2), (0.98, 0.34), (0.8, 0.5), (0.7,
    0.66),
              (0.86, 0.86), (0.78, 0.98), (0.58, 0.72), (0.34, 0.68), (0.2, 0.9), (0.08, 0.96),
              (0.14, 0.76)])  # fmt: skip
    pen.fill([(0.4, 0.44), (0.42, 0.16), (0.56, 0.16), (0.6, 0.44)])
    pen.oval(0.5, 0.1, 0.08, 0.09)
    pen.stroke([(0.44, 0.2), (0.2, 0.08)], 0.05)
    pen.stroke([(0.36, 0.05), (0.64, 0.07)], 0.04)


def _bird(pen: Pen) -> None:
    pen.oval(0.45, 0.55, 0.3, 0.2, turn=-25)
    pen.oval(0.74, 0.32, 0.13, 0.13)
    pen.fill([(0.84, 0.28), (1, 0.34), (0.84, 0.38)], (40, 170, 230))
    pen.fill([(0.3, 0.6), (0.02, 0.9), (0.2, 0.92), (0.44, 0.68)])
    pen.oval(0.77, 0.29, 0.03, 0.03, WHITE)


def _fish(pen: Pen) -> None:
    pen.oval(0.42, 0.5, 0.38, 0.24)
    pen.fill([(0.72, 0.5), (1, 0.2), (0.94, 0.5), (1, 0.8)])
    pen.oval(0.2, 0.44, 0.04, 0.04, WHITE)


def _flower(pen: Pen) -> None:
    for angle in np.arange(0, 2 * math.pi, math.pi / 3):
        pen.oval(0.5 + 0.27 * math.cos(angle), 0.5 + 0.27 * math.sin(angle), 0.2, 0.2)
    pen.oval(0.5, 0.5, 0.14, 0.14, pen.second)


def _ribbon(pen: Pen) -> None:
    pen.stroke([(0.2, 0.98), (0.66, 0.3), (0.5, 0.06), (0.34, 0.3), (0.8, 0.98)], 0.11)


def _chair(pen: Pen) -> None:
    """The wheelchair symbol."""
    pen.oval(0.42, 0.1, 0.1, 0.1)
    pen.stroke([(0.42, 0.22), (0.46, 0.56), (0.74, 0.56), (0.84, 0.88), (0.96, 0.84)], 0.09)
    pen.stroke([(0.44, 0.38), (0.68, 0.38)], 0.07)
    arc = [(0.42 + 0.3 * math.cos(a), 0.68 + 0.28 * math.sin(a)) for a in np.arange(0.6, 4.2, 0.2)]
    pen.stroke(arc, 0.08)


def _flag(pen: Pen) -> None:
    red, blue = (50, 40, 180), (110, 50, 30)
    pen.fill([(0, 0.1), (1, 0.1), (1, 0.9), (0, 0.9)], WHITE)
    for index in range(4):
        top = 0.1 + index * 0.23
        pen.fill([(0, top), (1, top), (1, top + 0.115), (0, top + 0.115)], red)
    pen.fill([(0, 0.1), (0.45, 0.1), (0.45, 0.55), (0, 0.55)], blue)
    for x in (0.08, 0.2, 0.32):
        for y in (0.2, 0.33, 0.46):
            pen.oval(x, y, 0.03, 0.03, WHITE)


def _brazil(pen: Pen) -> None:
    pen.fill([(0, 0), (1, 0), (1, 1), (0, 1)], (60, 140, 20))
    pen.fill([(0.5, 0.08), (0.94, 0.5), (0.5, 0.92), (0.06, 0.5)], (30, 210, 245))
    pen.oval(0.5, 0.5, 0.18, 0.25, (130, 50, 20))


def _bands(pen: Pen) -> None:
    """A flag of three bands in the two colours."""
    pen.fill([(0, 0), (1, 0), (1, 1), (0, 1)], WHITE)
    pen.fill([(0, 0), (1, 0), (1, 0.34), (0, 0.34)])
    pen.fill([(0, 0.67), (1, 0.67), (1, 1), (0, 1)], pen.second)


def _hand(pen: Pen) -> None:
    pen.oval(0.52, 0.68, 0.28, 0.3)
    for x, top in ((0.3, 0.2), (0.46, 0.06), (0.62, 0.1), (0.77, 0.26)):
        pen.stroke([(x, top), (x, 0.6)], 0.13)
    pen.stroke([(0.06, 0.46), (0.34, 0.72)], 0.13)


def _plus(pen: Pen) -> None:
    pen.stroke([(0.5, 0.08), (0.5, 0.92)], 0.2)
    pen.stroke([(0.08, 0.5), (0.92, 0.5)], 0.2)


def _anchor(pen: Pen) -> None:
    pen.stroke([(0.5, 0.2), (0.5, 0.92)], 0.1)
    pen.stroke([(0.28, 0.32), (0.72, 0.32)], 0.08)
    pen.stroke([(0.08, 0.6), (0.2, 0.84), (0.5, 0.94), (0.8, 0.84), (0.92, 0.6)], 0.1)
    pen.oval(0.5, 0.11, 0.12, 0.1)
    pen.oval(0.5, 0.11, 0.05, 0.04, WHITE)


def _paw(pen: Pen) -> None:
    pen.oval(0.5, 0.68, 0.28, 0.24)
    for x, y in ((0.15, 0.42), (0.36, 0.2), (0.64, 0.2), (0.85, 0.42)):
        pen.oval(x, y, 0.11, 0.15)


def _bell(pen: Pen) -> None:
    pen.fill([(0.36, 0.1), (0.64, 0.1), (0.76, 0.6), (0.96, 0.86), (0.04, 0.86), (0.24, 0.6)])
    pen.oval(0.5, 0.92, 0.1, 0.07)


def _loon(pen: Pen) -> None:
    pen.oval(0.45, 0.66, 0.42, 0.2)
    pen.fill([(0.66, 0.6), (0.74, 0.2), (0.9, 0.2), (0.86, 0.6)])
    pen.fill([(0.86, 0.22), (1, 0.3), (0.86, 0.34)])
    pen.stroke([(0.2, 0.6), (0.5, 0.58)], 0.05, WHITE)


def _torch(pen: Pen) -> None:
    pen.fill([(0.4, 0.4), (0.6, 0.4), (0.55, 1), (0.45, 1)])
    pen.oval(0.5, 0.22, 0.18, 0.2, (40, 170, 240))
    for x, y in ((0.12, 0.2), (0.88, 0.2), (0.1, 0.5), (0.9, 0.5), (0.25, 0.05), (0.75, 0.05)):
        pen.oval(x, y, 0.05, 0.05)


def _scene(pen: Pen) -> None:
    """A round badge with a little landscape."""
    pen.oval(0.5, 0.5, 0.48, 0.48)
    pen.oval(0.5, 0.5, 0.43, 0.43, pen.second)
    pen.fill([(0.14, 0.66), (0.36, 0.3), (0.54, 0.58), (0.66, 0.42), (0.86, 0.66), (0.5, 0.92)])
    pen.oval(0.66, 0.28, 0.08, 0.08, (60, 200, 245))


def _ball(pen: Pen) -> None:
    pen.oval(0.5, 0.5, 0.48, 0.48, BLACK)
    pen.oval(0.5, 0.5, 0.44, 0.44)
    for index in range(8):
        angle = index * math.pi / 4
        far = (0.5 + 0.42 * math.cos(angle), 0.5 + 0.42 * math.sin(angle))
        pen.stroke([(0.5, 0.5), far], 0.06, pen.second)


def _lobster(pen: Pen) -> None:
    pen.oval(0.5, 0.56, 0.16, 0.36)
    for side in (-1, 1):
        pen.stroke([(0.5, 0.4), (0.5 + side * 0.28, 0.3), (0.5 + side * 0.32, 0.12)], 0.06)
        pen.oval(0.5 + side * 0.34, 0.12, 0.13, 0.11)
        for y in (0.5, 0.6, 0.7):
            pen.stroke([(0.5, y), (0.5 + side * 0.36, y + 0.06)], 0.03)
    pen.fill([(0.4, 0.85), (0.6, 0.85), (0.7, 1), (0.3, 1)])


def _wings(pen: Pen) -> None:
    pen.fill([(0.5, 0.34), (0.02, 0.24), (0.14, 0.44), (0.1, 0.52), (0.3, 0.6), (0.5, 0.66),
    (0.7, 0.6),
              (0.9, 0.52), (0.86, 0.44), (0.98, 0.24)])  # fmt: skip
    pen.oval(0.5, 0.48, 0.12, 0.18, pen.second)


def _clover(pen: Pen) -> None:
    for x, y in ((0.33, 0.3), (0.67, 0.3), (0.33, 0.6), (0.67, 0.6)):
        pen.oval(x, y, 0.2, 0.19)
    pen.stroke([(0.5, 0.55), (0.56, 0.98)], 0.06)


DRAWINGS: dict[str, tuple[Drawing, float]] = {
    "star": (_star, 1.0), "heart": (_heart, 1.0), "diamond": (_diamond, 0.8), "gem": (_gem, 1.2),
    "tree": (_tree, 0.52), "palm": (_palm, 0.9), "fruit": (_fruit, 0.95),
    "oranges": (_oranges, 1.3), "seal": (_seal, 1.0), "shield": (_shield, 0.85),
    "crossed": (_crossed, 0.8), "keystone": (_keystone, 0.9), "bars": (_bars, 1.05),
    "zia": (_zia, 1.0), "sun": (_sun, 1.0), "bison": (_bison, 1.4), "horse": (_horse, 0.95),
    "bird": (_bird, 1.1), "fish": (_fish, 1.9), "flower": (_flower, 1.0), "ribbon": (_ribbon, 0.55),
    "chair": (_chair, 0.9), "flag": (_flag, 1.6), "anchor": (_anchor, 0.85), "paw": (_paw, 1.0),
    "bell": (_bell, 0.9), "loon": (_loon, 1.5), "torch": (_torch, 0.9), "scene": (_scene, 1.0),
    "ball": (_ball, 1.0), "lobster": (_lobster, 0.7), "wings": (_wings, 1.5),
    "clover": (_clover, 0.9), "brazil": (_brazil, 1.4), "bands": (_bands, 1.5),
    "hand": (_hand, 0.9), "plus": (_plus, 1.0),
}  # fmt: skip
"""Drawings by name with their width over their height."""
