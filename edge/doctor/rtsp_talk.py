"""What is said to a camera over RTSP and what it answers (RFC 2326); no I/O.

A camera that asks who asks is answered as in HTTP: Digest (RFC 7616, RFC 2617 without ``qop``),
or Basic (RFC 7617) where it offers nothing better.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_STATUS = re.compile(rb"RTSP/1\.\d (?P<code>\d{3})")
_PARAMETER = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
_DIGESTS = {"MD5": "md5", "SHA-256": "sha256"}


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


def describe(url: str, sequence: int, authorization: str | None = None) -> bytes:
    """A request for what a stream consists of, which starts nothing (section 10.2)."""
    lines = [f"DESCRIBE {url} RTSP/1.0", f"CSeq: {sequence}", "Accept: application/sdp"]
    if authorization is not None:
        lines.append(f"Authorization: {authorization}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def answer_of(head: bytes) -> Answer | None:
    """The answer whose status line and headers these are; None if it is not RTSP."""
    first, *headers = head.split(b"\r\n")
    status = _STATUS.match(first)
    if status is None:
        return None
    named = (line.decode("latin-1").partition(":") for line in headers)
    asked = tuple(text.strip() for name, _, text in named if name.lower() == "www-authenticate")
    return Answer(int(status["code"]), asked)


def authorization(
    challenges: Sequence[str], login: Login, method: str, url: str, nonce: str
) -> str | None:
    """The header that answers the strongest challenge that is understood; None if there is none.

    ``nonce`` is the client's own, to be used once.
    """
    for challenge in challenges:
        scheme, _, rest = challenge.partition(" ")
        asked = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(rest)}
        if scheme.lower() == "digest" and asked.get("algorithm", "MD5").upper() in _DIGESTS:
            return _digest(asked, login, method, url, nonce)
    if any(challenge.lower().startswith("basic") for challenge in challenges):
        both = f"{login.user}:{login.password}".encode()
        return f"Basic {base64.b64encode(both).decode('ascii')}"
    return None


def _digest(asked: Mapping[str, str], login: Login, method: str, url: str, nonce: str) -> str:
    algorithm = asked.get("algorithm", "MD5").upper()

    def hashed(*parts: str) -> str:
        # The camera names it; it keeps no secret of the unit's.
        return hashlib.new(
            _DIGESTS[algorithm], ":".join(parts).encode(), usedforsecurity=False
        ).hexdigest()

    realm, theirs = asked.get("realm", ""), asked.get("nonce", "")
    who = hashed(login.user, realm, login.password)
    what = hashed(method, url)
    told = {"username": login.user, "realm": realm, "nonce": theirs, "uri": url}
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
