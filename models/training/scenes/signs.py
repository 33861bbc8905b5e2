"""What looks like a plate and is none: signs, badges, lettering, stickers, grilles and lamps.

Each drawing is (h, w, 4) uint8 BGRA, 40 to 200 px high, transparent where nothing is.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from demo_drive.glyphs import text_mask
from models.training.photograph.covers import FRAME_WORDS
from models.training.photograph.fields import chance, colour, smooth

Drawing = NDArray[np.uint8]
Ink = tuple[int, int, int]
MAKES = (
    "SUBARU", "TOYOTA", "HONDA", "NISSAN", "FORD", "VOLVO", "MAZDA", "JEEP", "RAM", "TAHOE",
    "CIVIC", "F-150", "COROLLA", "EXPLORER", "HYBRID", "TURBO", "SPORT", "LIMITED", "4X4", "V6",
    "XLT", "TDI", "AWD", "SE", "LX", "GT", "EX-L", "XSE", "2500", "GMC", "SIERRA", "DENALI",
)  # fmt: skip
ROAD = (
    "STOP", "YIELD", "ONE WAY", "EXIT", "NO PARKING", "SPEED LIMIT 35", "DETOUR", "SLOW", "SCHOOL",
    "DEAD END", "KEEP RIGHT", "MAIN ST", "ROUTE 9", "BUS", "TOW ZONE", "25", "35", "55", "I-90",
)  # fmt: skip
SHOPS = (
    "PIZZA", "BANK", "CAFE", "OPEN", "SALE", "DINER", "HOTEL", "PHARMACY", "BAKERY", "BOOKS",
    "LIQUORS", "NAILS", "BARBER", "MARKET", "GRILL", "TIRES", "CAR WASH", "SELF STORAGE",
)  # fmt: skip
TRUCKS = (
    "MOVING & STORAGE", "PLUMBING", "ELECTRIC CO", "ROOFING", "FREIGHT LINES", "FRESH FOODS",
    "LOGISTICS", "EXPRESS", "RENTAL", "LANDSCAPING", "HVAC SERVICE", "CONSTRUCTION", "DOT 1839245",
    "MC 402117", "GVW 26000", "UNIT 14", "HOW IS MY DRIVING", "WIDE RIGHT TURNS", "TOWING",
)  # fmt: skip
STICKERS = (
    "COEXIST", "26.2", "13.1", "BABY ON BOARD", "VOTE", "MY KID IS AN HONOR STUDENT", "OBX", "ACK",
    "SALT LIFE", "MARINES", "LOCAL 103", "PTA", "SKI", "RESCUE DOG", "STUDENT DRIVER", "TAXI",
)  # fmt: skip
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_ITALIC | cv2.FONT_HERSHEY_DUPLEX,
)  # fmt: skip


def phone(rng: Generator) -> str:
    """A telephone number as it stands on vans."""
    a, b, c = int(rng.integers(200, 999)), int(rng.integers(200, 999)), int(rng.integers(9999))
    return f"{a}-{b}-{c:04d}" if chance(rng, 0.6) else f"({a}) {b}-{c:04d}"


def lettering(rng: Generator, text: str, height: int) -> NDArray[np.uint8]:
    """Text as a mask (h, w) uint8, about `height` px high."""
    if chance(rng, 0.35) and all(c in string.ascii_uppercase + string.digits + " " for c in text):
        return text_mask(
            text, height, width_ratio=float(rng.uniform(0.4, 0.8)), weight=rng.uniform(0.09, 0.2)
        )
    font, thickness = int(rng.choice(FONTS)), max(1, round(height * rng.uniform(0.06, 0.16)))
    scale = cv2.getFontScaleFromHeight(font, height, thickness)
    (width, high), below = cv2.getTextSize(text, font, scale, thickness)
    mask = np.zeros((high + below + thickness, width + thickness), dtype=np.uint8)
    at = (thickness // 2, high + thickness // 2)
    cv2.putText(mask, text, at, font, scale, 255, thickness, cv2.LINE_AA)
    return mask


def bare(mask: NDArray[np.uint8], ink: Ink) -> Drawing:
    """Letters alone, transparent around."""
    drawing = np.empty((*mask.shape, 4), dtype=np.uint8)
    drawing[..., :3] = ink
    drawing[..., 3] = mask
    return drawing


def board(size: tuple[int, int], ground: Ink) -> Drawing:
    """An even board of (height, width)."""
    drawing = np.empty((*size, 4), dtype=np.uint8)
    drawing[:] = (*ground, 255)
    return drawing


def put(drawing: Drawing, mask: NDArray[np.uint8], at: tuple[int, int], ink: Ink) -> None:
    """Lay letters on a board in place, their upper left at x, y; what stands over is cut off."""
    x, y = max(0, at[0]), max(0, at[1])
    part = drawing[y : y + mask.shape[0], x : x + mask.shape[1], :3]
    share = mask[: part.shape[0], : part.shape[1], np.newaxis].astype(np.float32) / 255
    part[:] = (part * (1 - share) + np.array(ink, dtype=np.float32) * share).astype(np.uint8)


def lined_board(rng: Generator, lines: list[str], ground: Ink, ink: Ink, margin: float) -> Drawing:
    """A board with lines of text in its middle, with a rim now and then."""
    masks = [lettering(rng, line, int(rng.integers(18, 60))) for line in lines]
    pad = round(margin * masks[0].shape[0])
    width = max(mask.shape[1] for mask in masks) + 2 * pad
    drawing = board((sum(m.shape[0] for m in masks) + pad * (len(masks) + 1), width), ground)
    y = pad
    for mask in masks:
        put(drawing, mask, ((width - mask.shape[1]) // 2, y), ink)
        y += mask.shape[0] + pad
    if chance(rng, 0.4):
        rim = max(2, drawing.shape[0] // 25)
        cv2.rectangle(drawing, (0, 0), (width - 1, drawing.shape[0] - 1), (*ink, 255), rim)
    return drawing


def _badge(rng: Generator) -> Drawing:
    text = str(rng.choice(MAKES))
    tone = int(rng.integers(120, 250)) if chance(rng, 0.75) else int(rng.integers(0, 60))
    drawing = bare(lettering(rng, text, 40), (tone, tone, tone))
    drawing[drawing.shape[0] // 2 :, :, :3] = np.uint8(tone * 0.75)
    return drawing


def _truck(rng: Generator) -> Drawing:
    text = phone(rng) if chance(rng, 0.35) else str(rng.choice(TRUCKS))
    if chance(rng, 0.3):
        text = "".join(rng.choice(list(string.digits), int(rng.integers(2, 8))))
    return bare(lettering(rng, text, int(rng.integers(40, 110))), colour(rng))


def _road_sign(rng: Generator) -> Drawing:
    grounds: tuple[Ink, ...] = (
        (70, 120, 0), (150, 80, 10), (245, 245, 245), (20, 200, 250), (30, 30, 190), (20, 110, 240)
    )  # fmt: skip
    ground = grounds[int(rng.integers(len(grounds)))]
    ink: Ink = (20, 20, 20) if sum(ground) > 420 else (245, 245, 245)
    words = str(rng.choice(ROAD)).split(" ")
    lines = words if chance(rng, 0.6) else [" ".join(words)]
    drawing = lined_board(rng, lines, ground, ink, rng.uniform(0.3, 1.0))
    if lines == ["STOP"]:
        drawing = lined_board(rng, lines, (30, 30, 190), (245, 245, 245), 1.2)
        h, w = drawing.shape[:2]
        cut = int(min(h, w) * 0.3)
        eight = np.array(
            [[cut, 0], [w - cut, 0], [w, cut], [w, h - cut], [w - cut, h], [cut, h], [0, h - cut],
             [0, cut]], dtype=np.int32,
        )  # fmt: skip
        drawing[..., 3] = 0
        mask = np.zeros((h, w), dtype=np.uint8)
        drawing[..., 3] = cv2.fillPoly(mask, [eight], 255)
    return drawing


def _shop_sign(rng: Generator) -> Drawing:
    words = [str(w) for w in rng.choice(SHOPS, int(rng.integers(1, 3)), replace=False)]
    return lined_board(rng, [" ".join(words)], colour(rng), colour(rng), rng.uniform(0.2, 0.9))


def _sticker(rng: Generator) -> Drawing:
    lines = [str(rng.choice(STICKERS))] + ([str(rng.choice(STICKERS))] if chance(rng, 0.3) else [])
    drawing = lined_board(rng, lines, colour(rng), colour(rng), rng.uniform(0.2, 0.6))
    if chance(rng, 0.3):
        h, w = drawing.shape[:2]
        mask = np.zeros((h, w), dtype=np.uint8)
        drawing[..., 3] = cv2.ellipse(
            mask, (w // 2, h // 2), (w // 2, h // 2), 0, 0, 360, 255, -1, cv2.LINE_AA
        )
    return drawing


def _number(rng: Generator) -> Drawing:
    text = str(int(rng.integers(1, 2000)))
    if chance(rng, 0.5):
        return bare(lettering(rng, text, 60), colour(rng))
    return lined_board(rng, [text], colour(rng), colour(rng), rng.uniform(0.15, 0.5))


def _dealer(rng: Generator) -> Drawing:
    """A dealer's board where a plate would be, with words and a number to call."""
    lines = str(rng.choice(FRAME_WORDS)).split(" ") + ([phone(rng)] if chance(rng, 0.7) else [])
    return lined_board(rng, lines, colour(rng), colour(rng), rng.uniform(0.2, 0.7))


def _empty(rng: Generator) -> Drawing:
    """An even rectangle, white ones above all, shaded a little."""
    ground = (int(rng.integers(190, 256)),) * 3 if chance(rng, 0.6) else colour(rng)
    drawing = board((100, int(rng.uniform(80, 420))), ground)
    shade = 0.8 + 0.3 * smooth(rng, drawing.shape[:2], 3)
    drawing[..., :3] = np.clip(drawing[..., :3] * shade[..., np.newaxis], 0, 255).astype(np.uint8)
    return drawing


def _ticket(rng: Generator) -> Drawing:
    """A parking ticket or a form: white, with lines of small print."""
    drawing = board((int(rng.integers(80, 200)), int(rng.integers(70, 200))), (236, 240, 242))
    for y in range(8, drawing.shape[0] - 6, int(rng.integers(8, 16))):
        x = 6
        while x < drawing.shape[1] - 12:
            w = int(rng.integers(6, 30))
            tone = int(rng.integers(20, 140))
            cv2.line(drawing, (x, y), (x + w, y), (tone, tone, tone, 255), 2)
            x += w + int(rng.integers(4, 14))
    return drawing


def _bars(rng: Generator) -> Drawing:
    """A grille, a vent or a shutter: bars over a dark ground."""
    drawing = board((int(rng.integers(50, 140)), int(rng.integers(120, 320))), (18, 18, 18))
    tone = colour(rng, 20, 200)
    upright = chance(rng, 0.3)
    step = int(rng.integers(7, 24))
    for at in range(0, drawing.shape[1] if upright else drawing.shape[0], step):
        ends = ((at, 0), (at, 999)) if upright else ((0, at), (999, at))
        cv2.line(drawing, ends[0], ends[1], (*tone, 255), max(1, step // 3), cv2.LINE_AA)
    return drawing


def _lamp(rng: Generator) -> Drawing:
    """A headlight, a reflector or a tail light: a bright oval with a rim."""
    h, w = int(rng.integers(50, 110)), int(rng.integers(60, 240))
    inks: tuple[Ink, ...] = ((240, 245, 248), (40, 40, 200), (30, 140, 245), (250, 250, 250))
    drawing = board((h, w), inks[int(rng.integers(len(inks)))])
    mask = np.zeros((h, w), dtype=np.uint8)
    if chance(rng, 0.6):
        cv2.ellipse(mask, (w // 2, h // 2), (w // 2 - 1, h // 2 - 1), 0, 0, 360, 255, -1)
    else:
        cv2.rectangle(mask, (3, 3), (w - 4, h - 4), 255, -1)
    drawing[..., 3] = mask
    shade = 0.5 + 0.8 * smooth(rng, (h, w), rng.uniform(3, 12))
    drawing[..., :3] = np.clip(drawing[..., :3] * shade[..., np.newaxis], 0, 255).astype(np.uint8)
    return drawing


ON_ROADS: tuple[Callable[[Generator], Drawing], ...] = (
    _road_sign, _shop_sign, _number, _empty, _bars, _truck,
)  # fmt: skip
ON_VEHICLES: tuple[Callable[[Generator], Drawing], ...] = (
    _badge, _badge, _truck, _sticker, _sticker, _dealer, _empty, _ticket, _bars, _lamp,
)  # fmt: skip


def draw_sign(rng: Generator, *, on_vehicle: bool) -> Drawing:
    """Something that is no plate, of the kind found on vehicles or of the kind along roads."""
    kinds = ON_VEHICLES if on_vehicle else ON_ROADS
    drawing = kinds[int(rng.integers(len(kinds)))](rng)
    height = 200
    if drawing.shape[0] > height or drawing.shape[1] > 3 * height:
        scale = min(height / drawing.shape[0], 3 * height / drawing.shape[1])
        size = (max(4, round(drawing.shape[1] * scale)), max(4, round(drawing.shape[0] * scale)))
        drawing = np.asarray(cv2.resize(drawing, size, interpolation=cv2.INTER_AREA), np.uint8)
    return drawing
