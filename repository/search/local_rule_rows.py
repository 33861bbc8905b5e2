"""Agencies' own rules of searching in the database. Runs in the caller's transaction."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select

from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.search.local_rules import LocalSearchRule, LocalSearchRuleError
from repository.store.rows import put
from repository.store.tables.fleet import agencies
from repository.store.tables.search import agency_search_rules

_MAX_REASON = 2000
_ALL = select(agency_search_rules.c.agency_id, agency_search_rules.c.rule)
_rule = functools.lru_cache(maxsize=1024)(LocalSearchRule.model_validate_json)


def load(connection: Connection) -> Mapping[int, LocalSearchRule]:
    """The rule of each agency that has one."""
    return {row.agency_id: _rule(row.rule) for row in connection.execute(_ALL)}


def change(
    connection: Connection,
    agency: str,
    rule: LocalSearchRule | None,
    *,
    reason: str,
    actor: Actor,
    origin: str,
    now: datetime,
) -> None:
    """Put the agency under this rule, or under the general one alone.

    Raises:
        LocalSearchRuleError: if there is no such agency, or no reason.
    """
    if not reason.strip() or len(reason) > _MAX_REASON:
        raise LocalSearchRuleError(f"reason: needs 1 to {_MAX_REASON} characters")
    agency_id = connection.scalar(select(agencies.c.id).where(agencies.c.name == agency))
    if agency_id is None:
        raise LocalSearchRuleError(f"agency {agency}: not known")
    if rule is None:
        connection.execute(
            delete(agency_search_rules).where(agency_search_rules.c.agency_id == agency_id)
        )
    else:
        put(
            connection,
            agency_search_rules,
            {
                "agency_id": agency_id,
                "rule": rule.as_json(),
                "sha256": rule.sha256,
                "set_by": actor.user_id,
                "set_by_name": actor.name,
                "set_at": now,
            },
        )
    request = {
        "agency": agency,
        "rule": None if rule is None else rule.name,
        "rule_digest": None if rule is None else rule.sha256,
        "reason": reason,
    }
    log.append(connection, Entry("agency.search_rule", actor, now, origin, request))
