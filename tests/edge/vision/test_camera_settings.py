"""Settings of a camera: what is accepted, what is refused, and how each is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.vision.camera_settings import CameraSettings
from edge.vision.region import area, bounds, box_polygon, contains, crosses_itself

STREAM = "rtsp://192.0.2.17/stream1"


def camera(**settings):
    return CameraSettings.model_validate({"name": "front", "source": STREAM} | settings)


def refusal(**settings):
    with pytest.raises(ValidationError) as refused:
        camera(**settings)
    return refused.value.errors()[0]["msg"]


def test_a_camera_needs_a_name_and_a_source_alone():
    made = camera()
    assert (made.kind, made.rotation, made.region, made.steady) == ("vehicle", 0, (), ())
    assert made.picture.watched


def test_a_region_is_a_box_or_a_polygon():
    box = camera(region=[0, 0.4, 1, 1]).region
    assert box == ((0, 0.4), (1, 0.4), (1, 1), (0, 1))
    triangle = [[0.0, 1.0], [0.5, 0.2], [1.0, 1.0]]
    assert camera(region=triangle).region == tuple(tuple(point) for point in triangle)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ([0.5, 0.4, 0.2, 1.0], "left and top the smaller"),
        ([0, 0, 1.2, 1], "fractions of the picture"),
        ([[0, 0], [1, 1]], "3 to 32 points"),
        ([0, 0, 0.05, 0.05], "less than a hundredth"),
        ([[0, 0], [1, 1], [1, 0], [0, 0.9]], "cross"),
    ],
)
def test_a_region_that_is_none_is_refused_with_what_it_must_be(region, said):
    assert said in refusal(region=region)
    assert said in refusal(steady=region)


def test_a_password_in_the_address_is_refused_without_repeating_it():
    said = refusal(source="rtsp://user:hunter2@192.0.2.17/stream1")
    assert "credentials_file" in said
    assert "hunter2" not in said


def test_settings_that_would_do_nothing_are_refused():
    assert "network camera" in refusal(source="device:0", credentials_file="camera.secret")
    assert "never moves" in refusal(kind="fixed", steady=[0, 0.9, 1, 1])
    assert refusal(rotation=45)


FRACTION = st.floats(0, 1)


@given(FRACTION, FRACTION, FRACTION, FRACTION, FRACTION, FRACTION)
def test_a_box_as_a_polygon_is_that_box(ax, ay, bx, by, x, y):
    left, right = sorted((ax, bx))
    top, bottom = sorted((ay, by))
    polygon = box_polygon(left, top, right, bottom)
    assert bounds(polygon) == (left, top, right, bottom)
    assert area(polygon) == pytest.approx((right - left) * (bottom - top))
    if x not in (left, right) and y not in (top, bottom):
        assert contains(polygon, (x, y)) == (left < x < right and top < y < bottom)


def test_only_a_polygon_whose_sides_meet_crosses_itself():
    hollow = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.3), (0.0, 1.0)]
    assert not crosses_itself(hollow)
    assert not contains(hollow, (0.5, 0.8))
    assert contains(hollow, (0.5, 0.2))
    assert crosses_itself([(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)])
