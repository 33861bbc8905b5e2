"""What is said to a camera over RTSP (RFC 2326) or HTTP (RFC 9112), and what it answers; no I/O.

A camera that asks who asks is answered with Digest (RFC 7616, RFC 2617 without ``qop``), or Basic
(RFC 7617) where it offers nothing better.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

_STATUS = re.compile(rb"(?P<protocol>RTSP|HTTP)/1\.\d (?P<code>\d{3})")
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_DIGESTS = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Scheme:
    """How an address of its kind is talked to: in which protocol, at which port, within TLS."""

    protocol: Literal["RTSP", "HTTP"]
    port: int
    tls: bool = False


SCHEMES = MappingProxyType(
    {
        "rtsp": Scheme("RTSP", 554),
        "rtsps": Scheme("RTSP", 322, tls=True),
        "http": Scheme("HTTP", 80),
        "https": Scheme("HTTP", 443, tls=True),
    }
)


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks. The password is not shown by ``repr``."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A camera's answer: its status code, and how it wants to be told who asks."""

    code: int
    challenges: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a player asks first of a stream, with the method and target that a login is bound to."""

    method: str
    target: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, url: str, scheme: Scheme) -> Request:
        """For the stream itself over HTTP; over RTSP for what it consists of, which starts nothing.

        See RFC 2326, section 10.2.
        """
        if scheme.protocol == "RTSP":
            return cls("DESCRIBE", url, ("Accept: application/sdp",))
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return cls("GET", f"{parts.path or '/'}{query}", (f"Host: {parts.netloc}", "Accept: */*"))

    def encoded(self, scheme: Scheme, sequence: int, authorization: str | None = None) -> bytes:
        """As it is sent, with the header that answers a challenge if there is one."""
        version = "RTSP/1.0" if scheme.protocol == "RTSP" else "HTTP/1.1"
        lines = [f"{self.method} {self.target} {version}", *self.lines]
        lines.append(f"CSeq: {sequence}" if scheme.protocol == "RTSP" else "Connection: close")
        if authorization is not None:
            lines.append(f"Authorization: {authorization}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8")


def answer_of(head: bytes, scheme: Scheme) -> Answer | None:
    """The answer whose status line and headers these are; None if it is of another protocol."""
    first, *headers = head.split(b"\r\n")
    status = _STATUS.match(first)
    if status is None or status["protocol"].decode("ascii") != scheme.protocol:
        return None
    named = (line.decode("latin-1").partition(":") for line in headers)
    asked = tuple(text.strip() for name, _, text in named if name.lower() == "www-authenticate")
    return Answer(int(status["code"]), asked)


def authorization(
    challenges: Sequence[str], login: Login, method: str, target: str, nonce: str
) -> str | None:
    """The header that answers the strongest challenge that is understood; None if there is none.

    ``nonce`` is the client's own, to be used once.
    """
    for challenge in challenges:
        scheme, _, rest = challenge.partition(" ")
        asked = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        if scheme.lower() == "digest" and asked.get("algorithm", "MD5").upper() in _DIGESTS:
            return _digest(asked, login, method, target, nonce)
    if any(challenge.lower().startswith("basic") for challenge in challenges):
        both = f"{login.user}:{login.password}".encode()
        return f"Basic {base64.b64encode(both).decode('ascii')}"
    return None


def _digest(asked: Mapping[str, str], login: Login, method: str, target: str, nonce: str) -> str:
    algorithm = asked.get("algorithm", "MD5").upper()

    def hashed(*parts: str) -> str:
        # The camera names it; it keeps no secret of the unit's.
        return hashlib.new(
            _DIGESTS[algorithm], ":".join(parts).encode(), usedforsecurity=False
        ).hexdigest()

    realm, theirs = asked.get("realm", ""), asked.get("nonce", "")
    who = hashed(login.user, realm, login.password)
    what = hashed(method, target)
    told = {"username": login.user, "realm": realm, "nonce": theirs, "uri": target}
    bare = ""
    if "auth" in re.split(r"\s*,\s*", asked.get("qop", "")):
        told["response"] = hashed(who, theirs, "00000001", nonce, "auth", what)
        told["cnonce"] = nonce
        bare = ", qop=auth, nc=00000001"
    else:
        told["response"] = hashed(who, theirs, what)
    if "opaque" in asked:
        told["opaque"] = asked["opaque"]
    if "algorithm" in asked:
        bare += f", algorithm={algorithm}"
    return "Digest " + ", ".join(f'{name}="{text}"' for name, text in told.items()) + bare
