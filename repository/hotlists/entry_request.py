"""What a person asks when a plate is to be entered by hand; pure.

Policy: only when a person of the command position authorizes it (see `authority`), with the
officer's reason, of a stated kind, and not for ever (M-E1, M-E3, M-E4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from edge.contract.hotlist_columns import KINDS
from edge.contract.hotlist_table import plate_of, state_of
from repository.hotlists.errors import EntryRefusedError
from repository.ledger.entry import JSON

MAX_REASON = 1000
MAX_NAME = 200
MAX_NOTE = 500
MIN_REASON_WORDS = 3


@dataclass(frozen=True, slots=True)
class TypedEntry:
    """An entry as it was typed, nothing of it checked."""

    plate: str
    kind: str
    reason: str
    authorized_by: str
    rank: str
    expires: datetime | None
    state: str = ""
    priority: int = 1
    note: str = ""
    replaces: int | None = None

    def as_json(self) -> Mapping[str, JSON]:
        """The entry as the ledger keeps it, each field cut where it is too long."""
        return {
            "plate": _cut(self.plate, 32),
            "state": _cut(self.state, 8),
            "kind": _cut(self.kind, 64),
            "priority": _cut(str(self.priority), 8),
            "note": _cut(self.note, MAX_NOTE),
            "reason_given": _cut(self.reason, MAX_REASON),
            "authorized_by": _cut(self.authorized_by, MAX_NAME),
            "rank": _cut(self.rank, MAX_NAME),
            "expires": None if self.expires is None else self.expires.isoformat(),
            "replaces": None if self.replaces is None else _cut(str(self.replaces), 32),
        }


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """An entry as it may be proposed.

    ``authorized_by`` is the account of who authorized it, None where that was only told.
    """

    plate: str
    state: str | None
    kind: str
    priority: int
    note: str
    reason: str
    authorized_by_name: str
    authorized_by_rank: str
    expires: datetime
    replaces: int | None
    authorized_by: UUID | None = None

    @classmethod
    def of(
        cls, typed: TypedEntry, *, command_ranks: Sequence[str], longest: timedelta, now: datetime
    ) -> EntryRequest:
        """The entry that was typed.

        Raises:
            EntryRefusedError: naming the field that is missing or wrong.
        """
        if typed.kind not in KINDS:
            raise EntryRefusedError(f"kind: expected one of {', '.join(KINDS)}")
        if not 1 <= typed.priority <= 5:
            raise EntryRefusedError("priority: expected 1 (most urgent) to 5")
        rank = _one_line("rank", typed.rank, MAX_NAME)
        known = {each.casefold(): each for each in command_ranks}
        if rank.casefold() not in known:
            raise EntryRefusedError(
                "rank: a plate is entered only when a person of the command position authorizes "
                f"it; expected one of {', '.join(command_ranks)}"
            )
        return cls(
            plate=_checked("plate", plate_of, typed.plate.strip()),
            state=_checked("state", state_of, typed.state.strip()) if typed.state.strip() else None,
            kind=typed.kind,
            priority=typed.priority,
            note=_one_line("note", typed.note, MAX_NOTE) if typed.note.strip() else "",
            reason=require_reason(typed.reason),
            authorized_by_name=_one_line("authorized by", typed.authorized_by, MAX_NAME),
            authorized_by_rank=known[rank.casefold()],
            expires=_end(typed.expires, longest, now),
            replaces=typed.replaces,
        )


def require_reason(typed: str) -> str:
    """A reason in words.

    Raises:
        EntryRefusedError: if it is missing, too short to say anything, or too long.
    """
    reason = typed.strip()
    if len(reason.split()) < MIN_REASON_WORDS:
        raise EntryRefusedError(
            f"reason: document in {MIN_REASON_WORDS} words or more why, for whoever reads it in a "
            "year"
        )
    if len(reason) > MAX_REASON or not _is_text(reason):
        raise EntryRefusedError(f"reason: at most {MAX_REASON} characters of text")
    return reason


def _cut(typed: str, limit: int) -> str:
    """What was typed, fit to be recorded: cut where it is too long, no half characters."""
    return typed[:limit].encode("utf-8", "replace").decode()


def _end(expires: datetime | None, longest: timedelta, now: datetime) -> datetime:
    if expires is None or expires.utcoffset() is None:
        raise EntryRefusedError("expires: an entry by hand needs the moment at which it ends")
    if not now < expires <= now + longest:
        raise EntryRefusedError(
            f"expires: must lie ahead, and at most {longest.days} days; an entry that still "
            "holds then is proposed anew"
        )
    return expires.astimezone(UTC)


def _one_line(field: str, typed: str, limit: int) -> str:
    value = " ".join(typed.split())
    if not value:
        raise EntryRefusedError(f"{field}: missing")
    if len(value) > limit or not _is_text(value):
        raise EntryRefusedError(f"{field}: at most {limit} characters of text")
    return value


def _is_text(value: str) -> bool:
    return all(char.isprintable() or char in "\n\t" for char in value)


def _checked(field: str, parse: Callable[[str], str], typed: str) -> str:
    try:
        return parse(typed)
    except ValueError as error:
        raise EntryRefusedError(f"{field}: {error}") from error
