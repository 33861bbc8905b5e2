"""One picture of what a drive gave: key frames with readings, the way driven, the totals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

REPORT_WIDTH_PX = 1600
REPORT_HEIGHT_PX = 1000

Colour = tuple[int, int, int]
"""Red, green, blue, 0-255, as Pillow takes it."""

_INK = 2
"""Inked pixels for each pixel of the report, one way."""

_MARGIN_PX = 28
_GAP_PX = 16
_HEADER_PX = 84
_SIDE_PX = 420
_HERO_SHARE = 0.62
"""How much of the height the first key frame takes."""

_PAPER: Colour = (246, 247, 249)
_CARD: Colour = (255, 255, 255)
_LINE: Colour = (220, 224, 230)
_TEXT: Colour = (26, 32, 44)
_FAINT: Colour = (104, 114, 130)
_READ: Colour = (22, 120, 84)
_HIT: Colour = (206, 32, 44)
_WAY: Colour = (66, 104, 176)
_WAY_EDGE: Colour = (214, 224, 242)
_GRID: Colour = (240, 242, 246)
_EARTH_M_PER_DEG = 111_320.0


@dataclass(frozen=True)
class Reading:
    """One read as the report shows it."""

    frame: NDArray[np.uint8]
    """shape (h, w, 3), uint8, BGR: the picture it was read from."""
    box: tuple[int, int, int, int]
    """x, y, width and height of the plate in `frame`, pixels."""
    plate: str
    state: str | None
    confidence: float
    """0 to 1."""
    hit: str | None
    """What the hot list says, such as 'stolen_vehicle, exact'; None for a read without a hit."""
    latitude_deg: float | None
    longitude_deg: float | None
    time: datetime


@dataclass(frozen=True)
class Totals:
    """What became of the drive."""

    frames: int
    reads: int
    hits: int
    receipted: int
    ledger_ok: bool


class _Page:
    """A page under the pen, in the report's pixels; inked larger and shrunk for smooth edges."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (REPORT_WIDTH_PX * _INK, REPORT_HEIGHT_PX * _INK), _PAPER)
        self._pen = ImageDraw.Draw(self._image)

    def text(
        self, x: float, y: float, words: str, size: int, colour: Colour = _TEXT, anchor: str = "la"
    ) -> None:
        font = ImageFont.load_default(size * _INK)
        self._pen.text((x * _INK, y * _INK), words, colour, font, anchor=anchor)

    def width_of(self, words: str, size: int) -> float:
        return self._pen.textlength(words, ImageFont.load_default(size * _INK)) / _INK

    def card(self, box: tuple[int, int, int, int], outline: Colour = _LINE, width: int = 1) -> None:
        x0, y0, x1, y1 = (n * _INK for n in box)
        self._pen.rounded_rectangle((x0, y0, x1, y1), 10 * _INK, _CARD, outline, width * _INK)

    def frame_round(
        self, x0: float, y0: float, x1: float, y1: float, width: int, colour: Colour
    ) -> None:
        corners = (x0 * _INK, y0 * _INK, x1 * _INK, y1 * _INK)
        self._pen.rectangle(corners, None, colour, width * _INK)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: int = 1) -> None:
        inked = [(x * _INK, y * _INK) for x, y in points]
        self._pen.line(inked, colour, width * _INK, "curve")

    def dot(self, x: float, y: float, radius: float, colour: Colour, rim: int = 0) -> None:
        corners = [(n + d * radius) * _INK for d in (-1, 1) for n in (x, y)]
        self._pen.ellipse(corners, colour, _CARD, rim * _INK)

    def picture(self, bgr: NDArray[np.uint8], x: int, y: int) -> None:
        """Paste a picture that already has `_INK` pixels for each of the report's."""
        self._image.paste(Image.fromarray(bgr[..., ::-1]), (x * _INK, y * _INK))

    def bgr(self) -> NDArray[np.uint8]:
        small = self._image.reduce(_INK)
        return np.ascontiguousarray(np.asarray(small)[..., ::-1])


def draw_report(
    readings: Sequence[Reading],
    way: Sequence[tuple[float, float]],
    totals: Totals,
    *,
    title: str = "Plateward",
    subtitle: str = "one drive: read on board, receipted, searched on the record",
) -> NDArray[np.uint8]:
    """Draw the report.

    Args:
        readings: in the order of their times. Hits are shown first; four key frames are shown.
        way: latitude and longitude of the whole way driven, degrees.
        totals: the figures of the drive.
        title: the heading.
        subtitle: the line beside it.

    Returns:
        shape (REPORT_HEIGHT_PX, REPORT_WIDTH_PX, 3), uint8, BGR.
    """
    page = _Page()
    page.text(_MARGIN_PX, 24, title, 38)
    page.text(_MARGIN_PX + page.width_of(title, 38) + 18, 40,
              subtitle, 20, _FAINT)  # fmt: skip
    bottom = REPORT_HEIGHT_PX - _MARGIN_PX
    left_end = REPORT_WIDTH_PX - _MARGIN_PX - _SIDE_PX - _GAP_PX
    _draw_key_frames(page, readings, (_MARGIN_PX, _HEADER_PX, left_end, bottom))
    x0, x1 = left_end + _GAP_PX, REPORT_WIDTH_PX - _MARGIN_PX
    _draw_totals(page, totals, (x0, _HEADER_PX, x1, _HEADER_PX + 150))
    _draw_way(page, readings, way, (x0, _HEADER_PX + 166, x1, _HEADER_PX + 166 + 270))
    _draw_list(page, readings, (x0, _HEADER_PX + 452, x1, bottom))
    return page.bgr()


def write_report(
    path: Path, readings: Sequence[Reading], way: Sequence[tuple[float, float]], totals: Totals
) -> None:
    """Draw the report and write it as PNG.

    Raises:
        OSError: the file cannot be written.
    """
    _, png = cv2.imencode(".png", draw_report(readings, way, totals))
    path.write_bytes(png.tobytes())


def _key_readings(readings: Sequence[Reading], count: int) -> list[Reading]:
    """The hits, then the other reads; the widest plates first among each."""
    return sorted(readings, key=lambda r: (r.hit is None, -r.box[2]))[:count]


def _draw_key_frames(
    page: _Page, readings: Sequence[Reading], area: tuple[int, int, int, int]
) -> None:
    x0, y0, x1, y1 = area
    key = _key_readings(readings, 4)
    if not key:
        page.card(area)
        page.text((x0 + x1) / 2, (y0 + y1) / 2, "No plate was read.", 24, _FAINT, "mm")
        return
    split = y0 + round((y1 - y0) * _HERO_SHARE)
    _draw_frame(page, key[0], (x0, y0, x1, split), 26)
    small = (x1 - x0 - 2 * _GAP_PX) // 3
    for i, reading in enumerate(key[1:]):
        left = x0 + i * (small + _GAP_PX)
        _draw_frame(page, reading, (left, split + _GAP_PX, left + small, y1), 20)


def _draw_frame(page: _Page, reading: Reading, area: tuple[int, int, int, int], size: int) -> None:
    """The part of the frame round the plate that fills the card, with the box and the reading."""
    x0, y0, x1, y1 = area
    caption = size * 2 + 4
    colour = _HIT if reading.hit else _READ
    page.card(area, colour, 2)
    width, height = x1 - x0 - 8, y1 - y0 - caption - 8
    crop, scale, offset = _crop_round(reading.frame, reading.box, width, height)
    page.picture(crop, x0 + 4, y0 + 4)
    bx, by, bw, bh = reading.box
    left, top = x0 + 4 + (bx - offset[0]) * scale, y0 + 4 + (by - offset[1]) * scale
    page.frame_round(left - 4, top - 4, left + bw * scale + 4, top + bh * scale + 4, 3, colour)
    middle = y1 - caption / 2 - 2
    words = f"{reading.plate}  {reading.state or '--'}"
    page.text(x0 + 16, middle, words, size + 4, colour, "lm")
    page.text(x1 - 16, middle, f"{reading.confidence:.0%}", size, _FAINT, "rm")
    if reading.hit:
        start = x0 + 16 + page.width_of(words, size + 4) + 18
        label = f"HIT: {reading.hit.replace('_', ' ')}" if size > 22 else "HIT"
        page.text(start, middle, label, size, colour, "lm")


def _crop_round(
    frame: NDArray[np.uint8], box: tuple[int, int, int, int], width: int, height: int
) -> tuple[NDArray[np.uint8], float, tuple[int, int]]:
    """The largest part of the frame in the card's shape that holds the box, scaled to the card.

    Returns:
        the part at `_INK` times the card's size, the report's pixels per pixel of the frame, and
        the part's upper left corner in the frame.
    """
    frame_height, frame_width = frame.shape[:2]
    scale = max(width / frame_width, height / frame_height)
    part_width = min(frame_width, round(width / scale))
    part_height = min(frame_height, round(height / scale))
    x = int(np.clip(box[0] + box[2] // 2 - part_width // 2, 0, frame_width - part_width))
    y = int(np.clip(box[1] + box[3] // 2 - part_height // 2, 0, frame_height - part_height))
    part = frame[y : y + part_height, x : x + part_width]
    how = cv2.INTER_AREA if scale * _INK < 1 else cv2.INTER_CUBIC
    picture = cv2.resize(part, (width * _INK, height * _INK), interpolation=how)
    return np.asarray(picture, np.uint8), scale, (x, y)


def _draw_totals(page: _Page, totals: Totals, area: tuple[int, int, int, int]) -> None:
    x0, y0, x1, _ = area
    page.card(area)
    figures = (
        ("frames", totals.frames, _TEXT),
        ("reads", totals.reads, _READ),
        ("hits", totals.hits, _HIT),
        ("receipted", totals.receipted, _TEXT),
    )
    step = (x1 - x0) / len(figures)
    for i, (name, value, colour) in enumerate(figures):
        centre = x0 + step * (i + 0.5)
        page.text(centre, y0 + 44, f"{value:,}", 40, colour, "mm")
        page.text(centre, y0 + 82, name, 17, _FAINT, "mm")
    page.line([(x0 + 20, y0 + 104), (x1 - 20, y0 + 104)], _LINE)
    colour = _READ if totals.ledger_ok else _HIT
    words = "ledger verified" if totals.ledger_ok else "LEDGER NOT VERIFIED"
    page.dot(x0 + 30, y0 + 127, 6, colour)
    page.text(x0 + 46, y0 + 127, words, 19, colour, "lm")


def _draw_way(
    page: _Page,
    readings: Sequence[Reading],
    way: Sequence[tuple[float, float]],
    area: tuple[int, int, int, int],
) -> None:
    """The way driven, north up, with a dot for every read that has a place."""
    x0, y0, x1, y1 = area
    page.card(area)
    page.text(x0 + 18, y0 + 14, "where", 17, _FAINT)
    places = [
        (r.latitude_deg, r.longitude_deg, r.hit)
        for r in readings
        if r.latitude_deg is not None and r.longitude_deg is not None
    ]
    everywhere = [*way, *(place[:2] for place in places)]
    if not everywhere:
        page.text((x0 + x1) / 2, (y0 + y1) / 2, "no position", 20, _FAINT, "mm")
        return
    north = np.array([latitude for latitude, _ in everywhere]) * _EARTH_M_PER_DEG
    narrow = math.cos(math.radians(everywhere[0][0]))
    east = np.array([longitude for _, longitude in everywhere]) * _EARTH_M_PER_DEG * narrow
    inner_width, inner_height = x1 - x0 - 70, y1 - y0 - 110
    scale = min(inner_width / max(np.ptp(east), 20.0), inner_height / max(np.ptp(north), 20.0))
    px = (x0 + x1) / 2 + (east - (east.min() + east.max()) / 2) * scale
    py = (y0 + y1) / 2 - (north - (north.min() + north.max()) / 2) * scale
    for x in range(x0 + 40, x1, 40):
        page.line([(x, y0 + 40), (x, y1 - 44)], _GRID)
    for y in range(y0 + 40, y1 - 40, 40):
        page.line([(x0 + 2, y), (x1 - 2, y)], _GRID)
    line = [(float(x), float(y)) for x, y in zip(px[: len(way)], py[: len(way)], strict=True)]
    if len(line) > 1:
        page.line(line, _WAY_EDGE, 14)
        page.line(line, _WAY, 3)
    dots = sorted(
        zip(px[len(way) :], py[len(way) :], places, strict=True), key=lambda d: bool(d[2][2])
    )
    for x, y, (_, _, hit) in dots:
        page.dot(x, y, 9 if hit else 6, _HIT if hit else _READ, rim=2)
    bar_m = _round_length(inner_width * 0.3 / scale)
    bar = bar_m * scale
    page.line([(x0 + 20, y1 - 22), (x0 + 20 + bar, y1 - 22)], _FAINT, 3)
    page.text(x0 + 30 + bar, y1 - 22, f"{bar_m:g} m", 16, _FAINT, "lm")
    for name, colour, right in (("hit", _HIT, 44), ("read", _READ, 124)):
        page.dot(x1 - right - 16, y1 - 22, 6, colour)
        page.text(x1 - right - 4, y1 - 22, name, 16, _FAINT, "lm")


def _round_length(length_m: float) -> float:
    """The largest of 1, 2, 5, 10, 20 … that is no longer."""
    power = 10.0 ** math.floor(math.log10(length_m))
    return max(step * power for step in (1, 2, 5) if step * power <= length_m * (1 + 1e-9))


def _draw_list(page: _Page, readings: Sequence[Reading], area: tuple[int, int, int, int]) -> None:
    x0, y0, x1, y1 = area
    page.card(area)
    row = 29
    room = (y1 - y0 - 56) // row
    page.text(x0 + 18, y0 + 14, "reads", 17, _FAINT)
    shown = list(readings[:room]) if len(readings) <= room else list(readings[: room - 1])
    for i, reading in enumerate(shown):
        y = y0 + 58 + i * row
        colour = _HIT if reading.hit else _TEXT
        page.text(x0 + 18, y, reading.time.strftime("%H:%M:%S"), 17, _FAINT, "lm")
        page.text(x0 + 112, y, reading.plate, 21, colour, "lm")
        page.text(x0 + 234, y, reading.state or "--", 18, _FAINT, "lm")
        page.text(x0 + 330, y, f"{reading.confidence:.0%}", 18, _FAINT, "rm")
        if reading.hit:
            page.text(x1 - 18, y, "HIT", 18, _HIT, "rm")
    if len(shown) < len(readings):
        y = y0 + 58 + len(shown) * row
        page.text(x0 + 18, y, f"and {len(readings) - len(shown):,} more", 17, _FAINT, "lm")
