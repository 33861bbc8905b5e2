"""What the ledger says that bears on one read: its disposal, restores, and changes of its rule."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from repository.ledger import entry as entries
from repository.ledger.entry import Recorded
from repository.ledger.restores import ACTION as RESTORE
from repository.retention.holds_listing import Naming
from repository.retention.rules import RetentionRule, shipped_names, shipped_rule
from repository.store.tables.fleet import agencies
from repository.store.tables.ledger import ledger_entries

_DISPOSALS = ("reads.dispose", "errors.accept")
"""Actions whose entries in the ledger name the reads that went by them."""
_ENDINGS = ("hold.release", "hold.confirm_release", "hold.lapse")
_CHANGE_OF_RULE = "agency.rule"
_COLUMNS = ledger_entries.c


@dataclass(frozen=True, slots=True)
class RuleChange:
    """An agency put under another rule; a rule is None where no file here has its digest."""

    recorded: Recorded
    agency: str
    before: RetentionRule | None
    after: RetentionRule | None

    def moves(self, captured_at: datetime, *, hit: bool) -> tuple[datetime, datetime] | None:
        """When the time of such a read ended before the change and after it; None if alike."""
        if self.before is None or self.after is None:
            return None
        ends = tuple(rule.expires_at(captured_at, hit=hit) for rule in (self.before, self.after))
        return None if ends[0] == ends[1] else (ends[0], ends[1])

    def matters(self, captured_at: datetime) -> bool:
        """Whether it moved the end of a read of that moment, or may have."""
        if self.before is None or self.after is None:
            return True
        return any(self.moves(captured_at, hit=hit) is not None for hit in (False, True))


def disposal(connection: Connection, read_id: UUID, captured_at: datetime) -> Recorded | None:
    """The entry by which its owner disposed of the read; None if nobody did."""
    own = _COLUMNS.agency.in_(select(agencies.c.name))
    for found in _done(connection, _since(captured_at, own), _COLUMNS.action.in_(_DISPOSALS)):
        named = found.entry.request.get("reads", ())
        if isinstance(named, list) and str(read_id) in named:
            return found
    return None


def restores(connection: Connection, captured_at: datetime) -> tuple[Recorded, ...]:
    """Restores from a backup since that moment, in order."""
    by_operator = _since(captured_at, _COLUMNS.agency == "")
    return tuple(_done(connection, by_operator, _COLUMNS.action == RESTORE))


def rule_changes(
    connection: Connection,
    owners: Collection[str],
    captured_at: datetime,
    default: RetentionRule,
) -> tuple[RuleChange, ...]:
    """Changes of these agencies' rules that moved the end of a read of that moment, in order."""
    known = {rule.sha256: rule for rule in (default, *map(shipped_rule, shipped_names()))}
    of_agencies = _since(captured_at, _COLUMNS.agency.in_(["", *owners]))
    changes = []
    for found in _done(connection, of_agencies, _COLUMNS.action == _CHANGE_OF_RULE):
        said = found.entry.request
        change = RuleChange(
            found,
            str(said.get("agency")),
            known.get(str(said.get("rule_digest_before"))),
            known.get(str(said.get("rule_digest"))),
        )
        if change.agency in owners and change.matters(captured_at):
            changes.append(change)
    return tuple(changes)


def placing(connection: Connection, named: Naming) -> Recorded | None:
    """The entry of a hold's placing."""
    return _of_hold(connection, named, named.hold.placed_at, ("hold.add",))


def ending(connection: Connection, named: Naming) -> Recorded | None:
    """The entry by which a hold ceased to keep the read; None where it has none, or stands."""
    if named.ended_at is None:
        return None
    return _of_hold(connection, named, named.ended_at, _ENDINGS)


def _of_hold(
    connection: Connection, named: Naming, at: datetime, actions: tuple[str, ...]
) -> Recorded | None:
    by_agency = _COLUMNS.agency.in_(["", named.hold.agency])
    then = _COLUMNS.at == entries.to_hundredths(at)
    for found in _done(connection, by_agency, then, _COLUMNS.action.in_(actions)):
        if named.hold.id in _holds_of(found.entry.request):
            return found
    return None


def _holds_of(request: Mapping[str, entries.JSON]) -> list[entries.JSON]:
    several = request.get("holds")
    return [request.get("hold"), *(several if isinstance(several, list) else ())]


def _since(moment: datetime, of_agencies: ColumnElement[bool]) -> ColumnElement[bool]:
    # With the agency, so that the index on both is walked and not the whole ledger.
    return of_agencies & (_COLUMNS.at >= entries.to_hundredths(moment))


def _done(connection: Connection, *which: ColumnElement[bool]) -> Iterator[Recorded]:
    query = select(_COLUMNS.body).where(*which).order_by(_COLUMNS.entry_index)
    for body in connection.scalars(query).all():
        found = entries.read(bytes(body))
        if found.entry.outcome == "done":
            yield found
