"""A network camera's user and password: from a file that nobody else can read, never shown."""

from __future__ import annotations

import base64
import socket
import threading

import cv2
import numpy as np
import pytest

from edge.vision.capture import open_source
from edge.vision.credentials import with_credentials
from edge.vision.errors import CaptureError
from tests.edge.vision.test_capture import clock

URL = "rtsp://192.0.2.17:554/stream1"


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "camera.secret"
    path.write_text("alpr\np@ss:w/rd?\n")
    path.chmod(0o600)
    return path


def test_special_characters_survive(secret):
    assert with_credentials(URL, secret) == (
        "rtsp://alpr:p%40ss%3Aw%2Frd%3F@192.0.2.17:554/stream1"
    )


@pytest.mark.parametrize("content", ["", "alpr", "alpr\n\n", "alpr\npass\nmore\n", "\xff\xfe"])
def test_a_file_that_is_not_two_lines_is_said_without_its_content(secret, content):
    secret.write_bytes(content.encode("latin-1"))
    with pytest.raises(CaptureError) as said:
        with_credentials(URL, secret)
    assert str(secret) in str(said.value)
    assert "pass" not in str(said.value).replace("the password", "").replace(str(secret), "")


def test_a_file_open_to_others_and_one_that_is_missing_are_refused(secret):
    secret.chmod(0o640)
    with pytest.raises(CaptureError, match="chmod 600"):
        with_credentials(URL, secret)
    secret.unlink()
    with pytest.raises(CaptureError, match="No such file"):
        with_credentials(URL, secret)


class PasswordedCamera:
    """An HTTP camera that sends JPEG frames to whoever knows its password, and notes who asked."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked_with = []
        self._thread = threading.Thread(target=self._serve, name="passworded-camera", daemon=True)
        self._thread.start()

    def _serve(self):
        picture = np.zeros((48, 64, 3), dtype=np.uint8)
        picture[:, :32] = 255
        jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
        part = b"--f\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(jpeg)
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                try:
                    asked = client.recv(65536).decode("latin-1")
                    known = [one for one in asked.splitlines() if one.startswith("Authorization")]
                    self.asked_with += [base64.b64decode(one.split()[-1]).decode() for one in known]
                    if not known:
                        client.sendall(
                            b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=c\r\n"
                            b"Content-Length: 0\r\nConnection: close\r\n\r\n"
                        )
                        continue
                    client.sendall(
                        b"HTTP/1.1 200 OK\r\n"
                        b"Content-Type: multipart/x-mixed-replace; boundary=f\r\n\r\n"
                    )
                    for _ in range(200):
                        client.sendall(part + jpeg + b"\r\n")
                except OSError:
                    continue

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


def test_a_camera_that_asks_for_a_password_gets_it_and_no_label_shows_it(secret):
    camera = PasswordedCamera()
    said = []
    source = open_source(
        f"http://127.0.0.1:{camera.port}/video.mjpg",
        "front",
        clock,
        said.append,
        credentials=secret,
        rotation=180,
    )
    try:
        frame = next(frame for frame in source.frames() if frame is not None)
    finally:
        source.close()
        camera.close()
    assert camera.asked_with[0] == "alpr:p@ss:w/rd?"
    assert "alpr" not in frame.source
    assert not any("p@ss" in one or "alpr" in one for one in said)
    # Turned head down: what is bright on the left of the camera's picture is now on the right.
    assert frame.image[24, 16].max() < 60
    assert frame.image[24, 48].min() > 200
