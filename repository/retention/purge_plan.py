"""What a purge will do: the days it takes, and how many reads of whom go on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, func, select

from repository.retention.duties import Duties
from repository.retention.purge_rows import Expired, held, refused_moment
from repository.store.days import utc_day
from repository.store.tables.reads import hits, reads, unit_records


@dataclass(frozen=True, slots=True)
class Plan:
    """The days in order, and the reads that go, by day, agency and whether they matched."""

    days: tuple[date, ...]
    reads: Mapping[tuple[date, int, bool], int]

    @property
    def total(self) -> int:
        """How many reads go."""
        return sum(self.reads.values())

    def by_rule(self, duties: Duties) -> dict[str, dict[str, int]]:
        """How many reads go under each rule by its name: ``reads`` without a hit, and ``hits``."""
        counted: Counter[tuple[str, str]] = Counter()
        for (_, agency_id, hit), number in self.reads.items():
            counted[duties.rule_of(agency_id).name, "hits" if hit else "reads"] += number
        return {
            name: {which: counted[name, which] for which in ("reads", "hits")}
            for name in sorted({name for name, _ in counted})
        }


def make_plan(connection: Connection, expired: Expired) -> Plan:
    """Count what is past its time and not held."""
    day = utc_day(connection, reads.c.captured_at)
    counted: Counter[tuple[date, int, bool]] = Counter()
    found = set(_days(connection, refused_moment(), expired.quarantine()))
    for part in expired.parts():
        query = (
            select(day, reads.c.agency_id, reads.c.has_hits, func.count())
            .where(part.reads(), ~held(reads))
            .group_by(day, reads.c.agency_id, reads.c.has_hits)
        )
        for on, agency_id, hit, number in connection.execute(query):
            counted[on, agency_id, hit] += number
        for table, which in ((hits, part.hits()), (unit_records, part.unit_records())):
            found.update(_days(connection, table.c.captured_at, which & ~held(table)))
    found.update(on for on, _, _ in counted)
    return Plan(tuple(sorted(found)), counted)


def _days(
    connection: Connection, moment: ColumnElement[datetime], which: ColumnElement[bool]
) -> Iterable[date]:
    return connection.scalars(select(utc_day(connection, moment)).distinct().where(which)).all()
