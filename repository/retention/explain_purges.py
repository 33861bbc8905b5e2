"""Which purge took a read that is gone.

A certificate names no read. What parts one purge from another:

- A purge takes of its day all that is past its time and not held, and ingest takes in nothing that
  a purge before it covered. So of an agency and a class of reads (with a hit or without) the first
  purge of the day that covered the read's moment, and that no hold of it outlasted, took it.
- While a hold named it no purge did, and it was there when the hold named it. Holds and purges go
  one after the other, so the order of their entries in the ledger is that of what happened.
- A purge did not take what was shown to a person an hour and more after it. A search looks before
  it is recorded, so what was shown within an hour says nothing.
- The digest of a certificate over one id alone says whether it was this one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, or_, select

from repository.ledger import log
from repository.ledger.entry import Actor, digest_of_ids
from repository.store.tables.fleet import agencies
from repository.store.tables.retention import purges

_SHOWN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class RuleThen:
    """A rule that a purge went by for the reads of some agencies, as the certificate has it."""

    name: str
    source: str
    sha256: str
    agencies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Purged:
    """A purge that may have taken the read, by its certificate.

    ``rules`` are those under which reads of that moment were past their time; ``bounds`` say before
    which moment of capture they were, by agency and by whether a read matched a hot list.
    ``only_this`` says whether its digest shows that it took this read and no other; None where the
    digest cannot tell.
    """

    at: datetime
    by: Actor
    day: date | None
    ledger_index: int
    reads_purged: int
    rules: tuple[RuleThen, ...]
    bounds: Mapping[tuple[str, bool], datetime]
    only_this: bool | None

    def covers(self, agency: str, captured_at: datetime, *, hit: bool) -> bool:
        """Whether a read of that agency, moment and class was past its time."""
        before = self.bounds.get((agency, hit))
        return before is not None and captured_at < before

    @property
    def agencies(self) -> tuple[str, ...]:
        """Whose reads of that moment were past their time."""
        return tuple(sorted({name for rule in self.rules for name in rule.agencies}))


def of_moment(connection: Connection, read_id: UUID, captured_at: datetime) -> list[Purged]:
    """Every purge that took reads and by which reads of that moment were past their time."""
    names = {row.id: row.name for row in connection.execute(select(agencies.c.id, agencies.c.name))}
    day = captured_at.astimezone(UTC).date()
    query = (
        select(purges)
        .where(or_(purges.c.day == day, purges.c.day.is_(None)))
        .where(purges.c.expired_before > captured_at, purges.c.reads_purged > 0)
        .order_by(purges.c.ledger_index)
    )
    found = []
    for row in connection.execute(query).all():
        for entry in log.rows(connection, row.ledger_index, row.ledger_index + 1):
            said = _purged(row, json.loads(entry.body), names, read_id, captured_at)
            if said.rules:
                found.append(said)
    return found


def takers(
    found: Sequence[Purged],
    owners: Collection[str],
    captured_at: datetime,
    *,
    may_take: Callable[[Purged], bool],
    shown_at: datetime | None,
) -> tuple[Purged, ...]:
    """Those that can have taken a read of one of these agencies, in order.

    ``may_take`` says whether no hold stood in the way; ``shown_at`` is when the read was last shown
    to somebody.
    """
    for each in found:
        if each.only_this:
            return (each,)
    chosen: dict[int, Purged] = {}
    for agency in owners:
        for hit in (False, True):
            for each in found:
                covers = each.covers(agency, captured_at, hit=hit)
                if covers and each.only_this is None and may_take(each):
                    chosen[each.ledger_index] = each
                    break
    in_order = [chosen[index] for index in sorted(chosen)]
    if shown_at is None:
        return tuple(in_order)
    after = [each for each in in_order if shown_at < each.at + _SHOWN_AFTER]
    return tuple(after or in_order)


def _purged(
    row: Row[Any],
    entry: Mapping[str, Any],
    names: Mapping[int, str],
    read_id: UUID,
    captured_at: datetime,
) -> Purged:
    request = entry["request"]
    rules = list(
        _rules(request, names) if "rules" in request else _one_rule(row, request, names.values())
    )
    covering = [rule for rule, bounds in rules if captured_at < max(bounds.values())]
    alone = (row.reads_purged, row.hits_purged, row.unit_records_purged) == (1, 0, 0)
    return Purged(
        at=row.purged_at,
        by=Actor(**entry["actor"]),
        day=row.day,
        ledger_index=row.ledger_index,
        reads_purged=row.reads_purged,
        rules=tuple(covering),
        bounds={
            (agency, hit): before
            for rule, bounds in rules
            for agency in rule.agencies
            for hit, before in bounds.items()
        },
        only_this=digest_of_ids([str(read_id)]) == row.ids_digest if alone else None,
    )


def _rules(
    request: Mapping[str, Any], names: Mapping[int, str]
) -> Iterator[tuple[RuleThen, dict[bool, datetime]]]:
    for rule in request["rules"]:
        own = tuple(sorted(names[agency_id] for agency_id in rule["agencies"]))
        bounds = {
            hit: datetime.fromisoformat(rule["hits_before" if hit else "reads_before"])
            for hit in (False, True)
        }
        yield RuleThen(rule["name"], rule["source"], rule["sha256"], own), bounds


def _one_rule(
    row: Row[Any], request: Mapping[str, Any], names: Collection[str]
) -> Iterator[tuple[RuleThen, dict[bool, datetime]]]:
    """A purge of before they went day by day: one rule for all."""
    rule = RuleThen(
        request["rule"], request["rule_source"], request["rule_digest"], tuple(sorted(names))
    )
    yield rule, dict.fromkeys((False, True), row.expired_before)
