"""What a search showed of each read, and how long a case file says it.

The case file records what a search returned (policy C-4b), and what has outlived its time must not
live on in a case file (C-7a). So the facts that were shown stand beside the read's id while the
read itself is kept, under its rule or a hold, and go with it in the same transaction: the purge,
and the disposal by the read's agency, call :func:`forget` there. The id and the digest stay. Who
has a printed or exported copy can be shown to have what was shown; the digest alone says nothing,
since a salt went with the facts.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import rfc8785
from sqlalchemy import ColumnElement, Connection, bindparam, exists, update

from repository.ledger.entry import JSON
from repository.store.partitions import of_day
from repository.store.tables.cases import case_search_reads
from repository.store.tables.reads import reads

_SALT_BYTES = 16
_FORGET = (
    update(case_search_reads)
    .where(
        case_search_reads.c.facts.is_not(None),
        ~exists().where(
            reads.c.unit_id == case_search_reads.c.unit_id,
            reads.c.captured_at == case_search_reads.c.captured_at,
            reads.c.read_id == case_search_reads.c.read_id,
        ),
    )
    .values(facts=None)
)
_FORGET_OF_SEARCH = _FORGET.where(case_search_reads.c.ledger_index == bindparam("of_index"))


@dataclass(frozen=True, slots=True)
class Shown:
    """A read that a search showed, by what finds it again while it is kept; and what was shown.

    ``digest`` is that of the facts as a case file keeps them, and stays when they are gone.
    """

    unit_id: int
    captured_at: datetime
    read_id: UUID
    facts: Mapping[str, JSON] | None = None
    digest: str | None = None


def row_of(shown: Shown) -> dict[str, Any]:
    """The columns of a read that was shown."""
    kept: str | None = None
    if shown.facts is not None:
        kept = rfc8785.dumps(
            {"salt": secrets.token_hex(_SALT_BYTES), "shown": json.loads(json.dumps(shown.facts))}
        ).decode()
    return {
        "unit_id": shown.unit_id,
        "captured_at": shown.captured_at,
        "read_id": shown.read_id,
        "facts": kept,
        "facts_digest": None if kept is None else hashlib.sha256(kept.encode()).hexdigest(),
    }


def opened(facts: str | None) -> Mapping[str, Any] | None:
    """The facts in a row, without their salt."""
    if facts is None:
        return None
    shown: Mapping[str, Any] = json.loads(facts)["shown"]
    return shown


def forget(connection: Connection, which: ColumnElement[bool]) -> None:
    """Let go of the facts of those rows whose read is gone."""
    connection.execute(_FORGET.where(which))


def forget_of_search(connection: Connection, ledger_index: int) -> None:
    """The same for the rows of one search."""
    connection.execute(_FORGET_OF_SEARCH, {"of_index": ledger_index})


def forget_day(connection: Connection, day: date) -> None:
    """The same for the reads of a UTC day; the purge calls it in its transaction."""
    forget(connection, of_day(case_search_reads, day))
