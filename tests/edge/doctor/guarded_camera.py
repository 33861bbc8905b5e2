"""A camera on the network that wants a user and a password before it tells anything."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import trustme

USER, PASSWORD, REALM, NONCE = "alpr", "hush-hush 7", "curb", "5ccc069c403ebaf9"


class GuardedCamera:
    """Speaks RTSP (RFC 2326), or what else ``scheme`` says, with whoever connects.

    Args:
        refusal: the status line for whoever does not log in; None to let everyone in.
        challenge: how it asks for a login.
        admitted: the status line for whoever does, or need not.
    """

    def __init__(
        self,
        refusal: str | None = "401 Unauthorized",
        challenge: str = f'Digest realm="{REALM}", nonce="{NONCE}", algorithm=MD5',
        admitted: str = "404 Not Found",
        scheme: str = "rtsp",
    ) -> None:
        self._refusal, self._challenge, self._admitted = refusal, challenge, admitted
        self._rtsp = scheme.startswith("rtsp")
        self._tls = _own_certificate() if scheme.endswith("s") else None
        self.asked: list[str] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._server.getsockname()[1]}/stream1"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                viewer, _ = self._server.accept()
                threading.Thread(target=self._talk, args=(viewer,), daemon=True).start()

    def _talk(self, viewer: socket.socket) -> None:
        with suppress(OSError), self._secured(viewer) as talk, talk.makefile("rb") as lines:
            while head := _head_of(iter(lines.readline, b"")):
                self.asked.append(head)
                talk.sendall(self._answer(head).encode())

    def _secured(self, viewer: socket.socket) -> socket.socket:
        return viewer if self._tls is None else self._tls.wrap_socket(viewer, server_side=True)

    def _answer(self, head: str) -> str:
        sequence = re.search(r"^cseq: *(\d+)", head, re.MULTILINE | re.IGNORECASE)
        told, more = "200 OK", "Public: OPTIONS, DESCRIBE\r\n"
        if not head.startswith("OPTIONS"):
            told, more = self._admitted, ""
            if self._refusal is not None and not self._is_known(head):
                told, more = self._refusal, f"WWW-Authenticate: {self._challenge}\r\n"
        if not self._rtsp:
            return f"HTTP/1.1 {told}\r\n{more}Content-Length: 0\r\n\r\n"
        return f"RTSP/1.0 {told}\r\nCSeq: {sequence[1] if sequence else 0}\r\n{more}\r\n"

    def _is_known(self, head: str) -> bool:
        """By Digest without ``qop`` (RFC 2617, section 3.2.2.1), as FFmpeg answers it too."""
        who = _md5(f"{USER}:{REALM}:{PASSWORD}")
        what = _md5(f"DESCRIBE:{self.url}" if self._rtsp else "GET:/stream1")
        return f'response="{_md5(f"{who}:{NONCE}:{what}")}"' in head


@contextmanager
def guarded_camera(*told: str | None, **more: str) -> Iterator[GuardedCamera]:
    camera = GuardedCamera(*told, **more)  # type: ignore[arg-type]
    try:
        yield camera
    finally:
        camera.close()


def _own_certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("camera").configure_cert(context)
    return context


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _head_of(lines: Iterator[bytes]) -> str:
    head = []
    for line in lines:
        if line == b"\r\n":
            break
        head.append(line.decode("latin-1").rstrip())
    return "\n".join(head)
