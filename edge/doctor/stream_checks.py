"""Why a network camera gives no picture: it is asked for its stream, as a player asks first.

Nothing is played. Neither user nor password, nor what follows a ``?`` in an address, is shown. As
by the daemon, a camera that talks within TLS is believed whatever certificate it shows: they make
their own.
"""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge.doctor.findings import split
from edge.doctor.stream_talk import (
    SCHEMES,
    Answer,
    Login,
    Request,
    Scheme,
    answer_of,
    authorization,
)
from edge.vision.camera_settings import CameraSettings
from edge.vision.credentials import with_credentials
from edge.vision.errors import CaptureError

_TIMEOUT_S = 4.0
_LONGEST_HEAD_BYTES = 16_384
_REACH = (
    "check the camera's power, its cable and the network between, and its address in the camera's "
    "source"
)
_LOGIN_FILE = "the camera's user on its first line, its password on the second, mode 600"
_NO_PICTURE = {
    "RTSP": "set the stream to H.264 or H.265 in the camera's own settings",
    "HTTP": "see that the camera's source is the address of a stream, and not of the camera's web "
    "page",
}


class NoTlsError(OSError):
    """Something answers, and no TLS can be agreed on with it; the text says why."""


def stream_fault(camera: CameraSettings) -> tuple[str, str] | None:
    """What is wrong with a network camera that gives no picture, and what to do.

    None if the camera is none of the network.
    """
    url = camera.source
    scheme = SCHEMES.get(url.partition("://")[0].lower())
    if scheme is None:
        return None
    login: Login | None = None
    if (path := camera.credentials_file) is not None:
        try:
            login = _login(url, path)
        except CaptureError as error:
            return split(str(error), f"write {path}: {_LOGIN_FILE}")
    where = _where(url, scheme)
    try:
        answer = ask(url, scheme, login)
    except OSError as error:
        return judge_connection(where, scheme, error)
    return judge_answer(where, scheme, answer, camera.credentials_file)


def ask(url: str, scheme: Scheme, login: Login | None) -> Answer | None:
    """What a camera answers to whoever logs in so; None if that is not of the address's protocol.

    Raises:
        OSError: if it cannot be reached, or does not answer in time.
    """
    request = Request.of(url, scheme)
    answer = _told(url, scheme, request.encoded(scheme, 1))
    if answer is None or answer.code != 401 or login is None:
        return answer
    told = authorization(
        answer.challenges, login, request.method, request.target, os.urandom(8).hex()
    )
    if told is None:
        return answer
    # Another connection: some cameras end the one on which they refused.
    return _told(url, scheme, request.encoded(scheme, 2, told))


def judge_connection(where: str, scheme: Scheme, error: OSError) -> tuple[str, str]:
    """What it means that no answer came from there."""
    if isinstance(error, socket.gaierror):
        return (
            f"the name in {where} cannot be resolved",
            "correct the camera's source, or put the camera's number address there",
        )
    if isinstance(error, ConnectionRefusedError):
        return (
            f"{where} is switched on and takes no {scheme.protocol} on that port",
            f"switch {scheme.protocol} on in the camera's own settings, or correct the port in its "
            "source",
        )
    if isinstance(error, NoTlsError):
        return (
            f"{where} is switched on, and no TLS can be agreed on with it ({error})",
            "switch TLS on in the camera's own settings, or correct the port in its source; a "
            "camera that has none wants rtsp:// or http:// there",
        )
    reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or "it broke off"
    return f"{where} cannot be reached ({reason})", _REACH


def judge_answer(
    where: str, scheme: Scheme, answer: Answer | None, credentials: Path | None
) -> tuple[str, str]:
    """What an answer means, by the file of the user and password, if the settings name one."""
    if answer is None:
        return (
            f"what answers at {where} does not speak {scheme.protocol}",
            f"correct the port in the camera's source; most cameras have {scheme.protocol} on "
            f"{scheme.port}",
        )
    said = f"{scheme.protocol} {answer.code}"
    if answer.code in (401, 403):
        return _refused(where, said, credentials)
    if answer.code == 404:
        return (
            f"{where} answers and has no such stream ({said})",
            "correct the path in the camera's source; the camera's manual names it",
        )
    if answer.code == 200:
        return (
            f"{where} answers and offers its stream, of which no picture comes",
            f"{_NO_PICTURE[scheme.protocol]}, close what else watches it, and restart the camera",
        )
    return (
        f"{where} answers with the error {said}",
        "restart the camera; if it stays so, look that error up in the camera's manual",
    )


def _refused(where: str, said: str, credentials: Path | None) -> tuple[str, str]:
    if credentials is None:
        return (
            f"{where} answers and wants a user and a password ({said}); the settings name none",
            f"write a file with {_LOGIN_FILE}, and name it as this camera's credentials_file",
        )
    if said.endswith("401"):
        return (
            f"{where} answers and refuses the user and password in {credentials} ({said})",
            f"correct {credentials}: {_LOGIN_FILE}; the daemon takes it at its next try",
        )
    return (
        f"{where} answers and lets the user in {credentials} see no stream ({said})",
        "let that user see the stream in the camera's own settings, or put another into the file",
    )


def _login(url: str, path: Path) -> Login:
    parts = urlsplit(with_credentials(url, path))
    return Login(unquote(parts.username or ""), unquote(parts.password or ""))


def _where(url: str, scheme: Scheme) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or scheme.port}"


def _told(url: str, scheme: Scheme, request: bytes) -> Answer | None:
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or scheme.port)
    with socket.create_connection(address, _TIMEOUT_S) as plain:
        if not scheme.tls:
            return _exchange(plain, scheme, request)
        try:
            sealed = _any_certificate().wrap_socket(plain, server_hostname=parts.hostname)
        except OSError as error:
            reason = getattr(error, "reason", None) or error.strerror or "no answer"
            raise NoTlsError(reason) from error
        with sealed:
            return _exchange(sealed, scheme, request)


def _exchange(connection: socket.socket, scheme: Scheme, request: bytes) -> Answer | None:
    connection.sendall(request)
    return answer_of(_head(connection), scheme)


def _any_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _head(connection: socket.socket) -> bytes:
    """The status line and headers, as far as they come."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _LONGEST_HEAD_BYTES:
        more = connection.recv(4096)
        if not more:
            break
        head += more
    return head.partition(b"\r\n\r\n")[0]
