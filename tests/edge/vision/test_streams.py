"""A network camera that vanishes and comes back, by HTTP and RTSP and OpenCV's own decoder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np

from edge.vision.live import LiveSource, open_stream
from tests.edge.instants import wall_instant
from tests.rtsp_camera import RtspCamera
from tests.servers import free_port

BOUNDARY = "part"


def jpeg(level: int) -> bytes:
    encoded, content = cv2.imencode(".jpg", np.full((48, 64, 3), level, np.uint8))
    assert encoded
    return content.tobytes()


@contextmanager
def camera(port: int, level: int, frames: int) -> Iterator[None]:
    """An MJPEG camera that shows one grey so many times, then closes its connection."""
    content = jpeg(level)
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(content)}"
            try:
                for _ in range(frames):
                    self.wfile.write(head.encode() + b"\r\n\r\n" + content + b"\r\n")
                    stop.wait(0.01)
            except OSError:
                pass

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()


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
            with camera(port, level, frames=40):
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
            camera = RtspCamera(port, picture)
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


def near(image: np.ndarray, level: int) -> bool:
    return abs(float(image.mean()) - level) < 20
