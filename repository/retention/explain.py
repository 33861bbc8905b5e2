"""Why a read is kept, and until when; or what became of it. In the caller's transaction.

The longest duty that applies wins: the rule of the agency that owns the read, for its class, or a
hold. A read that is gone leaves nothing that says it was ever here, on purpose: what can be told is
which purge took it if it was here, and whether a hold, a case file or its owner's disposal of it
names its id.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Connection, select

from repository.agencies import own
from repository.ledger.entry import Recorded
from repository.retention import explain_ledger, explain_purges, holds_listing
from repository.retention.duties import Duties
from repository.retention.explain_ledger import RuleChange
from repository.retention.explain_purges import Purged
from repository.retention.holds_listing import Hold, Naming
from repository.retention.holds_reach import moment_of
from repository.retention.rules import RetentionRule
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.cases import case_search_reads, case_searches
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads


@dataclass(frozen=True, slots=True)
class Keeping:
    """A hold that keeps the read or kept it; the ledger's entries of that, None where none is."""

    named: Naming
    placed: Recorded | None
    ended: Recorded | None

    @property
    def hold(self) -> Hold:
        """The hold itself."""
        return self.named.hold

    @property
    def stands(self) -> bool:
        """Whether it keeps the read now."""
        return self.named.ended_at is None

    def had_begun(self, purge: Purged) -> bool:
        """Whether it was placed before that purge."""
        if self.placed is not None:
            return self.placed.index < purge.ledger_index
        return self.hold.placed_at <= purge.at

    def had_ended(self, purge: Purged) -> bool:
        """Whether it had let go of the read before that purge."""
        if self.ended is not None:
            return self.ended.index < purge.ledger_index
        # What lapses does so in the run of the purge that takes it, at the same moment.
        return self.named.ended_at is not None and self.named.ended_at <= purge.at


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that keeps a read: the rule, or a hold. ``ends_at`` None: until it is ended."""

    keeping: Keeping | None
    ends_at: datetime | None

    @property
    def hold(self) -> Hold | None:
        """The hold; None for the rule."""
        return None if self.keeping is None else self.keeping.hold


@dataclass(frozen=True, slots=True)
class Kept:
    """A read that is here, without its plate.

    ``agency_rule`` says whether the rule is the agency's own; ``duties`` are all that apply, the
    one that decides first; ``ended`` the holds that kept it once. ``changes`` are those of the
    agency's rule that moved its end, ``restores`` the entries of restores since its capture.
    ``withdrawn``: its owner releases it to no other agency.
    """

    unit_id: int
    read_id: UUID
    agency_id: int
    agency: str
    unit: str
    camera: str
    captured_at: datetime
    received_at: datetime
    hit: bool
    rule: RetentionRule
    agency_rule: bool
    expires_at: datetime
    duties: tuple[Duty, ...]
    ended: tuple[Keeping, ...]
    changes: tuple[RuleChange, ...]
    restores: tuple[Recorded, ...]
    withdrawn: bool

    @property
    def goes_at(self) -> datetime | None:
        """The moment from which a purge takes it; None while a hold without an end stands."""
        return self.duties[0].ends_at


@dataclass(frozen=True, slots=True)
class Showing:
    """That a person was shown the read, for a case, by that entry of the ledger."""

    at: datetime
    ledger_index: int
    owner: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A read that is not here; ``captured_at`` is what its id says, to the millisecond.

    ``owners`` are the agencies whose read it was, as far as something names it. ``purges`` are
    those that can have taken it: of one it is known, of several it was one. ``spared`` are the
    certificates of purges that left it, though its time had passed, since it was held.
    ``disposed`` is the entry of its owner's disposal. ``changes`` and ``restores`` are those
    before it went, or all where that is not known.
    """

    read_id: UUID
    captured_at: datetime
    owners: tuple[str, ...]
    holds: tuple[Keeping, ...]
    shown: tuple[Showing, ...]
    disposed: Recorded | None
    purges: tuple[Purged, ...]
    spared: tuple[int, ...]
    changes: tuple[RuleChange, ...]
    restores: tuple[Recorded, ...]

    @property
    def was_here(self) -> bool:
        """Whether something shows that it was."""
        return bool(self.owners) or any(each.only_this for each in self.purges)


def explain(
    connection: Connection, read_id: UUID, duties: Duties, now: datetime
) -> tuple[Kept, ...] | Gone:
    """Every read that is here under that id, of whatever unit, or what became of it.

    Raises:
        ValueError: if no read can have that id.
    """
    captured_at = moment_of(read_id)
    if captured_at is None:
        raise ValueError("no read can have that id")
    holds = [
        Keeping(
            named,
            explain_ledger.placing(connection, named),
            explain_ledger.ending(connection, named),
        )
        for named in holds_listing.naming(connection, read_id, captured_at)
    ]
    restores = explain_ledger.restores(connection, captured_at)
    found = own.find(connection, [read_id])
    if found:
        return tuple(_kept(connection, each, holds, restores, duties, now) for each in found)
    return _gone(connection, read_id, captured_at, holds, restores, duties)


def plate_of(connection: Connection, kept: Kept) -> tuple[str, str | None, str | None, str | None]:
    """Plate and state as the machine read them, and as the owner corrected them if it did."""
    columns = {"unit_id": kept.unit_id, "captured_at": kept.captured_at, "read_id": kept.read_id}
    said = connection.execute(
        select(reads.c.plate, reads.c.state).where(*(reads.c[k] == v for k, v in columns.items()))
    ).one()
    corrected = connection.execute(
        select(read_corrections.c.plate, read_corrections.c.state).where(
            *(read_corrections.c[name] == value for name, value in columns.items())
        )
    ).one_or_none()
    return said.plate, said.state, *((None, None) if corrected is None else corrected)


def _kept(
    connection: Connection,
    read: own.SeenRead,
    holds: list[Keeping],
    restores: tuple[Recorded, ...],
    duties: Duties,
    now: datetime,
) -> Kept:
    row = connection.execute(
        select(reads.c.camera, reads.c.received_at, reads.c.has_hits).where(
            *(reads.c[name] == value for name, value in read.key.items())
        )
    ).one()
    rule = duties.rule_of(read.agency_id)
    expires_at = rule.expires_at(read.captured_at, hit=row.has_hits)
    of_read = [each for each in holds if each.named.unit_id == read.unit_id]
    held = [
        Duty(each, _end_of(each.hold, read.captured_at, duties.default, now))
        for each in of_read
        if each.stands
    ]
    changes = explain_ledger.rule_changes(
        connection, [read.agency], read.captured_at, duties.default
    )
    return Kept(
        unit_id=read.unit_id,
        read_id=read.read_id,
        agency_id=read.agency_id,
        agency=read.agency,
        unit=read.unit,
        camera=row.camera,
        captured_at=read.captured_at,
        received_at=row.received_at,
        hit=row.has_hits,
        rule=rule,
        agency_rule=read.agency_id in duties.own,
        expires_at=expires_at,
        duties=longest_first([Duty(None, expires_at), *held]),
        ended=tuple(each for each in of_read if not each.stands),
        changes=changes,
        restores=restores,
        withdrawn=own.withdrawn(connection, read),
    )


def longest_first(duties: list[Duty]) -> tuple[Duty, ...]:
    """The duties by how long they last, those without an end first; of equals the first given."""
    last = datetime.max.replace(tzinfo=UTC)
    return tuple(sorted(duties, key=lambda duty: duty.ends_at or last, reverse=True))


def _end_of(
    hold: Hold, captured_at: datetime, default: RetentionRule, now: datetime
) -> datetime | None:
    if hold.ends_at is not None:
        return hold.ends_at
    if hold.disposed_on is not None:
        return max(default.expires_at(captured_at, hit=True), now)
    return None


def _gone(
    connection: Connection,
    read_id: UUID,
    captured_at: datetime,
    holds: list[Keeping],
    restores: tuple[Recorded, ...],
    duties: Duties,
) -> Gone:
    shown = _showings(connection, read_id)
    disposed = explain_ledger.disposal(connection, read_id, captured_at)
    owners = {each.named.owner for each in holds} | {each.owner for each in shown}
    if disposed is not None:
        owners.add(disposed.entry.actor.agency)
    found = explain_purges.of_moment(connection, read_id, captured_at)
    taken: tuple[Purged, ...] = ()
    if disposed is None:
        taken = explain_purges.takers(
            found,
            owners or {name for each in found for name in each.agencies},
            captured_at,
            may_take=lambda purge: all(each.had_ended(purge) for each in holds),
            shown_at=max((each.at for each in shown), default=None),
        )
    end = max((each.ledger_index for each in taken), default=None)
    if disposed is not None:
        end = disposed.index
    concerned = owners or {name for each in taken for name in each.agencies}
    changes = explain_ledger.rule_changes(connection, concerned, captured_at, duties.default)
    return Gone(
        read_id=read_id,
        captured_at=captured_at,
        owners=tuple(sorted(owners)),
        holds=tuple(holds),
        shown=shown,
        disposed=disposed,
        purges=taken,
        spared=tuple(_spared(found, owners, captured_at, holds)),
        changes=tuple(each for each in changes if end is None or each.recorded.index < end),
        restores=tuple(each for each in restores if end is None or each.index < end),
    )


def _spared(
    found: list[Purged], owners: set[str], captured_at: datetime, holds: list[Keeping]
) -> list[int]:
    return [
        purge.ledger_index
        for purge in found
        if all(purge.covers(name, captured_at, hit=hit) for name in owners for hit in (False, True))
        and any(each.had_begun(purge) and not each.had_ended(purge) for each in holds)
    ]


def _showings(connection: Connection, read_id: UUID) -> tuple[Showing, ...]:
    query = (
        select(case_searches.c.searched_at, case_searches.c.ledger_index, agencies.c.name)
        .join(case_search_reads, case_search_reads.c.ledger_index == case_searches.c.ledger_index)
        .join(units, units.c.id == case_search_reads.c.unit_id)
        .join(agencies, agencies.c.id == units.c.agency_id)
        .where(case_search_reads.c.read_id == read_id)
        .order_by(case_searches.c.ledger_index)
        .distinct()
    )
    return tuple(Showing(*tuple(row)) for row in connection.execute(query))
