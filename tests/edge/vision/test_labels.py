"""What names a source shows neither user nor password."""

from __future__ import annotations

import pytest

from edge.vision.capture import open_source, stream_label
from edge.vision.errors import CaptureError


@pytest.mark.parametrize(
    ("source", "label"),
    [
        ("rtsp://user:s3cret@192.0.2.1:554/live?token=s3cret", "rtsp://192.0.2.1:554/live"),
        ("https://camera.example/s3cret", "https://camera.example/s3cret"),
        ("device:0", "device:0"),
        ("/var/pictures", "/var/pictures"),
    ],
)
def test_a_label_has_the_place_alone(source: str, label: str) -> None:
    assert stream_label(source) == label


@pytest.mark.parametrize(
    "source",
    [
        "rtmp://user:s3cret@camera/x",
        "rtsp://user:s3c/ret@camera",
        "rtsp://user:s3cret@camera:99999/x",
        "rtsp://user:s3cret@[::1/x",
    ],
)
def test_an_address_that_is_none_is_said_without_its_password(source: str) -> None:
    with pytest.raises(CaptureError) as error:
        open_source(source, "front", None, lambda sentence: None)  # type: ignore[arg-type]
    assert "s3c" not in str(error.value)
