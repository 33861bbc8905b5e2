"""Certificates: what a purge took of one day, in the ledger and beside it, and their proof.

A certificate is appended to the ledger in the transaction that purges, as ``purge.day``. Its
request says which rules were in force for whom, the moment before which each class had expired,
and for every table how many rows were past their time, how many of those are held, and how many
went. Its result is the number of reads that went and the SHA-256 over the ids of all reads, hits
and other records that went: one a line, reads first, each kind by unit, capture and id. The row in
``purges`` repeats the numbers, to be counted without reading the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from repository.ledger import log
from repository.ledger.entry import JSON, Actor, Entry, digest_of_ids
from repository.retention.duties import Bound, Duties
from repository.store.tables.ledger import ledger_entries
from repository.store.tables.retention import purges

ACTION = "purge.day"
TABLES = ("reads", "hits", "unit_records", "pictures", "quarantine")


@dataclass(frozen=True, slots=True)
class Count:
    """Of one table: how many rows were past their time, and how many of them are held."""

    found: int
    held: int

    @property
    def purged(self) -> int:
        """How many rows went, or would go."""
        return self.found - self.held


def sum_of(counts: Iterable[Mapping[str, Count]]) -> dict[str, Count]:
    """The counts of several days together."""
    days = list(counts)
    return {
        name: Count(sum(day[name].found for day in days), sum(day[name].held for day in days))
        for name in TABLES
    }


@dataclass(frozen=True, slots=True)
class Certificate:
    """What went of a UTC day; ``counts`` has an entry for each of `TABLES`."""

    day: date
    counts: Mapping[str, Count]
    ids_digest: str
    rule_digest: str
    expired_before: datetime
    ledger_index: int


@dataclass(frozen=True, slots=True)
class Hand:
    """Who or what purges, from where, and when."""

    actor: Actor
    origin: str
    now: datetime


def certify(
    connection: Connection,
    day: date,
    duties: Duties,
    bounds: tuple[Bound, ...],
    counts: Mapping[str, Count],
    ids_digest: str,
    hand: Hand,
) -> Certificate:
    """Write the certificate of a day, last in the transaction that purges it."""
    rules = list(_rules(duties, bounds))
    rule_digest = digest_of_ids(sorted({str(each["sha256"]) for each in rules}))
    expired_before = max(each.expired_before for each in bounds) if bounds else hand.now
    appended = log.append(
        connection,
        Entry(
            action=ACTION,
            actor=hand.actor,
            at=hand.now,
            origin=hand.origin,
            request={
                "day": day.isoformat(),
                "rules": rules,
                "counts": {
                    name: {"found": each.found, "held": each.held, "purged": each.purged}
                    for name, each in counts.items()
                },
            },
            count=counts["reads"].purged,
            result_digest=ids_digest,
        ),
    )
    connection.execute(
        insert(purges).values(
            purged_at=hand.now,
            day=day,
            expired_before=expired_before,
            reads_held=counts["reads"].held,
            **{f"{name}_purged": each.purged for name, each in counts.items()},
            ids_digest=ids_digest,
            rule_digest=rule_digest,
            ledger_index=appended.index,
        )
    )
    return Certificate(day, counts, ids_digest, rule_digest, expired_before, appended.index)


def mismatches(connection: Connection) -> Iterator[str]:
    """What of ``purges`` and the ledger's certificates does not agree, each in one sentence."""
    rows = {row.ledger_index: row for row in connection.execute(select(purges))}
    entries = {
        row.entry_index: json.loads(row.body)
        for row in connection.execute(
            select(ledger_entries.c.entry_index, ledger_entries.c.body).where(
                ledger_entries.c.action == ACTION
            )
        )
    }
    for index, entry in entries.items():
        if index not in rows:
            yield f"purge {index} of the ledger: its row in purges is missing"
            continue
        said, row = _numbers_of(entry), rows[index]
        kept = {name: getattr(row, name) for name in said}
        kept["day"] = row.day.isoformat() if row.day else None
        for name in sorted(name for name in said if said[name] != kept[name]):
            yield f"purge {index} of the ledger: {name} is another in purges"
    for index, row in rows.items():
        if row.day is not None and index not in entries:
            yield f"purge {index}: the ledger has no such certificate"


def _numbers_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    request = entry["request"]
    return {
        "day": request["day"],
        "reads_held": request["counts"]["reads"]["held"],
        **{f"{name}_purged": request["counts"][name]["purged"] for name in TABLES},
        "reads_purged": entry["count"],
        "ids_digest": entry["result_digest"],
        "rule_digest": digest_of_ids(sorted({each["sha256"] for each in request["rules"]})),
    }


def _rules(duties: Duties, bounds: tuple[Bound, ...]) -> Iterator[dict[str, JSON]]:
    """Every rule with the agencies under it and its bounds; watermarks may part agencies of one."""
    marks: dict[int, dict[bool, str]] = {}
    for each in bounds:
        marks.setdefault(each.agency_id, {})[each.hit] = each.expired_before.isoformat()
    grouped: dict[tuple[str, str, str], list[int]] = {}
    for agency_id, of_class in marks.items():
        key = (duties.rule_of(agency_id).sha256, of_class[False], of_class[True])
        grouped.setdefault(key, []).append(agency_id)
    for (sha256, reads_before, hits_before), agency_ids in sorted(grouped.items()):
        rule = duties.rule_of(agency_ids[0])
        yield {
            "name": rule.name,
            "source": rule.source,
            "sha256": sha256,
            "reads_before": reads_before,
            "hits_before": hits_before,
            "agencies": sorted(agency_ids),
        }
