"""Which rule each agency's reads are kept under, and what of them has expired."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from repository.retention.rules import RetentionRule
from repository.store.tables.fleet import agencies

_NAMED = select(agencies.c.id, agencies.c.retention_rule).order_by(agencies.c.id)
Shipped = Callable[[str], RetentionRule]
"""Gives the rule that ships under that name; raises RetentionRuleError where none does."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Of this agency and class, what was captured before that moment has expired."""

    agency_id: int
    hit: bool
    expired_before: datetime


@dataclass(frozen=True, slots=True)
class Duties:
    """The repository's rule, and the own rules of the agencies that have one.

    ``agency_ids`` are all agencies, in order; ``own`` holds the rules of some of them.
    """

    default: RetentionRule
    agency_ids: tuple[int, ...]
    own: Mapping[int, RetentionRule]

    @classmethod
    def load(cls, connection: Connection, default: RetentionRule, shipped: Shipped) -> Duties:
        """The duties as the database has them now.

        Raises:
            RetentionRuleError: if an agency's rule is not there any more.
        """
        rows = connection.execute(_NAMED).all()
        rules = {name: shipped(name) for name in {row[1] for row in rows} if name is not None}
        return cls(
            default=default,
            agency_ids=tuple(row[0] for row in rows),
            own={agency_id: rules[name] for agency_id, name in rows if name is not None},
        )

    def rule_of(self, agency_id: int) -> RetentionRule:
        """The rule that the agency's reads are kept under."""
        return self.own.get(agency_id, self.default)

    def bounds(self, now: datetime) -> tuple[Bound, ...]:
        """Where expired and kept part, for every agency and class."""
        return tuple(
            Bound(agency_id, hit, self.rule_of(agency_id).expired_before(now, hit=hit))
            for agency_id in self.agency_ids
            for hit in (False, True)
        )

    def has_expired(self, reads: Table, now: datetime) -> ColumnElement[bool]:
        """Whether a row of ``reads`` has outlived its agency's rule; holds are not asked."""
        default = and_(reads.c.agency_id.not_in(self.own), _expired_under(self.default, reads, now))
        own = (
            and_(reads.c.agency_id == agency_id, _expired_under(rule, reads, now))
            for agency_id, rule in self.own.items()
        )
        return or_(default, *own)


def _expired_under(rule: RetentionRule, reads: Table, now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(reads.c.has_hits, reads.c.captured_at < rule.expired_before(now, hit=True)),
        and_(~reads.c.has_hits, reads.c.captured_at < rule.expired_before(now, hit=False)),
    )
