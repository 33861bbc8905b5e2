"""Fetching lists from the repository's web over HTTPS, each request signed with the unit's key.

Nothing that comes is believed here: the caller proves manifests by their signatures and lists by
the manifests. Sizes and times are bounded, and text of the server's is never repeated.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpcore
import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.hotlist import MAX_MANIFEST_BYTES, HotlistVersion
from edge.contract.unit_request import sign_request
from edge.hotfile.errors import HotfileError
from edge.hotfile.link import FAILURES, Watch, WatchedTransport
from edge.hotfile.partial import PartialFile

SMALL_WITHIN_S = 60.0
LARGE_WITHIN_S = 900.0
"""One try at a list or a delta; of a list, what came is kept for the next try."""

MAX_TAG_CHARACTERS = 200
_API = "/api/v1/hotlists"
_OK, _PARTIAL, _NOT_MODIFIED, _NO_SUCH_RANGE = 200, 206, 304, 416
_SENTENCES = {
    401: "does not take this unit's signature: enrol the unit there with its unit.pub, and set "
    "its clock",
    404: "has no such list for this unit's agency: import it there, or correct the list's name",
    429: "was asked too often from this unit's address with wrong signatures",
}


class UnreachableError(HotfileError):
    """The repository's web does not give the list, or not now."""


class MissingDeltaError(UnreachableError):
    """The repository has no such delta."""


class BrokenDeltaError(UnreachableError):
    """The delta began to come, and broke off or came too slowly; nothing of it is kept."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Who asks."""

    agency: str
    name: str
    signing_key: Ed25519PrivateKey


class RepositoryWeb:
    """The repository's web as a unit sees it; used by one thread."""

    def __init__(
        self,
        url: str,
        ca: Path | None,
        unit: Unit,
        *,
        timeout_s: float,
        now: Callable[[], datetime],
        stop: threading.Event,
        beat: Callable[[], None] = lambda: None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is connected yet.

        ``stop`` ends whatever is waited for in a StoppedError; ``beat`` is called while bytes come.

        Raises:
            HotfileError: if the file ``ca`` holds no certificate.
        """
        try:
            trusted = ssl.create_default_context(cafile=None if ca is None else str(ca))
        except (OSError, ssl.SSLError) as error:
            raise HotfileError(
                f"{ca}: cannot be used as hotlist_updates.ca: {error}; copy the authority's "
                "certificate here in PEM"
            ) from error
        self._url = url
        self._unit = unit
        self._now = now
        self._trusted = trusted
        self._timeout_s = timeout_s
        self._watch = Watch(stop, beat, timeout_s, monotonic_s)
        self._client: httpx.Client | None = None

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def manifest(self, name: str, known: str | None) -> tuple[bytes, str] | None:
        """The newest manifest and its entity tag; None if it is the one of the tag ``known``.

        A tag that could not be sent back is left out.

        Raises:
            UnreachableError: if it cannot be had.
        """
        headers = {"If-None-Match": known} if known else {}
        with self._get(f"{_API}/{name}/manifest", name, headers, SMALL_WITHIN_S) as answer:
            if answer.status_code == _NOT_MODIFIED:
                return None
            self._require(answer, name, _OK)
            tag = answer.headers.get("ETag", "")
            if not (tag.isascii() and tag.isprintable() and len(tag) <= MAX_TAG_CHARACTERS):
                tag = ""
            return self._whole(answer, name, MAX_MANIFEST_BYTES), tag

    def delta(self, name: str, version: int, limit_bytes: int) -> bytes | None:
        """The delta to that version; None if it is longer than the limit.

        Raises:
            UnreachableError: if it cannot be had.
            MissingDeltaError: if there is none.
            BrokenDeltaError: if it does not come whole.
        """
        path, begun = f"{_API}/{name}/versions/{version}/delta", False
        try:
            with self._get(path, name, {}, LARGE_WITHIN_S) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    raise MissingDeltaError(f"hot list {name}: there is no delta to {version}")
                self._require(answer, name, _OK)
                if int(answer.headers.get("Content-Length", "0")) > limit_bytes:
                    return None
                begun = True
                return self._whole(answer, name, limit_bytes)
        except UnreachableError as error:
            if begun:
                raise BrokenDeltaError(str(error)) from error
            raise

    def fetch(self, version: HotlistVersion, partial: PartialFile) -> None:
        """Fetch what the file lacks; where that breaks off, what came is kept in it.

        Raises:
            UnreachableError: if the rest cannot be had.
            HotfileError: if the disk refuses.
        """
        start, name = partial.size_bytes, version.name
        headers = {}
        if start:
            headers = {"Range": f"bytes={start}-", "If-Range": f'"{version.sha256}"'}
        path = f"{_API}/{name}/versions/{version.version}/list"
        try:
            with self._get(path, name, headers, LARGE_WITHIN_S) as answer:
                if answer.status_code in (_OK, _NO_SUCH_RANGE):
                    partial.restart()  # the server has another file, or takes no ranges
                self._require(answer, name, _PARTIAL if partial.size_bytes else _OK)
                expected = f"bytes {start}-{version.size_bytes - 1}/{version.size_bytes}"
                if partial.size_bytes and answer.headers.get("Content-Range") != expected:
                    partial.restart()
                    raise UnreachableError(f"hot list {name}: another part came than was asked for")
                for piece in answer.iter_raw():
                    if partial.size_bytes + len(piece) > version.size_bytes:
                        partial.restart()
                        raise UnreachableError(f"hot list {name}: more comes than the list has")
                    partial.append(piece)
        except UnreachableError as error:
            if not partial.size_bytes:
                raise
            raise UnreachableError(
                f"{error}; {partial.size_bytes} of {version.size_bytes} bytes are here, and the "
                "next try goes on from there"
            ) from error
        finally:
            partial.flush()

    @contextmanager
    def _get(
        self, path: str, name: str, headers: dict[str, str], within_s: float
    ) -> Iterator[httpx.Response]:
        """The answer, whose body is to come within so many seconds."""
        authorization = sign_request(
            agency=self._unit.agency,
            unit=self._unit.name,
            method="GET",
            path=path,
            at=self._now(),
            private_key=self._unit.signing_key,
        )
        try:
            with self._opened().stream(
                "GET", self._url + path, headers={**headers, "Authorization": authorization}
            ) as answer:
                self._watch.allow(within_s)
                yield answer
        except FAILURES as error:
            why = None
            if isinstance(error, httpcore.TimeoutException):
                why = "did not answer in time, or answers too slowly"
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                why = "shows a certificate that hotlist_updates.ca did not sign for this name"
            raise UnreachableError(
                f"hot list {name}: the repository at {self._url} "
                f"{why or 'cannot be reached, or broke off'}"
            ) from error

    def _opened(self) -> httpx.Client:
        if self._client is None:
            self._client = httpx.Client(
                transport=WatchedTransport(self._trusted, self._watch),
                timeout=self._timeout_s,
                trust_env=False,
                follow_redirects=False,
                headers={"Accept-Encoding": "identity"},
            )
        return self._client

    def _require(self, answer: httpx.Response, name: str, status: int) -> None:
        if answer.status_code != status:
            said = _SENTENCES.get(answer.status_code, f"answers {answer.status_code}")
            raise UnreachableError(f"hot list {name}: the repository at {self._url} {said}")

    def _whole(self, answer: httpx.Response, name: str, limit_bytes: int) -> bytes:
        content = bytearray()
        for piece in answer.iter_raw():
            content += piece
            if len(content) > limit_bytes:
                raise UnreachableError(f"hot list {name}: the repository sends too much")
        return bytes(content)
