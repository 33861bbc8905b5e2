"""Sources of frames: pictures, video files, and cameras that come and go."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest

from edge.vision.capture import open_source, stream_label
from edge.vision.errors import CaptureError
from edge.vision.live import LiveSource, open_device, open_stream
from edge.vision.pictures import read_picture
from tests.edge.instants import instant

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAIT_S = 60
NOBODY = "rtsp://127.0.0.1:9/stream"


def clock():
    return instant(NOW)


def never(sentence):
    raise AssertionError(sentence)


def grey(level, width=64, height=48):
    return np.full((height, width, 3), level, dtype=np.uint8)


def test_a_folder_gives_its_pictures_by_name_each_standing_alone(tmp_path):
    for name, level in (("b.png", 20), ("a.JPG", 10), ("c.webp", 30), ("d.bmp", 40)):
        assert cv2.imwrite(str(tmp_path / name.lower()), grey(level))
    (tmp_path / "notes.txt").write_text("not a picture")
    source = open_source(str(tmp_path), "front", clock, never)
    frames = list(source.frames())
    assert [frame.source for frame in frames] == ["a.jpg", "b.png", "c.webp", "d.bmp"]
    assert [frame.index for frame in frames] == [0, 1, 2, 3]
    assert all(frame.standalone and frame.captured_at == NOW for frame in frames)
    assert frames[1].image.shape == (48, 64, 3)
    assert frames[1].image.dtype == np.uint8
    assert not source.live
    assert source.dropped == 0


def test_a_single_picture_is_a_source_of_one(tmp_path):
    cv2.imwrite(str(tmp_path / "one.png"), grey(10))
    (frame,) = open_source(str(tmp_path / "one.png"), "front", clock, never).frames()
    assert frame.source == "one.png"
    assert frame.standalone


def test_an_unreadable_picture_is_said_and_counted_and_the_next_follows(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), grey(10))
    (tmp_path / "b.png").write_bytes(b"this is not a picture")
    (tmp_path / "c.png").write_bytes(b"")
    cv2.imwrite(str(tmp_path / "d.png"), grey(10))
    said = []
    source = open_source(str(tmp_path), "front", clock, said.append)
    assert [frame.source for frame in source.frames()] == ["a.png", "d.png"]
    assert source.unreadable == 2
    assert len(said) == 2
    assert "b.png" in said[0]
    assert "not a picture" in said[0]


def test_a_cut_off_picture_raises_with_its_name(tmp_path):
    path = tmp_path / "x.png"
    cv2.imwrite(str(path), grey(10))
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(CaptureError, match=r"x\.png"):
        read_picture(path)


@pytest.mark.parametrize("spec", ["/no/such/place", "missing.mp4"])
def test_a_missing_path_is_one_clear_sentence(spec):
    with pytest.raises(CaptureError, match="does not exist: name a folder"):
        open_source(spec, "front", clock, never)


def test_a_folder_without_pictures_is_one_clear_sentence(tmp_path):
    with pytest.raises(CaptureError, match="holds no picture"):
        open_source(str(tmp_path), "front", clock, never)


def test_a_file_that_is_no_video_is_one_clear_sentence(tmp_path):
    (tmp_path / "x.mp4").write_bytes(b"nothing of the kind")
    with pytest.raises(CaptureError, match="not a video"):
        open_source(str(tmp_path / "x.mp4"), "front", clock, never)


def write_video(path, frames, fps=10):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), fps, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()


def test_a_video_file_drops_nothing_and_dates_frames_by_their_position(tmp_path):
    write_video(tmp_path / "drive.avi", [grey(level) for level in range(0, 200, 10)])
    source = open_source(str(tmp_path / "drive.avi"), "front", clock, never)
    frames = list(source.frames())
    assert len(frames) == 20
    assert source.dropped == 0
    assert not any(frame.standalone for frame in frames)
    for index, frame in enumerate(frames):
        assert frame.index == index
        assert frame.source == "drive.avi"
        expected = NOW + timedelta(seconds=index / 10)
        assert abs(frame.captured_at - expected) < timedelta(milliseconds=2)


def test_a_closed_source_ends(tmp_path):
    write_video(tmp_path / "drive.avi", [grey(level) for level in range(0, 200, 10)])
    source = open_source(str(tmp_path / "drive.avi"), "front", clock, never)
    given = []
    for frame in source.frames():
        given.append(frame)
        if len(given) == 3:
            source.close()
    assert len(given) == 3


def test_a_stream_is_labelled_without_its_password():
    label = stream_label("rtsp://user:secret@camera.local:554/stream1?token=secret")
    assert label == "rtsp://camera.local:554/stream1"


class ScriptedCamera:
    """Gives its pictures at once, then waits for `go_on`, then ends."""

    def __init__(self, levels, exhausted, go_on):
        self._levels = list(levels)
        self._exhausted = exhausted
        self._go_on = go_on
        self.released = False

    def read(self):
        if self._levels:
            return True, grey(self._levels.pop(0))
        self._exhausted.set()
        self._go_on.wait(WAIT_S)
        return False, None

    def release(self):
        self.released = True


def test_a_live_source_keeps_the_newest_frame_and_counts_the_dropped():
    exhausted, go_on = threading.Event(), threading.Event()
    first = ScriptedCamera([1], threading.Event(), threading.Event())
    first._go_on.set()
    second = ScriptedCamera(range(10, 60), exhausted, go_on)
    cameras = [first, second]
    first_taken = threading.Event()

    def opener():
        if len(cameras) == 1:
            first_taken.wait(WAIT_S)
        return cameras.pop(0)

    source = LiveSource(opener, "device:0", "front", clock, lambda _: None, first_wait_s=0)
    frames = source.frames()
    next(frames)
    first_taken.set()
    # The second camera gives 50 pictures while nobody takes any: one waits, the rest are dropped.
    assert exhausted.wait(WAIT_S)
    assert int(next(frames).image[0, 0, 0]) == 59
    assert source.live
    assert source.dropped == 49
    go_on.set()
    source.close()
    assert list(frames) == []


def test_a_camera_that_goes_is_tried_again_and_said_once():
    said = []
    go_on = threading.Event()
    attempts = []

    def opener():
        attempts.append(len(attempts))
        if len(attempts) in (2, 3, 4):
            raise CaptureError("camera device 0 is not there or is in use")
        levels = [7] if len(attempts) == 1 else [8]
        last = len(attempts) > 4
        wait = go_on if last else threading.Event()
        if not last:
            wait.set()
        return ScriptedCamera(levels, threading.Event(), wait)

    source = LiveSource(
        opener, "device:0", "front", clock, said.append, first_wait_s=0.001, longest_wait_s=0.01
    )
    frames = source.frames()
    levels = [int(next(frames).image[0, 0, 0])]
    while levels[-1] != 8:
        levels.append(int(next(frames).image[0, 0, 0]))
    go_on.set()
    source.close()
    assert len(attempts) >= 5
    assert "no more frames; trying again" in said[0]
    assert said[1] == "camera front: back"
    assert sum("not there" in sentence for sentence in said[:2]) == 0


def test_a_device_that_is_not_there_is_said_and_does_not_raise():
    said = threading.Event()
    sentences = []

    def on_event(sentence):
        sentences.append(sentence)
        said.set()

    def opener():
        raise CaptureError("camera device 63 is not there or is in use")

    source = LiveSource(opener, "device:63", "front", clock, on_event, longest_wait_s=0.01)
    taking = threading.Thread(target=lambda: list(source.frames()), name="taking")
    taking.start()
    assert said.wait(WAIT_S)
    source.close()
    taking.join(WAIT_S)
    assert not taking.is_alive()
    assert sentences[0].startswith("camera front: camera device 63 is not there")


def test_a_capture_that_breaks_raises_where_frames_are_taken():
    def opener():
        raise RuntimeError("a driver's surprise")

    source = LiveSource(opener, "device:0", "front", clock, never)
    with pytest.raises(CaptureError, match="driver's surprise"):
        next(source.frames())
    source.close()


@pytest.mark.parametrize("opener", [lambda: open_device(63), lambda: open_stream(NOBODY)])
def test_a_camera_that_is_not_there_is_a_capture_error(opener):
    with pytest.raises(CaptureError, match=r"not there|does not answer"):
        opener()


@pytest.mark.parametrize(("rotation", "corner"), [(90, (0, 47)), (180, (47, 63)), (270, (63, 0))])
def test_a_camera_mounted_on_its_side_gives_upright_frames(tmp_path, rotation, corner):
    picture = grey(0)
    picture[0, 0] = 255
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    source = open_source(str(tmp_path), "front", clock, never, rotation=rotation)
    (frame,) = source.frames()
    assert frame.image.shape == ((48, 64, 3) if rotation == 180 else (64, 48, 3))
    assert tuple(np.argwhere(frame.image[..., 0] == 255)[0]) == corner
    assert (source.live, source.dropped, source.unreadable, source.gone) == (False, 0, 0, None)
