"""A network camera that vanishes and comes back, by HTTP and RTSP and OpenCV's own decoder."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np
import pytest

from edge.vision import live as live_module
from edge.vision.live import Camera, LiveSource, open_stream
from tests.edge.instants import wall_instant
from tests.rtsp_camera import RtspCamera
from tests.servers import free_port

BOUNDARY = "part"


def jpeg(level: int) -> bytes:
    encoded, content = cv2.imencode(".jpg", np.full((48, 64, 3), level, np.uint8))
    assert encoded
    return content.tobytes()


@contextmanager
def served(port: int, play: Callable[[Callable[[bytes], None]], None]) -> Iterator[None]:
    """An MJPEG camera; ``play`` is given what sends a JPEG to whoever looks."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            with suppress(OSError):
                play(self.send)

        def send(self, content: bytes) -> None:
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}"
            self.wfile.write(head.encode() + b"\r\n\r\n" + content + b"\r\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def camera(port: int, level: int, frames: int) -> Iterator[None]:
    """Shows one grey so many times, then closes its connection."""
    stop = threading.Event()

    def play(send: Callable[[bytes], None]) -> None:
        for _ in range(frames):
            send(jpeg(level))
            stop.wait(0.01)

    with served(port, play):
        try:
            yield
        finally:
            stop.set()


@contextmanager
def clock_camera(
    port: int, levels: Sequence[int], frames_per_s: float
) -> Iterator[Callable[[], int]]:
    """Shows one grey after the other to whoever looks; gives the number of the one shown now."""
    stop = threading.Event()
    began_s = time.monotonic()

    def shown() -> int:
        return int((time.monotonic() - began_s) * frames_per_s) % len(levels)

    def play(send: Callable[[bytes], None]) -> None:
        while not stop.wait(1 / frames_per_s):
            send(jpeg(levels[shown()]))

    with served(port, play):
        try:
            yield shown
        finally:
            stop.set()


def live(address: str, port: int, path: str, say: Callable[[str], None]) -> LiveSource:
    """A network camera that is looked for again soon."""
    return LiveSource(
        lambda: open_stream(f"{address}:{port}/{path}"),
        f"{address}/{path}", "curb", wall_instant, say,
        first_wait_s=0.05, longest_wait_s=0.2,
    )  # fmt: skip


def test_a_stream_that_vanishes_is_said_once_and_read_again_when_it_is_back() -> None:
    port = free_port()
    said: list[str] = []
    source = live("http://127.0.0.1", port, "video", said.append)
    frames = source.frames()
    try:
        assert next(frames) is None, "nobody answers yet"
        assert source.gone is not None
        for level in (60, 200):
            with camera(port, level, frames=200):
                shown = next(one for one in frames if one is not None and near(one.image, level))
            assert shown.image.shape == (48, 64, 3)
            while source.gone is None:
                next(frames)
        assert said.count("camera curb: back") == 2
        assert len(said) == 5, "each time that it goes is said once, however often it is tried"
    finally:
        source.close()


def test_an_rtsp_camera_that_goes_is_read_again_when_it_is_back() -> None:
    port = free_port()
    said: list[str] = []
    source = live("rtsp://127.0.0.1", port, "street", said.append)
    frames = source.frames()
    try:
        for level in (60, 200):
            picture = np.full((96, 128, 3), level, np.uint8)
            camera = RtspCamera(port, [picture])
            try:
                shown = next(one for one in frames if one is not None and near(one.image, level))
                assert shown.image.shape == picture.shape
            finally:
                camera.close()
            while source.gone is None:
                next(frames)
        assert said[-1].startswith("camera curb: it gives no more frames")
    finally:
        source.close()


def test_what_a_stream_showed_before_it_was_read_is_not_taken_for_now() -> None:
    # FFmpeg looks at two seconds of this before it gives any, and then gives these at once.
    port = free_port()
    pictures = [np.full((96, 128, 3), level, np.uint8) for level in range(20, 240, 4)]
    camera = RtspCamera(port, pictures, frames_per_s=10.0)
    capture = open_stream(f"rtsp://127.0.0.1:{port}/street")
    try:
        alive, image = capture.read()
        assert alive
        assert image.mean() > 20 + 4 * 10
    finally:
        capture.release()
        camera.close()


class HeldUp:
    """A camera whose reader does nothing else for a while, once."""

    def __init__(self, camera: Camera, turn: int, seconds: float) -> None:
        self._camera = camera
        self._left = turn
        self._seconds = seconds

    def read(self) -> tuple[bool, Any]:
        self._left -= 1
        if self._left == 0:
            time.sleep(self._seconds)
        return self._camera.read()

    def release(self) -> None:
        self._camera.release()


@pytest.mark.parametrize("turn", [1, 6])
def test_what_waited_while_reading_was_held_up_is_not_taken_for_now(
    monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    monkeypatch.setattr(live_module, "HELD_UP_S", 0.7)
    port, levels = free_port(), range(20, 240, 2)
    turns = iter((turn,))
    said: list[str] = []
    ages = []
    with clock_camera(port, levels, frames_per_s=20.0) as shown:
        source = LiveSource(
            lambda: HeldUp(open_stream(f"http://127.0.0.1:{port}/video"), next(turns, 0), 2.0),
            "video", "curb", wall_instant, said.append,
        )  # fmt: skip
        try:
            for frame in itertools.islice(filter(None, source.frames()), 25):
                number = round((float(frame.image.mean()) - levels[0]) / 2)
                ages.append((shown() - number) % len(levels))
        finally:
            source.close()
    assert max(ages) < 10, "none is given of the 40 that came in the meantime"
    assert said == []


class Slow:
    """A camera that takes longer for each picture than reading may be held up."""

    def read(self) -> tuple[bool, Any]:
        time.sleep(0.2)
        return True, np.zeros((48, 64, 3), np.uint8)

    def release(self) -> None:
        pass


def test_a_camera_that_is_slow_still_gives_its_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "HELD_UP_S", 0.1)
    source = LiveSource(Slow, "video", "curb", wall_instant, lambda _: None)
    try:
        assert any(frame is not None for frame in itertools.islice(source.frames(), 4))
    finally:
        source.close()


def near(image: np.ndarray, level: int) -> bool:
    return abs(float(image.mean()) - level) < 20
