"""Whether a signed manifest is news to this unit, and the way to what it names; no I/O.

Versions of a list only rise. What was once in use is remembered apart from the list itself, so
that neither a restart nor a damaged file lets an older version in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

from edge.contract.hotlist import MAX_DELTA_BYTES, HotlistDelta, HotlistEntry, HotlistManifest
from edge.contract.hotlist_stream import ListCheck, decode_lines, encode_lines, merge_delta
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import FUTURE_TOLERANCE_S, ListFacts

MAX_CHAIN = 16
"""Deltas that are put one after another before the whole list is fetched instead."""
WORTH_SHARE = 0.5
"""Deltas that are longer in all than this share of the list are not fetched."""

FIRST_RETRY_S = 5.0


class RefusedListError(HotfileError):
    """A list that must not be used, whoever sent it; the one in use stays."""


def require_ours(manifest: HotlistManifest, *, agency: str, name: str, now: datetime) -> None:
    """Accept a manifest that the repository signed as one for this list of this unit.

    Raises:
        RefusedListError: if it is another agency's or list's, or dated ahead of the clock.
    """
    issued = manifest.list
    if manifest.agency != agency:
        raise RefusedListError(
            f"hot list {name}: the manifest is for agency {manifest.agency}, this unit is of "
            f"{agency}; have the list of {agency} exported"
        )
    if issued.name != name:
        raise RefusedListError(f"hot list {name}: the manifest is of list {issued.name}")
    if issued.issued_at - now > timedelta(seconds=FUTURE_TOLERANCE_S):
        raise RefusedListError(
            f"hot list {name}: version {issued.version} was issued at "
            f"{issued.issued_at:%Y-%m-%d %H:%M} UTC, which is ahead of this unit's clock; set the "
            "clock of the unit, or of the repository"
        )


def is_news(
    manifest: HotlistManifest,
    in_use: ListFacts | None,
    once: HotlistManifest | None,
    *,
    damaged: bool = False,
) -> bool:
    """Whether the manifest's version is to take the place of what is in use.

    Args:
        manifest: what is offered.
        in_use: the list in use; None if there is none, or its file does not open.
        once: the manifest of the newest version that was ever in use here.
        damaged: whether the list in use is known to be damaged, so that the same version mends it.

    Raises:
        RefusedListError: if an older version is offered, or another file under the same number.
    """
    issued = manifest.list
    known = [] if once is None else [(once.list.version, once.list.sha256)]
    if in_use is not None and in_use.number is not None:
        known.append((in_use.number, in_use.sha256))
    for number, sha256 in known:
        if issued.version < number:
            raise RefusedListError(
                f"hot list {issued.name}: version {issued.version} is older than version {number},"
                " which this unit has had; the repository must issue a newer one"
            )
        if issued.version == number and issued.sha256 != sha256:
            raise RefusedListError(
                f"hot list {issued.name}: this is another list than the version {number} that "
                "this unit has had; the repository must issue a newer one"
            )
    return damaged or in_use is None or in_use.number is None or issued.version > in_use.number


def facts_of(manifest: HotlistManifest, source: Literal["repository", "usb"]) -> ListFacts:
    """What hits and the status say of that version."""
    issued = manifest.list
    return ListFacts(
        name=issued.name,
        version=str(issued.version),
        number=issued.version,
        sha256=issued.sha256,
        issued_at=issued.issued_at,
        source=source,
        entries=issued.entries,
    )


class DeltaChain:
    """Deltas from the version in use to the newest, asked for from the newest backwards."""

    def __init__(self, manifest: HotlistManifest, in_use: ListFacts | None) -> None:
        self._issued = manifest.list
        self._from = in_use.number if in_use is not None else None
        self._left_bytes = min(MAX_DELTA_BYTES, int(self._issued.size_bytes * WORTH_SHARE))
        self._deltas: list[HotlistDelta] = []
        self._wanted: int | None = None
        if self._from is not None and manifest.delta_base is not None:
            self._wanted = self._issued.version if manifest.delta_base >= self._from else None

    @property
    def wanted(self) -> int | None:
        """The version to which a delta is to be fetched next; None if there is no more to ask."""
        return self._wanted

    @property
    def left_bytes(self) -> int:
        """How long the next delta may be."""
        return self._left_bytes

    @property
    def complete(self) -> bool:
        """Whether the deltas lead from the version in use to the newest."""
        return bool(self._deltas) and self._deltas[-1].from_version == self._from

    def add(self, delta: HotlistDelta, size_bytes: int) -> None:
        """Take the delta that was wanted; one that is another's ends the asking."""
        fits = (delta.name, delta.to_version) == (self._issued.name, self._wanted)
        self._wanted, self._left_bytes = None, self._left_bytes - size_bytes
        if not fits or self._from is None:
            self._deltas.clear()
            return
        self._deltas.append(delta)
        if delta.from_version > self._from and len(self._deltas) < MAX_CHAIN:
            self._wanted = delta.from_version

    def merge(self, entries: Iterable[HotlistEntry]) -> Iterator[HotlistEntry]:
        """The newest list, made of the entries in use, as yet unchecked.

        Raises:
            ContractError: if a delta does not fit what is in use.
        """
        merged = iter(entries)
        for delta in reversed(self._deltas):
            merged = merge_delta(merged, delta.name, delta.from_version, delta)
        return merged


def checked_entries(
    entries: Iterable[HotlistEntry], manifest: HotlistManifest
) -> Iterator[HotlistEntry]:
    """The entries, which end in an error unless they are the very list of the manifest.

    Raises:
        ContractError: as they are taken, or after the last.
    """
    check = ListCheck(manifest.list)
    kept: list[HotlistEntry] = []

    def kept_too() -> Iterator[HotlistEntry]:
        for entry in entries:
            kept.append(entry)
            yield entry

    for line in encode_lines(kept_too()):
        check.add(line)
        yield kept.pop()
    check.require_whole()


def checked_file(pieces: Iterable[bytes], manifest: HotlistManifest) -> Iterator[HotlistEntry]:
    """The entries of a list's file, which end in an error unless it is the manifest's file.

    Raises:
        ContractError: as they are taken, or after the last.
    """
    check = ListCheck(manifest.list)

    def passing() -> Iterator[bytes]:
        for piece in pieces:
            check.add(piece)
            yield piece

    yield from decode_lines(passing())
    check.require_whole()


class Pace:
    """When to look again: at the set interval, sooner after a failure, never in step with others.

    After a failure the wait doubles from :data:`FIRST_RETRY_S` up to the interval. Each wait is
    drawn around its length, so that a fleet that lost its link at once does not come back at once.
    """

    def __init__(self, every_s: float, random: Callable[[], float]) -> None:
        """``random`` gives numbers from 0 to before 1."""
        self._every_s = every_s
        self._random = random
        self._failures = 0

    def after_success(self) -> float:
        """Seconds to wait after a look that went well: the interval, a tenth more or less."""
        self._failures = 0
        return self._every_s * (0.9 + 0.2 * self._random())

    def after_failure(self) -> float:
        """Seconds to wait after one that failed: half of the backoff to the whole of it."""
        backoff_s = min(self._every_s, FIRST_RETRY_S * 2.0 ** min(self._failures, 20))
        self._failures += 1
        return backoff_s * (0.5 + 0.5 * self._random())
