"""What a camera would deliver: views with noise, light and traffic made of real photographs.

A view is the middle of a photograph, so that a shift brings in what is really beside it. Frames
are (540, 960, 3) uint8 BGR.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Change = Callable[[Picture, int], Picture]
"""Changes the frame of a given number."""

WIDTH, HEIGHT = 960, 540
MARGIN = 1.45
"""How much larger than a frame the photograph is that a view is cut from."""


def load(path: Path) -> Picture:
    """A photograph, scaled to fill a view with its margin."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise OSError(f"{path} is not a picture that can be decoded")
    wide, high = round(WIDTH * MARGIN), round(HEIGHT * MARGIN)
    scale = max(wide / picture.shape[1], high / picture.shape[0])
    size = (max(wide, round(picture.shape[1] * scale)), max(high, round(picture.shape[0] * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    large = np.asarray(cv2.resize(picture, size, interpolation=way), dtype=np.uint8)
    left, top = (size[0] - wide) // 2, (size[1] - high) // 2
    return large[top : top + high, left : left + wide]


def view(
    photograph: Picture, right: float = 0.0, down: float = 0.0, clockwise_deg: float = 0.0
) -> Picture:
    """The frame in which the photograph's content is moved by shares of its size, and turned."""
    high, wide = photograph.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), -clockwise_deg, 1.0)
    turn[0, 2] += right * WIDTH - (wide - WIDTH) / 2
    turn[1, 2] += down * HEIGHT - (high - HEIGHT) / 2
    moved = cv2.warpAffine(photograph, turn, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(moved, dtype=np.uint8)


class Noise:
    """A sensor's noise: drawn once for each strength, then given from another place each time."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._unit = rng.normal(0, 1, (HEIGHT + 128, WIDTH + 128, 3)).astype(np.float32)
        self._fields: dict[float, NDArray[np.int8]] = {}

    def add(self, frame: Picture, sigma: float) -> Picture:
        """A frame with noise of that deviation in grey levels."""
        if sigma not in self._fields:
            self._fields[sigma] = np.round(self._unit * sigma).astype(np.int8)
        y, x = self._rng.integers(0, 128, 2)
        field = self._fields[sigma][y : y + HEIGHT, x : x + WIDTH]
        return np.asarray(cv2.add(frame, field, dtype=cv2.CV_8U), dtype=np.uint8)


def day(rng: np.random.Generator, noise: Noise) -> Change:
    """Daylight that drifts, with a shadow that moves across."""
    phase = rng.uniform(0, 6.28)

    def change(frame: Picture, number: int) -> Picture:
        gain = 0.85 + 0.15 * np.sin(phase + number / 40)
        across = np.linspace(gain, gain * (0.9 + 0.1 * np.cos(number / 60)), WIDTH)
        light = np.broadcast_to(across[None, :, None], frame.shape).astype(np.float32)
        lit = cv2.multiply(frame, light, dtype=cv2.CV_8U)
        return noise.add(np.asarray(lit, dtype=np.uint8), 2.0)

    return change


def dusk(_rng: np.random.Generator, noise: Noise) -> Change:
    """Little light: a third of the brightness, more noise."""

    def change(frame: Picture, _number: int) -> Picture:
        dark = np.asarray(cv2.convertScaleAbs(frame, alpha=0.33), dtype=np.uint8)
        return noise.add(dark, 4.0)

    return change


def night(rng: np.random.Generator, noise: Noise) -> Change:
    """Darkness, five street lamps that light their surroundings, headlights that pass."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    lamps = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    for _ in range(5):
        at, size = (rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)), rng.uniform(8, 40)
        far = (x - at[0]) ** 2 + (y - at[1]) ** 2
        lamps += rng.uniform(0.4, 1.2) * np.exp(-far / (2 * size * size))
        lamps += 0.3 * np.exp(-far / (2 * (5 * size) ** 2)) * 0.5
    row = rng.uniform(0.5, 0.9) * HEIGHT
    curve = (255 * (np.arange(256) / 255) ** 1.6).astype(np.uint8)
    light = np.ascontiguousarray(np.broadcast_to((0.1 + lamps)[..., None], (HEIGHT, WIDTH, 3)))
    glow = np.clip(255 * (np.broadcast_to(lamps[..., None], light.shape) - 0.5), 0, 255)
    shine = np.ascontiguousarray(glow.astype(np.uint8))

    def change(frame: Picture, number: int) -> Picture:
        lit = cv2.add(cv2.multiply(cv2.LUT(frame, curve), light, dtype=cv2.CV_8U), shine)
        at = (number * 97) % (3 * WIDTH) - WIDTH
        for beside in (0, 40):
            cv2.circle(lit, (int(at + beside), int(row)), 9, (255, 255, 255), -1)
        return noise.add(np.asarray(lit, dtype=np.uint8), 5.0)

    return change


def rain(rng: np.random.Generator, noise: Noise) -> Change:
    """Veiled contrast, streaks, and drops on the glass that stay a while."""
    drops = np.zeros((HEIGHT, WIDTH, 1), dtype=np.float32)

    def change(frame: Picture, number: int) -> Picture:
        if number % 10 == 0:
            drops[:] = 0
            for x, y, size in rng.uniform((0, 0, 6), (WIDTH, HEIGHT, 40), (25, 3)):
                cv2.circle(drops, (int(x), int(y)), int(size), 1.0, -1)
        soft = cv2.blur(frame, (25, 25))
        wet = frame * (1 - drops) + soft * drops
        veiled = (wet * np.float32(0.6) + 55).astype(np.float32)
        for x, y, long in rng.uniform((0, 0, 10), (WIDTH, HEIGHT, 40), (120, 3)):
            start, end = (int(x), int(y)), (int(x + long / 6), int(y + long))
            cv2.line(veiled, start, end, (190, 190, 190), 1)
        return noise.add(veiled.astype(np.uint8), 3.0)

    return change


LIGHTS: dict[str, Callable[[np.random.Generator, Noise], Change]] = {
    "day": day,
    "dusk": dusk,
    "night": night,
    "rain": rain,
}


def traffic(rng: np.random.Generator, others: Sequence[Picture]) -> Change:
    """Two patches of other photographs, as large as cars, that cross the view at their speed."""
    patches = []
    for _ in range(2):
        other = others[int(rng.integers(len(others)))]
        wide, high = int(rng.integers(120, 300)), int(rng.integers(90, 200))
        y, x = (int(rng.integers(0, side)) for side in (HEIGHT - high, WIDTH - wide))
        row, speed = int(rng.integers(HEIGHT // 3, HEIGHT - high)), int(rng.integers(60, 400))
        patches.append((other[y : y + high, x : x + wide], row, speed))

    def change(frame: Picture, number: int) -> Picture:
        busy = frame.copy()
        for patch, row, speed in patches:
            high, wide = patch.shape[:2]
            left = (number * speed) % (3 * WIDTH) - wide
            shown = patch[:, max(0, -left) : max(0, WIDTH - left)]
            if shown.shape[1]:
                busy[row : row + high, max(0, left) : max(0, left) + shown.shape[1]] = shown
        return busy

    return change


def jpeg(quality: int) -> Change:
    """Blocks, as a camera that sends JPEG has them."""

    def change(frame: Picture, _number: int) -> Picture:
        encoded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)

    return change


def clock_overlay(frame: Picture, number: int) -> Picture:
    """The camera's own date and time, drawn into the picture."""
    marked = frame.copy()
    text = f"2026-11-21 10:{number // 60 % 60:02}:{number % 60:02}"
    place = (20, HEIGHT - 20)
    cv2.putText(marked, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    return marked


def defocus(radius_at_1280: float) -> Change:
    """The disc of a lens out of focus; its radius in pixels of a picture 1280 wide."""
    radius = radius_at_1280 * WIDTH / 1280
    side = 2 * int(np.ceil(radius)) + 1
    y, x = np.mgrid[:side, :side] - side // 2
    disc = np.clip(radius + 0.5 - np.sqrt(x * x + y * y), 0, 1).astype(np.float32)
    disc /= disc.sum()

    def change(frame: Picture, _number: int) -> Picture:
        return np.asarray(cv2.filter2D(frame, -1, disc), dtype=np.uint8)

    return change


def cloth(share: float, gain: float) -> Change:
    """Something close before the lens, over the left share of the picture: light without shape."""
    wide = round(share * WIDTH)

    def change(frame: Picture, _number: int) -> Picture:
        tiny = cv2.resize(frame, (3, 2), interpolation=cv2.INTER_AREA)
        light = cv2.resize(tiny, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        covered = frame.astype(np.float32)
        edge = np.clip((wide - np.arange(WIDTH)) / 30 + 0.5, 0, 1).astype(np.float32)
        if share >= 1:
            edge[:] = 1
        mask = edge[None, :, None]
        return np.asarray(covered * (1 - mask) + (light * gain + 8) * mask).astype(np.uint8)

    return change


def plain(level: tuple[int, int, int]) -> Change:
    """A sensor or link that gives one colour."""

    def change(_frame: Picture, _number: int) -> Picture:
        return np.full((HEIGHT, WIDTH, 3), level, dtype=np.uint8)

    return change


def through_video(frames: Sequence[Picture]) -> list[Picture]:
    """The frames after MPEG-4 compression at one a second, a keyframe every twelve.

    Raises OSError where this machine's OpenCV cannot write or read MPEG-4.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "stream.mp4")
        writer = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"mp4v"), 1, (WIDTH, HEIGHT))
        if not writer.isOpened():
            raise OSError("OpenCV cannot write MPEG-4 here")
        for frame in frames:
            writer.write(frame)
        writer.release()
        reader = cv2.VideoCapture(path)
        decoded: list[Picture] = []
        while len(decoded) < len(frames):
            given, image = reader.read()
            if not given:
                raise OSError("OpenCV cannot read the MPEG-4 that it wrote")
            decoded.append(np.asarray(image, dtype=np.uint8))
        return decoded
