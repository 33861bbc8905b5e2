"""A camera that speaks RTSP (RFC 2326) over TCP and sends its JPEGs as RTP packets (RFC 2435)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

FRAMES_PER_S = 25.0
PIECE_BYTES = 1200
PAYLOAD_JPEG = 26
TABLES_IN_BAND = 255
SUBSAMPLED_420 = 1


class RtspCamera:
    """Shows its pictures in turn until closed; whoever looks in the meantime is cut off then."""

    def __init__(
        self, port: int, pictures: Sequence[NDArray[np.uint8]], frames_per_s: float = FRAMES_PER_S
    ) -> None:
        """`pictures` are (H, W, 3) uint8 BGR, both sides multiples of 16 pixels."""
        self._pictures = pictures
        self._frames_per_s = frames_per_s
        self._stop = threading.Event()
        self._talks: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for talk in self._talks:
            talk.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with suppress(TimeoutError):
                viewer, _ = self._listener.accept()
                self._talks.append(threading.Thread(target=self._talk, args=(viewer,)))
                self._talks[-1].start()

    def _talk(self, viewer: socket.socket) -> None:
        with suppress(OSError), viewer, viewer.makefile("rb") as lines:
            while not self._stop.is_set():
                method, headers = _request(lines)
                if method == "":
                    return
                viewer.sendall(_answer(method, headers))
                if method == "PLAY":
                    self._play(viewer)
                    return

    def _play(self, viewer: socket.socket) -> None:
        sequence = 0
        for number in range(1 << 30):
            if self._stop.wait(1 / self._frames_per_s):
                return
            stamp = int(number * 90_000 / self._frames_per_s) & 0xFFFFFFFF
            for last, payload in _pieces(self._pictures[number % len(self._pictures)]):
                kind = PAYLOAD_JPEG | (0x80 if last else 0)
                packet = struct.pack(">BBHII", 0x80, kind, sequence, stamp, 1) + payload
                viewer.sendall(struct.pack(">cBH", b"$", 0, len(packet)) + packet)
                sequence = (sequence + 1) & 0xFFFF


def _request(lines: BinaryIO) -> tuple[str, dict[str, str]]:
    line = lines.readline().decode()
    headers = {}
    while header := lines.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return line.partition(" ")[0], headers


def _answer(method: str, headers: dict[str, str]) -> bytes:
    body = ""
    lines = ["RTSP/1.0 200 OK", f"CSeq: {headers.get('cseq', '0')}", "Session: 1"]
    if method == "OPTIONS":
        lines.append("Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
    elif method == "DESCRIBE":
        body = (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=street\r\nt=0 0\r\n"
            f"m=video 0 RTP/AVP {PAYLOAD_JPEG}\r\na=control:track1\r\n"
        )
        lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
    elif method == "SETUP":
        lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def _pieces(picture: NDArray[np.uint8]) -> Iterator[tuple[bool, bytes]]:
    """The payloads of a picture's packets, and whether each is the last."""
    height, width = picture.shape[:2]
    tables, scan = _tables_and_scan(cv2.imencode(".jpg", picture)[1].tobytes())
    for start in range(0, len(scan), PIECE_BYTES):
        piece = scan[start : start + PIECE_BYTES]
        head = struct.pack(">IBBBB", start, SUBSAMPLED_420, TABLES_IN_BAND, width // 8, height // 8)
        if start == 0:
            head += struct.pack(">BBH", 0, 0, len(tables)) + tables
        yield start + PIECE_BYTES >= len(scan), head + piece


def _tables_and_scan(jpeg: bytes) -> tuple[bytes, bytes]:
    """The quantisation tables of a baseline JPEG, and what lies between its scan's head and end."""
    tables, at = b"", 2
    while True:
        marker, length = struct.unpack_from(">HH", jpeg, at)
        segment = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xFFDB:
            while segment:
                tables += segment[1:65]
                segment = segment[65:]
        elif marker == 0xFFDA:
            return tables, jpeg[at : jpeg.rindex(b"\xff\xd9")]
