"""Plates entered on the unit by hand, and what is asked of an entry; nothing touches a disk."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from edge.contract.hotlist_table import MAX_PLATE
from edge.contract.plates import Confusables, normalise
from edge.contract.records import MAX_LABEL, MAX_MATCH_NOTE, MAX_REASON, HotlistKind
from edge.hotfile.errors import HotfileError
from edge.hotfile.layout import Details, Listed


class LocalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One plate entered by hand, and who answers for it."""

    entry: str
    plate: str
    state: str | None
    kind: HotlistKind
    priority: int
    reason: str
    officer: str
    authorized_by: str
    checked_by: str | None
    entered: datetime
    expires: datetime | None

    @property
    def alerts(self) -> bool:
        """Whether a second person has checked it."""
        return self.checked_by is not None


@dataclass(frozen=True, slots=True)
class LocalChange:
    """A change of the list that is not made yet; ``entry`` is as it will be, or was last.

    ``before`` is the entry as whoever changes it saw it; None if it is a new one.
    """

    action: Literal["enter", "update", "end"]
    entry: LocalEntry
    before: LocalEntry | None


class LocalIndex:
    """The few entries of the list, by folded plate."""

    def __init__(self, entries: Sequence[LocalEntry], confusables: Confusables) -> None:
        by_plate: defaultdict[str, list[Listed]] = defaultdict(list)
        for one in entries:
            by_plate[confusables.fold(one.plate)].append(
                Listed.of(
                    one.plate,
                    one.expires,
                    _details(one),
                )
            )
        self._by_plate = {folded: tuple(some) for folded, some in by_plate.items()}

    def find(self, folded: str) -> Sequence[Listed]:
        """See Index."""
        return self._by_plate.get(folded, ())

    def find_wild(self, _: Sequence[str], /) -> Sequence[Listed]:
        """See Index; a plate entered by hand has no wildcards, for its record takes none."""
        return ()


def plate_of(text: str) -> str:
    """The plate that the officer means.

    Raises:
        HotfileError: if it is none that a record takes.
    """
    plate = normalise(text)
    if not plate or len(plate) > MAX_PLATE or "?" in text or "*" in text:
        raise HotfileError(f"plate: 1 to {MAX_PLATE} letters and digits, without wildcards")
    return plate


def require_complete(entry: LocalEntry, now: datetime) -> None:
    """Refuse an entry that lacks something or makes no sense.

    Raises:
        HotfileError: if it does; the text names the field.
    """
    require_said(entry)
    if entry.state is not None and not re.fullmatch("[A-Z]{2}", entry.state):
        raise HotfileError("state: two capital letters, or none where it is not known")
    if not 1 <= entry.priority <= 5:
        raise HotfileError("priority: 1 (most urgent) to 5")
    if entry.expires is not None and entry.expires <= now:
        raise HotfileError("expires: lies in the past")


def require_said(entry: LocalEntry) -> None:
    """Refuse an entry that does not say who answers for it and why.

    Raises:
        HotfileError: if it does not; the text names the field.
    """
    for field, text, limit in (
        ("reason", entry.reason, MAX_REASON),
        ("officer", entry.officer, MAX_LABEL),
        ("authorized_by", entry.authorized_by, MAX_LABEL),
    ):
        if not 0 < len(text) <= limit:
            raise HotfileError(f"{field}: needs 1 to {limit} characters")


def _details(entry: LocalEntry) -> Details:
    """What a match says of an entry; of a reason longer than its note takes, the beginning."""
    note = entry.reason
    if len(note) > MAX_MATCH_NOTE:
        note = note[: MAX_MATCH_NOTE - 1] + "…"
    return Details(entry.entry, entry.state, entry.kind, entry.priority, entry.entered, note)
