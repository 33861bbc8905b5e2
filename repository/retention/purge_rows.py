"""Which rows have outlived their time, as conditions for both databases.

Every record goes by its own moment of capture and its own agency's rule: a read by the class it is
of, a hit and what officers said by the class of hits. What was refused may hold anything, so the
shorter of its agency's two terms counts, and the shortest of all where its unit is not known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Table, case, exists, false, or_, select, true

from repository.retention.duties import Bound
from repository.retention.holds import is_held
from repository.store.tables.fleet import units
from repository.store.tables.reads import hits, pictures, quarantine, reads, unit_records
from repository.store.tables.retention import hold_reads, holds

PLATELESS = ("shift_check", "malfunction")
"""Records of a unit that name no plate and stay."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What has outlived its time under these bounds, one for every agency and class.

    ``refused_before`` is the moment before which a refused message of no known unit has expired;
    ``agencies`` is how many agencies there are, whether or not a bound speaks of them.
    """

    bounds: tuple[Bound, ...]
    refused_before: datetime
    agencies: int

    @property
    def latest(self) -> datetime:
        """Nothing captured at this moment or later has expired."""
        return max([self.refused_before, *(each.expired_before for each in self.bounds)])

    def of_day(self, day: date) -> Expired:
        """The bounds that matter to what was captured on that UTC day or later."""
        start = datetime.combine(day, time(), UTC)
        return replace(self, bounds=tuple(b for b in self.bounds if b.expired_before > start))

    def parts(self) -> list[Expired]:
        """The bounds of each moment by themselves, so that each is asked of its own units."""
        moments = sorted({each.expired_before for each in self.bounds})
        return [
            replace(self, bounds=tuple(b for b in self.bounds if b.expired_before == moment))
            for moment in moments
        ]

    def has_passed(self, day: date) -> bool:
        """Whether everything of that UTC day has expired, whosever it is."""
        end = datetime.combine(day + timedelta(days=1), time(), UTC)
        return all(each.expired_before >= end for each in self.bounds)

    def reads(self) -> ColumnElement[bool]:
        """Reads past their time, held ones too."""
        classes: dict[datetime, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
        for each in self.bounds:
            classes[each.expired_before][each.hit].add(each.agency_id)
        terms = []
        for before, (plain, hit) in sorted(classes.items()):
            old = reads.c.captured_at < before
            for agency_ids, of_class in (
                (plain & hit, true()),
                (plain - hit, ~reads.c.has_hits),
                (hit - plain, reads.c.has_hits),
            ):
                if agency_ids:
                    terms.append(old & self._of(reads, agency_ids) & of_class)
        return self._of_units(reads) & or_(false(), *terms)

    def hits(self) -> ColumnElement[bool]:
        """Hits past their time, those of held reads too."""
        return self._by_hits_term(hits)

    def unit_records(self) -> ColumnElement[bool]:
        """What officers said, past its time, of held hits too; without what names no plate."""
        return self._by_hits_term(unit_records) & unit_records.c.type.not_in(PLATELESS)

    def quarantine(self) -> ColumnElement[bool]:
        """Refused messages past their time."""
        shortest: dict[int, datetime] = {}
        for each in self.bounds:
            known = shortest.get(each.agency_id, each.expired_before)
            shortest[each.agency_id] = max(known, each.expired_before)
        moment = refused_moment()
        terms = [quarantine.c.unit_id.is_(None) & (moment < self.refused_before)]
        for before, agency_ids in _by_moment(shortest.items()):
            own = select(units.c.id).where(units.c.agency_id.in_(agency_ids))
            terms.append(quarantine.c.unit_id.in_(own) & (moment < before))
        return or_(*terms)

    def _by_hits_term(self, table: Table) -> ColumnElement[bool]:
        of_agencies = ((each.agency_id, each.expired_before) for each in self.bounds if each.hit)
        terms = [
            self._of(table, agency_ids) & (table.c.captured_at < before)
            for before, agency_ids in _by_moment(of_agencies)
        ]
        return self._of_units(table) & or_(false(), *terms)

    def _of(self, table: Table, agency_ids: set[int]) -> ColumnElement[bool]:
        if len(agency_ids) == self.agencies:
            return true()
        return table.c.agency_id.in_(agency_ids)

    def _of_units(self, table: Table) -> ColumnElement[bool]:
        # The primary key begins with the unit: naming the units lets the database walk the key,
        # and leave alone what other agencies keep for longer.
        if not self.bounds:
            return false()
        agency_ids = {each.agency_id for each in self.bounds}
        own = select(units.c.id)
        if len(agency_ids) < self.agencies:
            own = own.where(units.c.agency_id.in_(agency_ids))
        latest = max(each.expired_before for each in self.bounds)
        return table.c.unit_id.in_(own) & (table.c.captured_at < latest)


def refused_moment() -> ColumnElement[datetime]:
    """From when the time of a refused message counts: its earliest capture, or its arrival."""
    earlier = quarantine.c.captured_at < quarantine.c.received_at
    return case((earlier, quarantine.c.captured_at), else_=quarantine.c.received_at)


def hit_is_held() -> ColumnElement[bool]:
    """Whether a standing hold names the read of a row of ``hits``."""
    return exists().where(
        hold_reads.c.unit_id == hits.c.unit_id,
        hold_reads.c.read_id == hits.c.read_id,
        hold_reads.c.lapsed_at.is_(None),
        holds.c.id == hold_reads.c.hold_id,
        holds.c.released_at.is_(None),
    )


def speaks_of_held_hit() -> ColumnElement[bool]:
    """Whether a row of ``unit_records`` speaks of a hit whose read a standing hold names."""
    return exists().where(
        hits.c.unit_id == unit_records.c.unit_id,
        hits.c.hit_id == unit_records.c.hit_id,
        hit_is_held(),
    )


def of_read(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a row of ``pictures`` is of a read for which the condition holds."""
    return exists().where(
        reads.c.unit_id == pictures.c.unit_id,
        reads.c.captured_at == pictures.c.captured_at,
        reads.c.read_id == pictures.c.read_id,
        condition,
    )


def held(table: Table) -> ColumnElement[bool]:
    """Whether a hold keeps a row of any of these tables, whatever its time."""
    if table is hits:
        return hit_is_held()
    if table is unit_records:
        return speaks_of_held_hit()
    return is_held(table)


def _by_moment(
    of_agencies: Iterable[tuple[int, datetime]],
) -> list[tuple[datetime, set[int]]]:
    grouped: dict[datetime, set[int]] = defaultdict(set)
    for agency_id, before in of_agencies:
        grouped[before].add(agency_id)
    return sorted(grouped.items(), key=lambda each: each[0])
