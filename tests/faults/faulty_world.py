"""The world around a unit in a test, each part of which can be made to fail: a street before a
camera on the network, a GPS receiver on a port, the link to the broker, a disk, the clock.
"""

from __future__ import annotations

import os
import pty
import select
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.pictures import read_picture

FRAMES_PER_S = 8.0
SHOWN_S = 0.8
PAUSE_S = 0.5
HOUR_S = 3600


class Street:
    """A camera on the network (JPEGs over HTTP) past which one car after another drives."""

    def __init__(self, pictures: Sequence[Path]) -> None:
        cars = [read_picture(picture) for picture in pictures]
        self._cars = [_jpeg(car) for car in cars]
        self._empty = _jpeg(np.full_like(cars[0], 90))
        self._shown: int | None = None
        self._begun_s, self._begun_at_s = time.monotonic(), time.time()
        self._stop = threading.Event()
        street = self

        class Stream(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                street.serve(self)

            def log_message(self, *_: object) -> None:
                """Nothing: requests are no news."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/stream.mjpg"

    def shown(self) -> int:
        """How many cars have driven past, the one in view included."""
        if self._shown is not None:
            return self._shown
        return int((time.monotonic() - self._begun_s) / (SHOWN_S + PAUSE_S)) + 1

    def showing(self, car: int, at: datetime) -> int:
        """Which time of driving past it was that somebody saw that car at that moment.

        Whole hours are left out of it: clocks are set back by one.
        """
        since_s = (at.timestamp() - self._begun_at_s + HOUR_S / 2) % HOUR_S - HOUR_S / 2
        one_s = SHOWN_S + PAUSE_S
        return round((since_s - car * one_s - SHOWN_S / 2) / (one_s * len(self._cars)))

    def empty_for_good(self) -> None:
        """No more cars come."""
        self._shown = self.shown()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        with suppress(OSError):
            while not self._stop.wait(1 / FRAMES_PER_S):
                jpeg = self._picture()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                request.wfile.write(head.encode() + jpeg + b"\r\n")

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _picture(self) -> bytes:
        number, at_s = divmod(time.monotonic() - self._begun_s, SHOWN_S + PAUSE_S)
        return (
            self._cars[int(number) % len(self._cars)]
            if at_s < SHOWN_S and self._shown is None
            else self._empty
        )


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".jpg", picture)[1].tobytes()


class Receiver:
    """A GPS receiver on a port that can be pulled and put back."""

    def __init__(self, port: Path) -> None:
        self.port = port
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def plug(self) -> None:
        master, slave = pty.openpty()
        tty.setraw(slave)
        self.port.symlink_to(os.ttyname(slave))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._talk, args=(master, slave, self._stop))
        self._thread.start()

    def pull(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            self.port.unlink()

    def _talk(self, master: int, slave: int, stop: threading.Event) -> None:
        while not stop.wait(0.5):
            # The satellites' time: whatever the unit's own clock is made to say.
            now = datetime.now(UTC)
            body = f"GPRMC,{now:%H%M%S}.00,A,4219.1234,N,07238.1234,W,012.0,090.0,{now:%d%m%y},,,A"
            checksum = 0
            for char in body:
                checksum ^= ord(char)
            # Nobody may be reading: a full port must not hold the receiver up.
            if select.select([], [master], [], 0)[1]:
                os.write(master, f"${body}*{checksum:02X}\r\n".encode())
        os.close(slave)
        os.close(master)


class Link:
    """The way to the broker: it can be cut in the middle of a message."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._cut_after: int | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        self.cuts = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def cut_after(self, sent: int) -> None:
        """Break the connection once the unit has sent so many more bytes."""
        with self._lock:
            self._cut_after = sent

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                unit, _ = self._listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._carry, args=(unit,), daemon=True).start()

    def _carry(self, unit: socket.socket) -> None:
        with (
            suppress(OSError),
            unit,
            socket.create_connection(("127.0.0.1", self._broker_port)) as broker,
        ):
            while not self._stop.is_set():
                ready, _, _ = select.select([unit, broker], [], [], 0.2)
                for end in ready:
                    data = end.recv(512)
                    if not data:
                        return
                    if end is broker:
                        unit.sendall(data)
                    elif not self._pass_on(broker, data):
                        return

    def _pass_on(self, broker: socket.socket, data: bytes) -> bool:
        with self._lock:
            if self._cut_after is not None:
                self._cut_after -= len(data)
            cut = self._cut_after is not None and self._cut_after <= 0
            if cut:
                data, self._cut_after = data[: len(data) // 2], None
                self.cuts += 1
        broker.sendall(data)
        return not cut


class SmallDisk:
    """A disk of its own, which can be filled. It needs root."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir()
        self.folder = folder
        self._ballast = folder / "ballast"
        options = f"size={megabytes}m,mode=0700"
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            check=True,
            capture_output=True,
        )

    def fill(self) -> None:
        with self._ballast.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(1 << 20))
                file.flush()

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


class SystemClock:
    """The clock of the programs that are started with its environment; others keep theirs."""

    LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))

    def __init__(self, file: Path) -> None:
        self._file = file
        self.environment = {
            "LD_PRELOAD": str(self.LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_NO_CACHE": "1",
        }
        self.step(0)

    def step(self, seconds: int) -> None:
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self._file)
