"""Drawn plates, and the real pictures where this machine has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.contract.plates import load_formats
from edge.vision.build import build_parts
from edge.vision.engine import PlateEngine
from edge.vision.frames import Frame
from edge.vision.reader import CharacterReading, PlateReading, StateReading, plate_reading
from edge.vision.settings import ENGINE_KINDS, EngineSettings
from tests.edge.instants import instant

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def plateward() -> PlateEngine:
    """The engine that ships."""
    return PlateEngine(build_parts(EngineSettings()), load_formats())


@pytest.fixture(scope="session")
def ppocr() -> PlateEngine:
    """The engine of the extra."""
    return PlateEngine(build_parts(EngineSettings(kind="ppocr")), load_formats())


@pytest.fixture(params=ENGINE_KINDS)
def engine(request: pytest.FixtureRequest) -> PlateEngine:
    """Each kind of engine that the settings can name."""
    found: PlateEngine = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def eval_data() -> Path:
    folder = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "eval"
    if not folder.is_dir():
        pytest.skip(f"needs the evaluation pictures in {folder}")
    return folder


def street(width: int = 640, height: int = 400) -> NDArray[np.uint8]:
    """A dull scene: a grey road under a lighter sky, with a dark car's back."""
    scene = np.full((height, width, 3), (170, 160, 150), dtype=np.uint8)
    scene[height // 2 :] = (90, 90, 90)
    cv2.rectangle(scene, (20, 60), (width - 20, height - 30), (60, 45, 40), cv2.FILLED)
    return scene


def shop_front(width: int = 640, height: int = 400) -> NDArray[np.uint8]:
    """A brick wall with a light board for a sign along its top, a window and a door below."""
    scene = np.full((height, width, 3), (70, 90, 150), dtype=np.uint8)
    scene[::14] = (110, 125, 160)
    cv2.rectangle(scene, (60, 30), (width - 60, 120), (190, 205, 215), cv2.FILLED)
    cv2.rectangle(scene, (80, 150), (width - 240, height - 60), (120, 110, 90), cv2.FILLED)
    cv2.rectangle(scene, (width - 190, 150), (width - 90, height), (40, 60, 80), cv2.FILLED)
    return scene


def truck(width: int = 640, height: int = 400) -> NDArray[np.uint8]:
    """The white side of a box truck over its wheels and the road."""
    scene = street(width, height)
    cv2.rectangle(scene, (30, 20), (width - 10, height - 70), (225, 225, 222), cv2.FILLED)
    for x in (140, width - 140):
        cv2.circle(scene, (x, height - 60), 45, (30, 30, 30), cv2.FILLED)
    return scene


def draw_plate(
    scene: NDArray[np.uint8], text: str, x: int, y: int, width: int = 160, state: str = ""
) -> None:
    """Draw a white 2:1 plate with dark blue characters onto the scene."""
    height = width // 2
    cv2.rectangle(scene, (x, y), (x + width, y + height), (235, 235, 235), cv2.FILLED)
    cv2.rectangle(scene, (x, y), (x + width, y + height), (40, 40, 40), 2)
    draw_text(scene, text, x, y + round(height * 0.06), width, height)
    if state:
        scale = width / 420
        cv2.putText(
            scene, state, (x + width // 4, y + round(height * 0.19)), cv2.FONT_HERSHEY_SIMPLEX,
            scale, (120, 40, 20), max(1, round(width / 200)), cv2.LINE_AA,
        )  # fmt: skip


def draw_text(scene: NDArray[np.uint8], text: str, x: int, y: int, width: int, height: int) -> None:
    """Draw the text onto the middle of a rectangle, 86% of its width and 60% of its height."""
    thickness = 5
    (text_width, text_height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 2, thickness)
    ink = np.zeros((text_height + 8, text_width + 8), dtype=np.uint8)
    cv2.putText(
        ink, text, (4, text_height + 4), cv2.FONT_HERSHEY_SIMPLEX, 2, 255, thickness, cv2.LINE_AA
    )
    size = (round(width * 0.86), round(height * 0.6))
    share = cv2.resize(ink, size, interpolation=cv2.INTER_AREA)[..., np.newaxis] / 255
    left, top = x + (width - size[0]) // 2, y + (height - size[1]) // 2
    place = scene[top : top + size[1], left : left + size[0]]
    place[:] = (place * (1 - share) + np.array([90, 30, 20]) * share).astype(np.uint8)


def sure(text: str, confidence: float = 0.9, state: str | None = None) -> PlateReading:
    """A reading of that text with one confidence throughout."""
    characters = tuple(CharacterReading(((glyph, confidence),)) for glyph in text)
    if state is None:
        return plate_reading(characters)
    return plate_reading(characters, StateReading(state, 0.9, ((state, 0.9),)))


def frame_at(
    seconds: float,
    index: int = 0,
    image: NDArray[np.uint8] | None = None,
    *,
    standalone: bool = False,
) -> Frame:
    """A frame so many seconds after START."""
    picture = np.zeros((720, 1280, 3), dtype=np.uint8) if image is None else image
    captured = instant(START + timedelta(seconds=seconds))
    return Frame("front", index, captured, picture, "test", standalone)


@pytest.fixture
def draw() -> SimpleNamespace:
    """Scenes (street, shop_front, truck) and what is drawn onto them (plate, text)."""
    return SimpleNamespace(
        street=street, shop_front=shop_front, truck=truck, plate=draw_plate, text=draw_text
    )


@pytest.fixture
def reading_of() -> Callable[..., PlateReading]:
    """See sure."""
    return sure


@pytest.fixture
def frame() -> Callable[..., Frame]:
    """See frame_at."""
    return frame_at
