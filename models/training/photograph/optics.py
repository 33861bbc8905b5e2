"""What a lens, a sensor and a codec do to a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .fields import Field, chance

View = NDArray[np.float32]
Picture = NDArray[np.uint8]
Corners = NDArray[np.float32]


def outline(
    aspect: float, width_px: float, angles_deg: tuple[float, float, float], distance: float
) -> Corners:
    """Corners (4, 2) of a plate seen by a camera, clockwise from the top left, about the origin.

    `aspect` is width over height; the angles are yaw, pitch and roll; the distance is in widths
    of the plate. Between its left and right edge the outline measures `width_px`.
    """
    yaw, pitch, roll = np.radians(angles_deg)
    flat = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) / 2.0
    flat[:, 1] /= aspect
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array(
        [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    )
    solid = flat @ turn.T @ nod.T
    seen = solid[:, :2] / (solid[:, 2:] + distance)
    seen -= seen.mean(axis=0)
    spin = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    across = (seen[1] + seen[2] - seen[0] - seen[3]) / 2
    scaled = (seen @ spin.T) * (width_px / max(float(np.linalg.norm(across)), 1e-9))
    return np.asarray(scaled, dtype=np.float32)


def motion_kernel(length_px: float, angle_rad: float) -> Field:
    """A line of light (k, k) float32 that sums to 1, for a movement during the exposure."""
    half = max(1, int(np.ceil(length_px / 2)))
    side = 2 * half + 1
    kernel = np.zeros((side, side), dtype=np.float32)
    steps = np.linspace(-length_px / 2, length_px / 2, 8 * side)
    xs, ys = half + steps * np.cos(angle_rad), half + steps * np.sin(angle_rad)
    left, top = np.floor(xs).astype(int), np.floor(ys).astype(int)
    for right in (0, 1):
        for below in (0, 1):
            share = np.abs(1 - right - (xs - left)) * np.abs(1 - below - (ys - top))
            inside = (left + right < side) & (top + below < side)
            np.add.at(kernel, ((top + below)[inside], (left + right)[inside]), share[inside])
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def blur(rng: Generator, view: View, width_px: float, strength: float) -> View:
    """Defocus and movement, together no more than a patient reader can see through.

    `width_px` is the width of the plate: blur is measured against its characters.
    """
    budget = width_px * strength * rng.uniform(0, 0.019) + 0.25 * strength
    moving = chance(rng, 0.45)
    share = rng.uniform(0.3, 1.0) if moving else 0.0
    sigma = budget * np.sqrt(1 - share**2)
    if moving and budget > 0.15:
        angle = rng.normal(0, 0.35) if chance(rng, 0.7) else rng.uniform(0, np.pi)
        kernel = motion_kernel(budget * share * 2.7, float(angle))
        view = np.asarray(cv2.filter2D(view, -1, kernel, borderType=cv2.BORDER_REPLICATE))
    if sigma > 0.25:
        if sigma > 1.2 and chance(rng, 0.4):
            # Out of focus a lens makes discs, not bells.
            radius = int(np.ceil(sigma * 1.7))
            disc = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=np.float32)
            cv2.circle(disc, (radius * 16, radius * 16), round(sigma * 27), 1.0, -1, cv2.LINE_AA, 4)
            view = np.asarray(cv2.filter2D(view, -1, disc / disc.sum()))
        else:
            view = np.asarray(cv2.GaussianBlur(view, (0, 0), float(sigma)))
    return view


def enlarged(rng: Generator, view: View) -> View:
    """The view as a camera shows it that sends fewer pixels than it claims."""
    height, width = view.shape[:2]
    share = rng.uniform(0.5, 0.85)
    small = cv2.resize(
        view, (max(8, round(width * share)), max(8, round(height * share))),
        interpolation=cv2.INTER_AREA,
    )  # fmt: skip
    ways = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)
    way = int(rng.choice(ways, p=[0.5, 0.4, 0.1]))
    return np.asarray(cv2.resize(small, (width, height), interpolation=way))


def noise(rng: Generator, view: View, amount: float, *, grey: bool) -> View:
    """Noise of a sensor with the standard deviation `amount` (levels), coarser in its colours."""
    height, width = view.shape[:2]
    grain = rng.standard_normal((height, width), dtype=np.float32) * np.float32(amount)
    if chance(rng, 0.5):
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), 0.7)) * np.float32(1.9)
    view = view + grain[..., np.newaxis]
    if not grey and chance(rng, 0.6):
        rows, columns = max(2, height // 2), max(2, width // 2)
        coarse = rng.standard_normal((rows, columns, 3), dtype=np.float32) * np.float32(amount)
        view = view + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(view, dtype=np.float32)


def sharpened(rng: Generator, view: View, strength: float) -> View:
    """Edges with halos, as cameras make them."""
    soft = cv2.GaussianBlur(view, (0, 0), float(rng.uniform(0.7, 2.0)))
    return np.asarray(view + (view - soft) * np.float32(strength * rng.uniform(0.4, 2.2)))


def compressed(rng: Generator, picture: Picture, strength: float, width_px: float) -> Picture:
    """JPEG, once or twice, or blocks as a video has them; small plates suffer a little less."""
    worst = 20 if width_px > 90 else 32
    rounds = 2 if chance(rng, 0.3 * strength) else 1
    for _ in range(rounds):
        quality = round(96 - strength * rng.beta(1.3, 1.6) * (96 - worst))
        sampling = (
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
            if chance(rng, 0.7)
            else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
        )
        options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
        _, data = cv2.imencode(".jpg", picture, options)
        picture = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    if chance(rng, 0.12 * strength):
        # Video decoders smooth over the edges of their blocks.
        picture = np.asarray(cv2.bilateralFilter(picture, 5, 22, 2.0), dtype=np.uint8)
    return picture
