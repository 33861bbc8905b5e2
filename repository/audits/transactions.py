"""The report of all transactions of an agency's users, for the agency's head."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from repository.errors import RepositoryError
from repository.ledger import entry as entries
from repository.ledger import log
from repository.ledger.entry import Actor, Entry, Recorded, digest_of_ids, format_time
from repository.store.tables.fleet import agencies
from repository.store.tables.ledger import ledger_entries

FIELDS = (
    "index",
    "at",
    "name",
    "login",
    "user_id",
    "agency",
    "action",
    "outcome",
    "origin",
    "request",
    "count",
    "result_digest",
)
# A spreadsheet takes a cell that begins so for a formula, and runs it.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


class AuditError(RepositoryError):
    """A report that cannot be given."""


@dataclass(frozen=True, slots=True)
class Audits:
    """Reports from the ledger; each is itself an entry of it."""

    engine: Engine
    now: Callable[[], datetime]

    def transactions(
        self, agency: str | None, start: datetime, end: datetime, by: Actor, origin: str
    ) -> list[Recorded]:
        """Every entry of the agency's users from ``start`` until before ``end``, in order.

        With no agency, every entry of those who are of none: operators of the repository's
        machines, its own jobs, and whoever tried to sign in without an account.

        Raises:
            AuditError: if there is no such agency, or an entry is not what its digest says.
        """
        with self.engine.begin() as connection:
            if agency is not None and not _known(connection, agency):
                raise AuditError(f"agency {agency!r}: not known")
            found = list(_transactions(connection, agency or "", start, end))
            request = {"agency": agency, "from": start.isoformat(), "to": end.isoformat()}
            digest = digest_of_ids(str(each.index) for each in found)
            log.append(
                connection,
                Entry(
                    "audits.transactions",
                    by,
                    self.now(),
                    origin,
                    request,
                    count=len(found),
                    result_digest=digest,
                ),
            )
            return found


def as_mapping(recorded: Recorded) -> Mapping[str, Any]:
    """An entry flat, its keys those of ``FIELDS``; the request stays a mapping."""
    entry = recorded.entry
    return {
        "index": recorded.index,
        "at": format_time(entry.at),
        "name": entry.actor.name,
        "login": entry.actor.login,
        "user_id": entry.actor.user_id,
        "agency": entry.actor.agency,
        "action": entry.action,
        "outcome": entry.outcome,
        "origin": entry.origin,
        "request": entry.request,
        "count": entry.count,
        "result_digest": entry.result_digest,
    }


def as_csv(found: Iterable[Recorded]) -> str:
    """The report as CSV (RFC 4180); no cell can be run as a formula."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, FIELDS)
    writer.writeheader()
    for recorded in found:
        row = as_mapping(recorded)
        request = json.dumps(row["request"], ensure_ascii=False, sort_keys=True)
        writer.writerow({key: _cell(value) for key, value in {**row, "request": request}.items()})
    return text.getvalue()


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _known(connection: Connection, agency: str) -> bool:
    query = select(agencies.c.id).where(agencies.c.name == agency)
    return connection.execute(query).one_or_none() is not None


def _transactions(
    connection: Connection, agency: str, start: datetime, end: datetime
) -> Iterable[Recorded]:
    table = ledger_entries
    query = (
        select(table.c.entry_index, table.c.body, table.c.leaf)
        .where(table.c.agency == agency, table.c.at >= start, table.c.at < end)
        .order_by(table.c.entry_index)
    )
    for row in connection.execute(query).all():
        if entries.leaf(row.body) != row.leaf:
            raise AuditError(
                f"entry {row.entry_index} of the ledger is not what was recorded; "
                "run 'alpr-repository ledger verify'"
            )
        yield entries.read(row.body)
