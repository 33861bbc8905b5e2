"""An aim check says in words what is good and what is not, and shows it on a picture."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from edge.vision.aim import MIN_PLATE_HEIGHT_PX, AimCheck, PlateInView, check_aim, plate_in_view
from edge.vision.aim_picture import draw_aim
from edge.vision.aim_reference import AimReference, reference_of
from edge.vision.camera_settings import CameraSettings
from edge.vision.geometry import Box, box_corners
from edge.vision.picture_health_glance import glance
from tests.edge.vision.test_picture_health import noisy, out_of_focus, view

TAKEN_AT = datetime(2026, 1, 2, tzinfo=UTC)
PLATE = PlateInView(Box(300, 200, 90, 45), 1.0)


def camera(**settings: object) -> CameraSettings:
    made = {"name": "gate", "source": "device:0", "kind": "fixed"} | settings
    return CameraSettings.model_validate(made)


def check(
    picture: np.ndarray,
    *plates: PlateInView,
    before: AimReference | None = None,
    **settings: object,
) -> AimCheck:
    return check_aim(camera(**settings), plates, glance(picture), before)


def verdicts(found: AimCheck) -> dict[str, bool | None]:
    return {one.what: one.good for one in found.findings}


def said(found: AimCheck, what: str) -> str:
    return next(one.sentence for one in found.findings if one.what == what)


def test_a_good_aim_is_good() -> None:
    found = check(noisy(view()), PLATE)
    assert found.good
    assert verdicts(found) == {
        "plates": True, "lens": True, "exposure": True, "level": True, "aim": None,
    }  # fmt: skip


def test_without_a_plate_nothing_is_called_good() -> None:
    found = check(noisy(view()))
    assert not found.good
    assert "let a car stand" in said(found, "plates")
    assert verdicts(found)["level"] is None


def test_small_plates_want_a_longer_lens() -> None:
    height = MIN_PLATE_HEIGHT_PX - 1
    small = PlateInView(Box(10, 10, 2 * height, height), 0.0)
    assert "zoom in" in said(check(noisy(view()), small), "plates")
    assert check(noisy(view()), small, PLATE).good


def test_a_blurred_lens_is_told_and_a_plain_wall_tells_nothing() -> None:
    found = check(noisy(out_of_focus(view(), 4)), PLATE)
    assert not found.good
    assert "set its focus" in said(found, "lens")
    wall = noisy(np.full((360, 640, 3), 120, dtype=np.uint8))
    assert verdicts(check(wall, PLATE))["lens"] is None


@pytest.mark.parametrize(("level", "good"), [(252, False), (8, None)])
def test_exposure(level: int, good: bool | None) -> None:
    flat = noisy(np.full((360, 640, 3), level, dtype=np.uint8))
    assert verdicts(check(flat, PLATE))["exposure"] is good


@pytest.mark.parametrize(("degrees", "turn"), [(9, "anticlockwise"), (-9, "clockwise")])
def test_a_tilted_camera_is_told_which_way_to_turn(degrees: float, turn: str) -> None:
    corners = box_corners(Box(100, 100, 200, 60))
    about = cv2.getRotationMatrix2D((200, 130), -degrees, 1.0)
    turned = corners @ about[:, :2].T + about[:, 2]
    plate = plate_in_view(Box(100, 100, 200, 60), turned.astype(np.float32))
    assert plate.tilt_deg == pytest.approx(degrees, abs=0.1)
    found = check(noisy(view()), plate)
    assert not found.good
    assert said(found, "level").endswith(f"turns {turn}")


def test_a_fixed_camera_is_compared_with_the_check_before() -> None:
    before = reference_of(noisy(view()), TAKEN_AT, None)
    assert verdicts(check(noisy(view()), PLATE, before=before))["aim"] is True
    moved = check(noisy(view(right=-32)), PLATE, before=before)
    assert not moved.good
    assert "32 px to the left" in said(moved, "aim")
    other = check(noisy(view(seed=2)), PLATE, before=before)
    assert "cannot be compared with the aim check of 2026-01-02" in said(other, "aim")


def test_a_vehicle_camera_is_said_not_to_be_compared() -> None:
    assert "by people alone" in said(check(noisy(view()), PLATE, kind="vehicle"), "aim")
    steady = check(noisy(view()), PLATE, kind="vehicle", steady=[0, 0.9, 1, 1])
    assert "steady part" in said(steady, "aim")


def test_the_picture_shows_plates_region_and_findings() -> None:
    made = camera(kind="vehicle", region=[0.0, 0.5, 1.0, 1.0], steady=[0.0, 0.9, 1.0, 1.0])
    shown = noisy(view())
    drawn = draw_aim(shown, made, check_aim(made, [PLATE], glance(shown), None))
    assert drawn.shape[1] == 640
    assert drawn.shape[0] > 360 + 5 * 18
    assert drawn[:150].mean() < 0.6 * shown[:150].mean()
    inside = (slice(290, 320), slice(20, 620))
    assert np.array_equal(drawn[inside], shown[inside])
    green = (drawn == (80, 200, 80)).all(axis=-1)
    assert green[200, 300:390].all()
    assert green[360:].any()
    assert not np.array_equal(drawn[195, 300:340], shown[195, 300:340])
