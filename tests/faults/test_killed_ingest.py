"""Several ingest processes, killed in the midst of a unit's reads, keep each of them once."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, select

from benches._killed_ingest import Reads, ingest_processes, send_all
from benches._unit_batches import AGENCY
from repository import bootstrap
from repository.settings import load_settings
from repository.store.engine import reading
from repository.store.tables.fleet import chains
from repository.store.tables.reads import quarantine, reads
from repository.units import enrolment
from tests.servers import Broker, PostgresServer

RECORDS = 10_000


def test_reads_sent_twice_and_in_disorder_through_three_killed_processes_end_as_they_are(
    tmp_path: Path,
    mosquitto_broker: Callable[..., Broker],
    postgres_server: PostgresServer,
    migrated_postgres: str,
) -> None:
    broker = mosquitto_broker("max_inflight_messages 500", "max_queued_messages 100000")
    database = postgres_server.create_database(template=migrated_postgres)
    settings = tmp_path / "repository.toml"
    settings.write_text(
        f'data = "data"\ndatabase = "{postgres_server.dsn(database)}"\n'
        f"[broker]\nport = {broker.port}\n"
    )
    bootstrap.initialise(load_settings(settings))
    services = bootstrap.build(load_settings(settings))
    sent = Reads(RECORDS, 100, random.Random(20261121))
    with services.engine.begin() as connection:
        now = services.clock()
        enrolment.add_agency(connection, name=AGENCY, title="An agency", ori=None, now=now)
        enrolment.add_unit(
            connection, agency=AGENCY, name="car-1", public_key=sent.key.public_key(), now=now
        )

    with ingest_processes(settings, tmp_path, 3) as processes:
        outcome = send_all(
            sent,
            broker.port,
            services.receipts_key.public_key(),
            processes,
            kill_at=(0.1, 0.4, 0.7),
        )

    assert (outcome.receipted, outcome.kills) == (RECORDS, 3)
    with reading(services.engine) as connection:
        kept = connection.execute(
            select(
                func.count(),
                func.count(reads.c.read_id.distinct()),
                func.count(reads.c.seq.distinct()),
                func.max(reads.c.seq),
            )
        ).one()
        assert tuple(kept) == (RECORDS,) * 4
        assert connection.scalar(select(chains.c.committed_through)) == RECORDS
        assert connection.scalar(select(func.count()).select_from(quarantine)) == 0
    services.close()
    postgres_server.drop_database(database)
