"""Drawn drives as network cameras: MJPEG over HTTP on loopback, in real time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2

from demo_drive.drive import TRUTH_NAME, VIDEO_NAME, DriveOptions, write_drive

JPEG_QUALITY = 88
BOUNDARY = "plateward-frame"


@dataclass(frozen=True)
class Drive:
    """A drive's pictures as JPEG, and the plates that are in view in it."""

    pictures: tuple[bytes, ...]
    plates: tuple[str, ...]


def drive(folder: Path, options: DriveOptions) -> Drive:
    """The drive of these options from a folder, drawn there if it is not yet (minutes)."""
    place = folder / f"drive-{options.seed}-{options.frames}"
    if not (place / TRUTH_NAME).exists():
        write_drive(place, options)
    truth = json.loads((place / TRUTH_NAME).read_text(encoding="utf-8"))
    capture = cv2.VideoCapture(str(place / VIDEO_NAME))
    pictures = []
    try:
        while True:
            given, image = capture.read()
            if not given:
                break
            _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            pictures.append(jpeg.tobytes())
    finally:
        capture.release()
    return Drive(tuple(pictures), tuple(car["plate"] for car in truth["cars"]))


class Stream:
    """One camera: plays its pictures from the moment that somebody looks, at its own pace."""

    def __init__(
        self, pictures: tuple[bytes, ...], fps: float, frames: int, *, stands_s: float = 0.0
    ) -> None:
        """`frames` are played, the pictures over and over where there are fewer.

        Before that the first picture stands for `stands_s` seconds: a car that has not yet left.
        """
        self._pictures = pictures
        self._fps = fps
        self._stands = round(stands_s * fps)
        self._frames = self._stands + frames
        self.sent = 0
        self.began_s: float | None = None
        self.ended = threading.Event()

    def play(self) -> Iterator[bytes]:
        """The pictures in real time, once."""
        if self.began_s is not None:
            return
        self.began_s = time.monotonic()
        try:
            while self.sent < self._frames and not self.ended.is_set():
                due_s = self.began_s + self.sent / self._fps
                self.ended.wait(max(0.0, due_s - time.monotonic()))
                yield self._pictures[max(0, self.sent - self._stands) % len(self._pictures)]
                self.sent += 1
        finally:
            self.ended.set()


@contextmanager
def served(streams: tuple[Stream, ...]) -> Iterator[tuple[str, ...]]:
    """The addresses of streams that are served while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stream = streams[int(self.path.strip("/"))]
            if stream.began_s is not None:
                self.send_error(503)
                return
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            try:
                for jpeg in stream.play():
                    head = (
                        f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n"
                        f"Content-Length: {len(jpeg)}\r\n\r\n"
                    )
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
            except OSError:
                return  # whoever looked has gone

        def log_message(self, *_: object) -> None:
            """Nothing: the daemon's log says what became of the stream."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="streams", daemon=True)
    thread.start()
    try:
        port = server.server_address[1]
        yield tuple(f"http://127.0.0.1:{port}/{number}" for number in range(len(streams)))
    finally:
        for stream in streams:
            stream.ended.set()
        server.shutdown()
        server.server_close()
