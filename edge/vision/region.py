"""Parts of a picture as polygons of fractions: (0, 0) is its top left corner, (1, 1) the other."""

from __future__ import annotations

from collections.abc import Sequence

Point = tuple[float, float]
Polygon = Sequence[Point]


def box_polygon(left: float, top: float, right: float, bottom: float) -> tuple[Point, ...]:
    """The four corners of a box, clockwise from the top left."""
    return (left, top), (right, top), (right, bottom), (left, bottom)


def bounds(polygon: Polygon) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the smallest box around a polygon."""
    across = [x for x, _ in polygon]
    down = [y for _, y in polygon]
    return min(across), min(down), max(across), max(down)


def area(polygon: Polygon) -> float:
    """The share of the picture that a polygon covers (shoelace formula)."""
    return abs(sum(ax * by - bx * ay for (ax, ay), (bx, by) in _sides(polygon))) / 2


def contains(polygon: Polygon, point: Point) -> bool:
    """Whether a point lies inside a polygon, by the even-odd rule."""
    x, y = point
    inside = False
    for (ax, ay), (bx, by) in _sides(polygon):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


def crosses_itself(polygon: Polygon) -> bool:
    """Whether two sides of a polygon that are no neighbours meet."""
    sides = list(_sides(polygon))
    last = len(sides) - 1
    return any(
        _cross(*sides[i], *sides[j])
        for i in range(len(sides))
        for j in range(i + 2, len(sides))
        if (i, j) != (0, last)
    )


def _sides(polygon: Polygon) -> list[tuple[Point, Point]]:
    return list(zip(polygon, [*polygon[1:], polygon[0]], strict=True))


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _turn(a, b, c) * _turn(a, b, d) <= 0 and _turn(c, d, a) * _turn(c, d, b) <= 0


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
