"""Purges and holds as the tests of them carry them out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, delete, select, text

from repository.ingest.take import Ingest
from repository.ledger import log
from repository.ledger.entry import Actor
from repository.retention import holds, holds_ending, purge, watermarks
from repository.retention.holds_request import HoldKind, HoldRequest
from repository.retention.purge import Confirmation, Purged
from repository.retention.rules import shipped_rule
from repository.store.engine import reading
from repository.store.pictures import PictureStore
from repository.store.tables.reads import reads
from repository.store.tables.retention import hold_reads
from repository.store.tables.retention import holds as hold_rows
from tests.repository.ingest.conftest import NOW, load_duties
from tests.repository.sender import AGENCY

OFFICER = Actor("u-1", "jdoe", "Jane Doe", AGENCY)
SERGEANT = Actor("u-2", "rroe", "Rita Roe", AGENCY)
A_YEAR_ON = NOW.replace(year=NOW.year + 1)
MINUTE = timedelta(minutes=1)
RULE = shipped_rule("massachusetts")


def read_ids(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(map(str, connection.scalars(select(reads.c.read_id))))


def run(
    ingest: Ingest,
    now: datetime,
    store: PictureStore | None = None,
    clock_is: date | None = None,
    count: int | None = None,
) -> Purged:
    confirmed = Confirmation(clock_is, count)
    return purge.run(
        ingest.engine, store or ingest.pictures, load_duties, now=now, confirmed=confirmed
    )


def purged_before(engine: Engine) -> dict[bool, datetime]:
    with reading(engine) as connection:
        return watermarks.purged_before(connection, 1)


def forget_what_was_acted_on(engine: Engine) -> None:
    """Undo the hold that a disposition places by itself: here it is another that matters."""
    with engine.begin() as connection:
        connection.execute(delete(hold_reads))
        connection.execute(delete(hold_rows))


def held_reads(done: Purged) -> int:
    return sum(each.counts["reads"].held for each in done.certificates)


def hold(
    engine: Engine, *read_ids: Any, kind: HoldKind = "arrest", review: date | None = None
) -> int:
    directed = kind == "administrator_direction"
    request = HoldRequest(
        "24-1187",
        kind,
        "seen near the scene",
        read_ids,
        review_due=review,
        ends_on=date(2030, 1, 1) if directed else None,
        direction="Keep what the chief named" if directed else None,
    )
    with engine.begin() as connection:
        return holds.add(connection, request, actor=OFFICER, origin="test", now=NOW)


def release(engine: Engine, number: int, actor: Actor = OFFICER) -> None:
    with engine.begin() as connection:
        done = holds_ending.release(
            connection, number, reason="closed", actor=actor, origin="test", now=A_YEAR_ON
        )
        if done == "proposed":
            holds_ending.confirm_release(
                connection, number, actor=SERGEANT, origin="test", now=A_YEAR_ON
            )


def entries(engine: Engine) -> list[dict[str, Any]]:
    with reading(engine) as connection:
        return [json.loads(row.body) for row in log.rows(connection)]


def begin(work: Callable[[], object], engine: Engine, threads: list[threading.Thread]) -> None:
    """Start it and go on once it is done or waits for its turn."""
    thread = threading.Thread(target=work, name="meanwhile")
    threads.append(thread)
    thread.start()
    if engine.dialect.name == "sqlite":  # it waits inside the driver, where nobody can look
        thread.join(0.3)
        return
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    while thread.is_alive():
        with reading(engine) as connection:
            if connection.scalar(waiting):
                return
