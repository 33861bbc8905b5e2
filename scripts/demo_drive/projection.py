"""A pinhole camera on a straight street, and flat pictures pasted into its view.

World metres: x to the right of the camera, y up from the road, s along the street. The camera's
axis points along the street; the sensor is shifted so that the vanishing point sits left of the
middle and the kerb side, where cars park, gets the room.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
"""Blue, green, red, 0-255."""

FRAME_WIDTH_PX = 1280
FRAME_HEIGHT_PX = 720
NEAR_M = 0.7
"""Nothing nearer than this along the street is drawn."""

_HAZE: Colour = (226, 216, 204)
_HAZE_LENGTH_M = 210.0
_FIXED_POINT_BITS = 4


@dataclass(frozen=True)
class View:
    """Where the camera is along the street, and how it sees."""

    s_m: float
    focal_px: float = 1300.0
    vanishing_x_px: float = 392.0
    vanishing_y_px: float = 268.0
    height_m: float = 1.62

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project world points.

        Args:
            points: shape (n, 3): x, y, s in metres; s nearer than `NEAR_M` is moved there.

        Returns:
            shape (n, 2), pixels.
        """
        depth = np.maximum(points[:, 2] - self.s_m, NEAR_M)
        x = self.vanishing_x_px + self.focal_px * points[:, 0] / depth
        y = self.vanishing_y_px + self.focal_px * (self.height_m - points[:, 1]) / depth
        return np.stack([x, y], axis=1)

    def haze(self, s_m: float) -> float:
        """How much of the air's own light, 0 to 1, lies over something at `s_m`."""
        return float(1 - np.exp(-max(s_m - self.s_m, 0.0) / _HAZE_LENGTH_M))


def hazed(colour: Colour, haze: float) -> Colour:
    """A colour with the air's own light over it."""
    b, g, r = (c * (1 - haze) + h * haze for c, h in zip(colour, _HAZE, strict=True))
    return b, g, r


def fill(canvas: NDArray[np.uint8], polygon: NDArray[np.float64], colour: Colour) -> None:
    """Fill a convex polygon (canvas pixels) with smooth edges."""
    bounded = np.clip(polygon, -20000, 20000)
    fixed = np.round(bounded * 2**_FIXED_POINT_BITS).astype(np.int32)
    cv2.fillConvexPoly(canvas, fixed, colour, cv2.LINE_AA, _FIXED_POINT_BITS)


def fill_world(
    canvas: NDArray[np.uint8], view: View, points: list[tuple[float, float, float]], colour: Colour
) -> None:
    """Fill a convex polygon given in world metres, hazed by its nearest point."""
    world = np.array(points, dtype=float)
    if world[:, 2].max() <= view.s_m + NEAR_M:
        return
    fill(canvas, view.project(world), hazed(colour, view.haze(float(world[:, 2].min()))))


class Texture:
    """A flat picture with transparency, kept at halved widths and heights for clean shrinking."""

    def __init__(self, bgra: NDArray[np.uint8]) -> None:
        """Take a picture: shape (h, w, 4), uint8, BGRA, not premultiplied."""
        alpha = bgra[..., 3:].astype(np.float32) / 255
        colour = bgra[..., :3].astype(np.float32) * alpha
        # A clear rim lets linear interpolation smooth the edges.
        full = np.dstack([np.round(colour).astype(np.uint8), bgra[..., 3]])
        rimmed = cv2.copyMakeBorder(full, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
        self._full = np.asarray(rimmed, dtype=np.uint8)
        self._levels: dict[tuple[int, int], NDArray[np.uint8]] = {(0, 0): self._full}

    def _level(self, nx: int, ny: int) -> NDArray[np.uint8]:
        if (nx, ny) not in self._levels:
            height, width = self._full.shape[:2]
            size = (max(4, width >> nx), max(4, height >> ny))
            small = cv2.resize(self._full, size, interpolation=cv2.INTER_AREA)
            self._levels[nx, ny] = np.asarray(small, dtype=np.uint8)
        return self._levels[nx, ny]

    def paste(
        self,
        canvas: NDArray[np.uint8],
        corners: NDArray[np.float64],
        *,
        light: float = 1.0,
        haze: float = 0.0,
        columns: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        """Paste onto a four-cornered patch of the canvas, in place.

        Args:
            canvas: shape (H, W, 3), uint8, BGR.
            corners: shape (4, 2), canvas pixels: where the picture's upper left, upper right,
                lower right and lower left corners go.
            light: the picture's brightness is multiplied by this, at most 1.
            haze: share of the air's own light over it.
            columns: the part of the picture's width that is pasted, as shares of it.
        """
        x0, y0 = np.floor(corners.min(axis=0)).astype(int) - 1
        x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + 2
        x0, y0 = max(x0, 0), max(y0, 0)
        x1, y1 = min(x1, canvas.shape[1]), min(y1, canvas.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        top, right, bottom, left = (
            float(np.linalg.norm(b - a)) for a, b in pairwise([*corners, corners[0]])
        )
        height, width = self._full.shape[:2]
        source = self._level(
            _halvings(width * (columns[1] - columns[0]), max(top, bottom)),
            _halvings(height, max(left, right)),
        )
        h, w = source.shape[0] - 1, source.shape[1] - 1
        u0, u1 = columns[0] * w, columns[1] * w
        corners_in = np.array([[u0, 0], [u1, 0], [u1, h], [u0, h]], np.float32)
        matrix = cv2.getPerspectiveTransform(corners_in, (corners - (x0, y0)).astype(np.float32))
        patch = cv2.warpPerspective(source, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        alpha = patch[..., 3]
        alpha3 = cv2.merge([alpha, alpha, alpha])
        colour = patch[..., :3]
        if light != 1.0 or haze > 0.01:
            air = cv2.multiply(alpha3, np.array([*hazed((0, 0, 0), haze), 0.0]), scale=1 / 255)
            colour = cv2.addWeighted(colour, light * (1 - haze), air, 1.0, 0.0)
        area = canvas[y0:y1, x0:x1]
        behind = cv2.multiply(area, cv2.bitwise_not(alpha3), scale=1 / 255)
        np.copyto(area, cv2.add(behind, colour))

    def paste_world(
        self,
        canvas: NDArray[np.uint8],
        view: View,
        corners: list[tuple[float, float, float]],
        *,
        light: float = 1.0,
    ) -> None:
        """Paste onto a patch given in world metres, cut off where it comes behind the camera.

        The patch's left edge has one s and its right edge another, or both have the same.
        """
        world = np.array(corners, dtype=float)
        near = view.s_m + NEAR_M
        left, right = world[0, 2], world[1, 2]
        if world[:, 2].max() <= near or (left == right and world[:, 2].min() < near):
            return
        u0 = max(0.0, (near - left) / (right - left)) if left < right else 0.0
        u1 = min(1.0, (near - left) / (right - left)) if left > right else 1.0
        across = world[[1, 1, 2, 2]] - world[[0, 0, 3, 3]]
        world = world[[0, 0, 3, 3]] + across * np.array([[u0], [u1], [u1], [u0]])
        haze = view.haze(float(world[:, 2].mean()))
        self.paste(canvas, view.project(world), light=light, haze=haze, columns=(u0, u1))


def _halvings(size_px: float, target_px: float) -> int:
    """How often `size_px` can be halved and still be about as large as `target_px`."""
    return max(0, int(np.floor(np.log2(max(size_px / max(target_px, 1.0), 1.0)) + 0.3)))
