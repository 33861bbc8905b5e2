"""Why a read is kept, and until when; or what became of it. In the caller's transaction.

The longest duty that applies wins: the rule of the agency that owns the read, for its class, or a
hold. A read that is gone leaves nothing that says it was ever here, on purpose: what can be told is
which purges took the reads of its day and agency, and whether a hold, a case file or its owner's
disposal of it names its id.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, or_, select

from repository.agencies import own
from repository.ledger import log
from repository.retention import holds_listing
from repository.retention.duties import Duties
from repository.retention.holds_listing import Hold
from repository.retention.holds_reach import moment_of
from repository.retention.rules import RetentionRule
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.cases import case_search_reads
from repository.store.tables.fleet import agencies, units
from repository.store.tables.ledger import ledger_entries
from repository.store.tables.reads import reads
from repository.store.tables.retention import hold_reads, purges

_DISPOSALS = ("reads.dispose", "errors.accept")
"""Actions whose entries in the ledger name the reads that went by them."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that keeps a read: the rule, or the hold. ``ends_at`` None: until it is ended."""

    hold: Hold | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A read that is here, without its plate.

    ``agency_rule`` says whether the rule is the agency's own; ``duties`` are all that apply, the
    one that decides first. ``withdrawn``: its owner releases it to no other agency.
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
    withdrawn: bool

    @property
    def goes_at(self) -> datetime | None:
        """The moment from which a purge takes it; None while a hold without an end stands."""
        return self.duties[0].ends_at


@dataclass(frozen=True, slots=True)
class Purged:
    """A purge that took, of the agencies named, what was captured when the read was.

    ``rules`` are those it went by, each with its source and digest, as the certificate has them.
    """

    at: datetime
    by: str
    day: date | None
    ledger_index: int
    reads_purged: int
    agencies: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where the id of a read that is gone is still named."""

    what: str
    agency: str | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A read that is not here; ``captured_at`` is what its id says, to the millisecond."""

    read_id: UUID
    captured_at: datetime
    purges: tuple[Purged, ...]
    traces: tuple[Trace, ...]


def explain(
    connection: Connection, read_id: UUID, duties: Duties, now: datetime
) -> tuple[Kept, ...] | Gone:
    """Every read that is here under that id, of whatever unit, or what became of it.

    Raises:
        ValueError: if no read can have that id.
    """
    found = own.find(connection, [read_id])
    if found:
        return tuple(_kept(connection, each, duties, now) for each in found)
    captured_at = moment_of(read_id)
    if captured_at is None:
        raise ValueError("no read can have that id")
    traces = tuple(_traces(connection, read_id))
    owners = {each.agency for each in traces if each.agency is not None}
    return Gone(read_id, captured_at, tuple(_purges(connection, captured_at, owners)), traces)


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


def _kept(connection: Connection, read: own.SeenRead, duties: Duties, now: datetime) -> Kept:
    row = connection.execute(
        select(reads.c.camera, reads.c.received_at, reads.c.has_hits).where(
            *(reads.c[name] == value for name, value in read.key.items())
        )
    ).one()
    rule = duties.rule_of(read.agency_id)
    expires_at = rule.expires_at(read.captured_at, hit=row.has_hits)
    held = [
        Duty(hold, _end_of(hold, read.captured_at, duties.default, now))
        for hold in holds_listing.of_read(connection, read.unit_id, read.captured_at, read.read_id)
    ]
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


def _traces(connection: Connection, read_id: UUID) -> Iterator[Trace]:
    for table, what in (
        (hold_reads, "hold {0.hold_id} named it"),
        (case_search_reads, "ledger entry {0.ledger_index} showed it to a person, for a case"),
    ):
        query = (
            select(table, agencies.c.name.label("owner"))
            .join(units, units.c.id == table.c.unit_id)
            .join(agencies, agencies.c.id == units.c.agency_id)
            .where(table.c.unit_id.in_(select(units.c.id)), table.c.read_id == read_id)
        )
        for row in connection.execute(query):
            yield Trace(what.format(row), row.owner)
    disposals = select(ledger_entries.c.entry_index, ledger_entries.c.body).where(
        ledger_entries.c.action.in_(_DISPOSALS)
    )
    for index, body in connection.execute(disposals):
        entry = json.loads(body)
        if entry["outcome"] == "done" and str(read_id) in entry["request"].get("reads", ()):
            agency = entry["actor"]["agency"]
            at = datetime.fromisoformat(entry["at"]).astimezone(UTC)
            yield Trace(
                f"{entry['actor']['name']} ({entry['actor']['login']}) of its owner disposed of "
                f"it on {at:%Y-%m-%d at %H:%M} UTC, ledger entry {index}",
                agency,
            )


def _purges(connection: Connection, captured_at: datetime, owners: set[str]) -> Iterator[Purged]:
    """The purges that covered that moment, of these owners' reads where they are known."""
    names = {row.id: row.name for row in connection.execute(select(agencies.c.id, agencies.c.name))}
    day = captured_at.astimezone(UTC).date()
    query = (
        select(purges)
        .where(or_(purges.c.day == day, purges.c.day.is_(None)))
        .where(purges.c.expired_before > captured_at)
        .order_by(purges.c.id)
    )
    for row in connection.execute(query).all():
        entries = list(log.rows(connection, row.ledger_index, row.ledger_index + 1))
        if not entries:
            continue
        entry: dict[str, Any] = json.loads(entries[0].body)
        covered, rules = _covered(entry["request"], captured_at, names)
        if owners and not owners & set(covered):
            continue
        yield Purged(
            at=row.purged_at,
            by=entry["actor"]["name"],
            day=row.day,
            ledger_index=row.ledger_index,
            reads_purged=row.reads_purged,
            agencies=tuple(covered),
            rules=tuple(rules),
        )


def _covered(
    request: dict[str, Any], captured_at: datetime, names: dict[int, str]
) -> tuple[list[str], list[str]]:
    """The agencies and rules under which the purge took something of that moment."""
    if "rules" not in request:  # a purge of before they went day by day: one rule for all
        source = f"{request['rule']} ({request['rule_source']}), {request['rule_digest']}"
        return sorted(names.values()), [source]
    covered: set[str] = set()
    rules = []
    for rule in request["rules"]:
        before = max(
            datetime.fromisoformat(rule[bound]) for bound in ("reads_before", "hits_before")
        )
        if captured_at < before:
            covered |= {names[agency_id] for agency_id in rule["agencies"]}
            rules.append(f"{rule['name']} ({rule['source']}), {rule['sha256']}")
    return sorted(covered), rules
