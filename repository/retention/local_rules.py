"""An agency's own rule of retention: looking at what a change would do, and making it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from repository.errors import RepositoryError
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.retention.duties import Shipped
from repository.retention.holds import is_held
from repository.retention.rules import RetentionRule
from repository.store import locks
from repository.store.locks import Turn
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import reads

_MAX_REASON = 2000


class LocalRuleError(RepositoryError):
    """An agency's rule cannot be changed so; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of an agency's rule does to the reads that are stored.

    ``earlier`` are those, under no hold, that expire earlier than now, and ``at_once`` those among
    them that the next purge takes; ``held_earlier`` and ``held_at_once`` are the same of reads
    under hold, for when their holds have ended. ``name`` is None for the repository's own rule.
    ``beyond_default`` says that the new rule keeps something longer than the repository's own, and
    ``done`` that the change was made and not only counted.
    """

    agency: str
    name: str | None
    before: RetentionRule
    after: RetentionRule
    beyond_default: bool
    earlier: int
    at_once: int
    held_earlier: int
    held_at_once: int
    done: bool = False


def by_rule(connection: Connection) -> dict[str, list[str]]:
    """The agencies under each rule that some have of their own, by the rule's name."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = connection.execute(
        select(agencies.c.retention_rule, agencies.c.name)
        .where(agencies.c.retention_rule.is_not(None))
        .order_by(agencies.c.name)
    )
    for rule, agency in rows:
        found[rule].append(agency)
    return dict(found)


def look(
    connection: Connection,
    agency: str,
    name: str | None,
    *,
    default: RetentionRule,
    shipped: Shipped,
    now: datetime,
) -> Change:
    """What would become of the agency's reads under the rule of that name.

    Raises:
        LocalRuleError: if there is no such agency.
        RetentionRuleError: if no rule ships under that name.
    """
    row = connection.execute(
        select(agencies.c.id, agencies.c.retention_rule).where(agencies.c.name == agency)
    ).one_or_none()
    if row is None:
        raise LocalRuleError(f"agency {agency}: not known")
    before = default if row.retention_rule is None else shipped(row.retention_rule)
    after = default if name is None else shipped(name)
    earlier, at_once = {False: 0, True: 0}, {False: 0, True: 0}
    for hit in (False, True):
        was, will = before.term(hit=hit), after.term(hit=hit)
        if not was.exceeds(will):
            continue
        kept_from, bound = was.ended_before(now), will.ended_before(now)
        kept = (
            select(is_held(reads).label("held"), (reads.c.captured_at < bound).label("at_once"))
            .where(
                reads.c.unit_id.in_(select(units.c.id)),
                reads.c.agency_id == row.id,
                reads.c.has_hits == hit,
                reads.c.captured_at >= kept_from,
            )
            .subquery()
        )
        counts = select(kept.c.held, func.count(), func.count().filter(kept.c.at_once)).group_by(
            kept.c.held
        )
        for held, going, gone in connection.execute(counts):
            earlier[held] += going
            at_once[held] += gone
    longer = any(after.term(hit=hit).exceeds(default.term(hit=hit)) for hit in (False, True))
    return Change(
        agency,
        name,
        before,
        after,
        longer,
        earlier[False],
        at_once[False],
        earlier[True],
        at_once[True],
    )


def change(
    connection: Connection,
    agency: str,
    name: str | None,
    *,
    default: RetentionRule,
    shipped: Shipped,
    reason: str,
    confirmed: bool,
    named_person: bool,
    actor: Actor,
    origin: str,
    now: datetime,
) -> Change:
    """Put the agency under the rule of that name, or the repository's own, for stored reads too.

    ``named_person`` says that the actor signed in; only such a one may choose a rule that keeps
    anything longer than the repository's own. Unless it is ``confirmed``, nothing is changed: what
    would become of the reads is counted, and that is recorded.

    Raises:
        LocalRuleError: if there is no such agency or no reason, or a person must sign in for it.
        RetentionRuleError: if no rule ships under that name.
    """
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise LocalRuleError(f"reason: needs 1 to {_MAX_REASON} characters")
    locks.take(connection, Turn.RETENTION)
    seen = look(connection, agency, name, default=default, shipped=shipped, now=now)
    if seen.beyond_default and not named_person:
        raise LocalRuleError(
            f"rule {name}: keeps reads longer than the repository's own rule ({default.name}); "
            "that needs the reason of a named person: sign in with --user"
        )
    if confirmed:
        connection.execute(
            update(agencies).where(agencies.c.name == agency).values(retention_rule=name)
        )
    log.append(
        connection,
        Entry(
            "agency.rule" if confirmed else "agency.rule_counted",
            actor,
            now,
            origin,
            {
                "agency": agency,
                "rule": name,
                "rule_digest": seen.after.sha256,
                "rule_digest_before": seen.before.sha256,
                "reason": reason,
                "expire_earlier": seen.earlier,
                "expire_at_once": seen.at_once,
                "held_earlier": seen.held_earlier,
                "held_at_once": seen.held_at_once,
            },
            count=seen.earlier,
        ),
    )
    return replace(seen, done=confirmed)
