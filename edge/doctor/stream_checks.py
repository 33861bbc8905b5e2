"""Why a network camera gives no picture: it is asked what its stream is, as a player asks first.

Nothing is played. Neither user nor password, nor what follows a ``?`` in an address, is shown.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.doctor.findings import split
from edge.doctor.rtsp_talk import Answer, Login, answer_of, authorization, describe
from edge.vision.camera_settings import CameraSettings
from edge.vision.credentials import with_credentials
from edge.vision.errors import CaptureError

_TIMEOUT_S = 4.0
_RTSP_PORT = 554
_LONGEST_HEAD_BYTES = 16_384
_REACH = (
    "check the camera's power, its cable and the network between, and its address in the camera's "
    "source"
)
_LOGIN_FILE = "the camera's user on its first line, its password on the second, mode 600"


def stream_fault(camera: CameraSettings) -> tuple[str, str] | None:
    """What is wrong with a network camera that gives no picture, and what to do.

    None if the camera is none of the network.
    """
    if "://" not in camera.source:
        return None
    login: Login | None = None
    if (path := camera.credentials_file) is not None:
        try:
            login = _login(camera.source, path)
        except CaptureError as error:
            return split(str(error), f"write {path}: {_LOGIN_FILE}")
    if not camera.source.lower().startswith("rtsp://"):
        return (
            "the stream gives no picture",
            f"{_REACH}; if it wants a user and a password, check its credentials_file",
        )
    try:
        answer = ask(camera.source, login)
    except OSError as error:
        return judge_connection(_where(camera.source), error)
    return judge_answer(_where(camera.source), answer, camera.credentials_file)


def ask(url: str, login: Login | None) -> Answer | None:
    """What a camera answers to whoever logs in so; None if that is not RTSP.

    Raises:
        OSError: if it cannot be reached, or does not answer in time.
    """
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or _RTSP_PORT)
    with socket.create_connection(address, _TIMEOUT_S) as connection:
        connection.sendall(describe(url, 1))
        answer = answer_of(_head(connection))
    if answer is None or answer.code != 401 or login is None:
        return answer
    told = authorization(answer.challenges, login, "DESCRIBE", url, os.urandom(8).hex())
    if told is None:
        return answer
    # Another connection: some cameras end the one on which they refused.
    with socket.create_connection(address, _TIMEOUT_S) as connection:
        connection.sendall(describe(url, 2, told))
        return answer_of(_head(connection))


def judge_connection(where: str, error: OSError) -> tuple[str, str]:
    """What it means that no answer came from there."""
    if isinstance(error, socket.gaierror):
        return (
            f"the name in {where} cannot be resolved",
            "correct the camera's source, or put the camera's number address there",
        )
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{where} is switched on and takes no RTSP on that port",
            "switch RTSP on in the camera's own settings, or correct the port in its source",
        )
    reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or "it broke off"
    return f"{where} cannot be reached ({reason})", _REACH


def judge_answer(where: str, answer: Answer | None, credentials: Path | None) -> tuple[str, str]:
    """What an answer means, by the file of the user and password, if the settings name one."""
    if answer is None:
        return (
            f"what answers at {where} does not speak RTSP",
            f"correct the port in the camera's source; most cameras have RTSP on {_RTSP_PORT}",
        )
    if answer.code in (401, 403):
        return _refused(where, answer.code, credentials)
    if answer.code == 404:
        return (
            f"{where} answers and has no such stream (RTSP 404)",
            "correct the path in the camera's source; the camera's manual names it",
        )
    if answer.code == 200:
        return (
            f"{where} answers and offers its stream, of which no picture comes",
            "set the stream to H.264 or H.265 in the camera's own settings, close what else "
            "watches it, and restart the camera",
        )
    return (
        f"{where} answers with the error RTSP {answer.code}",
        "restart the camera; if it stays so, look that error up in the camera's manual",
    )


def _refused(where: str, code: int, credentials: Path | None) -> tuple[str, str]:
    if credentials is None:
        return (
            f"{where} answers and wants a user and a password (RTSP {code}); the settings name "
            "none",
            f"write a file with {_LOGIN_FILE}, and name it as this camera's credentials_file",
        )
    if code == 401:
        return (
            f"{where} answers and refuses the user and password in {credentials} (RTSP 401)",
            f"correct {credentials}: {_LOGIN_FILE}; the daemon takes it at its next try",
        )
    return (
        f"{where} answers and lets the user in {credentials} see no stream (RTSP 403)",
        "let that user see the stream in the camera's own settings, or put another into the file",
    )


def _login(url: str, path: Path) -> Login:
    parts = urlsplit(with_credentials(url, path))
    return Login(unquote(parts.username or ""), unquote(parts.password or ""))


def _where(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _RTSP_PORT}"


def _head(connection: socket.socket) -> bytes:
    """The status line and headers, as far as they come."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD_BYTES:
        more = connection.recv(4096)
        if not more:
            break
        head += more
    return head.partition(b"\r\n\r\n")[0]
