"""Who takes part in ingest: each process says that it lives, and who does not is missed.

The broker keeps a queue for each session that shares the subscription and goes on putting messages
into that of a process that is away. They wait there until it comes back, or until its units send
them again to another. So whoever took part once is expected, until an administrator retires it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from repository.errors import RepositoryError
from repository.ingest import ownclock
from repository.store.rows import put
from repository.store.tables.findings import ingest_consumers
from repository.units.findings import raise_finding, settle_finding

HEARTBEAT_S = 15.0
ABSENT_AFTER = timedelta(minutes=2)
_KIND = "consumer_absent"


class ConsumerError(RepositoryError):
    """There is no such ingest process, or it is at work."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """An ingest process that the broker keeps messages for."""

    client_id: str
    host: str
    enrolled_at: datetime
    last_seen_at: datetime


def beat(connection: Connection, client_id: str, host: str, now: datetime) -> None:
    """Say that this process lives, and look after the others and the clock."""
    doubted = ownclock.standing_doubt(connection, now) is not None
    known = connection.scalar(
        select(ingest_consumers.c.enrolled_at).where(ingest_consumers.c.client_id == client_id)
    )
    row = {
        "client_id": client_id,
        "host": host,
        "enrolled_at": known or now,
        "last_seen_at": now,
    }
    put(connection, ingest_consumers, row)
    settle_finding(connection, _KIND, None, "it is back", now, subject=client_id)
    if not doubted:
        ownclock.trust(connection, now, "the clock is right again")
        miss_absent(connection, now)


def miss_absent(connection: Connection, now: datetime) -> list[str]:
    """Raise a finding for each process that has not been heard of; their names."""
    absent = connection.execute(
        select(ingest_consumers)
        .where(ingest_consumers.c.last_seen_at < now - ABSENT_AFTER)
        .order_by(ingest_consumers.c.client_id)
    ).all()
    for row in absent:
        detail = (
            f"not heard of since {row.last_seen_at:%Y-%m-%d %H:%M} UTC, last on {row.host}: "
            "messages wait for it at the broker. Start it again, or take it out of service with "
            "`alpr-repository ingest retire`"
        )
        raise_finding(connection, _KIND, None, detail, now, subject=row.client_id)
    return [row.client_id for row in absent]


def list_consumers(connection: Connection) -> list[Consumer]:
    """All that take part, by name."""
    query = select(ingest_consumers).order_by(ingest_consumers.c.client_id)
    return [Consumer(**row) for row in connection.execute(query).mappings()]


def require_idle(connection: Connection, client_id: str, now: datetime) -> None:
    """Refuse to retire what is at work.

    Raises:
        ConsumerError: if there is none of that name, or it lives.
    """
    seen = connection.scalar(
        select(ingest_consumers.c.last_seen_at).where(ingest_consumers.c.client_id == client_id)
    )
    if seen is None:
        raise ConsumerError(f"ingest process {client_id}: there is none; see `ingest list`")
    if seen > now - timedelta(seconds=2 * HEARTBEAT_S):
        raise ConsumerError(f"ingest process {client_id}: is at work; stop it first")


def retire(connection: Connection, client_id: str, now: datetime) -> None:
    """Expect this process no more."""
    connection.execute(delete(ingest_consumers).where(ingest_consumers.c.client_id == client_id))
    settle_finding(connection, _KIND, None, "it was retired", now, subject=client_id)
