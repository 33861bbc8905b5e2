"""A database that stops and a repository that is killed while a unit sends: all arrives once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from demo_site import site as sites
from demo_site.processes import end, start, wait_for_line
from edge.contract import records as r
from edge.enrolment import load_keys, load_public_key
from edge.spool.store import Spool
from edge.uplink.messages import Pace, Refused
from edge.uplink.mqtt import LinkSettings
from edge.uplink.uplink import Uplink
from repository.store.engine import open_engine, reading
from repository.store.tables.reads import quarantine, reads
from tests.repository.sender import Sender
from tests.servers import Broker, PostgresServer
from tests.waiting import until

WITHIN_S = 60.0
READS_AT_ONCE = 40


class Unit:
    """The site's unit without its cameras: its spool, and the uplink that empties it."""

    def __init__(self, site: sites.Site) -> None:
        keys = load_keys(site.folder / "keys")
        self.refusals: list[Refused] = []
        self._sender = Sender(agency=sites.AGENCY, unit=sites.UNIT, key=keys.signing_key)
        self.spool = Spool.open(
            site.folder / "spool", keys.spool_key, agency=sites.AGENCY, unit=sites.UNIT
        )
        self._uplink = Uplink(
            self.spool,
            keys.signing_key,
            load_public_key(site.folder / "repository" / "keys" / "receipts.pub"),
            LinkSettings(host="127.0.0.1", port=site.broker_port),
            software="plateward test",
            pace=Pace(first_silence_s=0.3, longest_silence_s=1.0, refused_wait_s=0.5),
            on_problem=lambda _of, _sentence: None,
            on_refusal=self.refusals.append,
        )
        self._uplink.start()

    def see(self, number: int) -> None:
        """Spool that many reads, each in a transaction of its own, and let the uplink know."""
        for _ in range(number):
            self.spool.add([self._read], {})
            self._uplink.wake()

    def _read(self, seq: int) -> r.AnyRecord:
        return msgspec.structs.replace(self._sender.read(datetime.now(UTC)), seq=seq)

    def waiting(self) -> int:
        return self.spool.counts().waiting

    def close(self) -> None:
        self._uplink.stop()
        self.spool.close()


def test_a_database_that_stops_and_a_repository_that_is_killed_cost_nothing(
    tmp_path: Path,
    mosquitto_broker: Callable[..., Broker],
    postgres_server: PostgresServer,
    postgres_dsn: str,
) -> None:
    broker = mosquitto_broker()
    site = sites.lay_out(
        tmp_path / "site", str(tmp_path), None, None, broker.port, database=postgres_dsn
    )
    first, second = site.logs / "first.log", site.logs / "second.log"
    ingest = site.repository("run", "--only", "ingest")
    repository = start(ingest, first)
    unit = Unit(site)
    try:
        wait_for_line(first, "taking messages", repository, WITHIN_S)
        unit.see(READS_AT_ONCE)
        until(lambda: unit.waiting() == 0)

        postgres_server.stop("immediate")
        try:
            unit.see(READS_AT_ONCE)
            wait_for_line(first, "nothing can be committed", repository, WITHIN_S)
            assert unit.waiting() == READS_AT_ONCE
        finally:
            postgres_server.start()
        wait_for_line(first, "committing again", repository, WITHIN_S)

        unit.see(READS_AT_ONCE)
        repository.kill()
        repository.wait()
        unit.see(READS_AT_ONCE)
        repository = start(ingest, second)
        unit.see(READS_AT_ONCE)
        until(lambda: unit.waiting() == 0)
        assert unit.spool.counts().receipted == 5 * READS_AT_ONCE
        assert unit.refusals == []
    finally:
        unit.close()
        end(repository)
    assert repository.returncode == 0

    engine = open_engine(postgres_dsn)
    with reading(engine) as connection:
        stored = connection.scalars(select(reads.c.seq).order_by(reads.c.seq)).all()
        refused = connection.execute(select(quarantine)).all()
    engine.dispose()
    assert stored == list(range(1, 5 * READS_AT_ONCE + 1))
    assert refused == []
    said = first.read_text(encoding="utf-8")
    assert said.count("nothing can be committed") == said.count("committing again") == 1
    assert "Traceback" not in said + second.read_text(encoding="utf-8")
