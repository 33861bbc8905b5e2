"""An agency's own rule of retention: looking at what a change would do, and making it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
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
from repository.wording import counted

_MAX_REASON = 2000


class LocalRuleError(RepositoryError):
    """An agency's rule cannot be changed so; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of an agency's rule does to the reads that are stored and not held.

    ``earlier`` are those that would expire earlier than now, and ``at_once`` those among them that
    the next purge would take. ``name`` is None for the repository's own rule. ``beyond_default``
    says that the new rule keeps something longer than the repository's own.
    """

    agency: str
    name: str | None
    before: RetentionRule
    after: RetentionRule
    beyond_default: bool
    earlier: int
    at_once: int


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
    earlier = at_once = 0
    for hit in (False, True):
        was, will = before.term(hit=hit), after.term(hit=hit)
        if not was.exceeds(will):
            continue
        kept_from, bound = was.ended_before(now), will.ended_before(now)
        kept = (
            select(
                func.count(),
                func.count().filter(reads.c.captured_at < bound),
            )
            .select_from(reads)
            .where(
                reads.c.unit_id.in_(select(units.c.id)),
                reads.c.agency_id == row.id,
                reads.c.has_hits == hit,
                reads.c.captured_at >= kept_from,
                ~is_held(reads),
            )
        )
        counted = connection.execute(kept).one()
        earlier += counted[0]
        at_once += counted[1]
    longer = any(after.term(hit=hit).exceeds(default.term(hit=hit)) for hit in (False, True))
    return Change(agency, name, before, after, longer, earlier, at_once)


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
    anything longer than the repository's own. ``confirmed`` says that what expires earlier was
    seen.

    Raises:
        LocalRuleError: if there is no such agency or no reason, or one of these is missing.
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
    if seen.earlier and not confirmed:
        raise LocalRuleError(
            f"rule {seen.after.name}: {counted(seen.earlier, 'read')} of {agency} would "
            "expire earlier, "
            f"{seen.at_once} of them at once; nothing is changed. If that is meant, add --yes"
        )
    connection.execute(
        update(agencies).where(agencies.c.name == agency).values(retention_rule=name)
    )
    log.append(
        connection,
        Entry(
            "agency.rule",
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
            },
            count=seen.earlier,
        ),
    )
    return seen
