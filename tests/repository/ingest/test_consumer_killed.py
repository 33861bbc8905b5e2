"""Ingest that is killed on the way keeps every read once."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from repository import bootstrap
from repository.settings import load_settings
from repository.store.engine import reading
from repository.store.tables.reads import quarantine, reads
from tests.repository.ingest.consuming import WAIT_S, Link, RunConsumer
from tests.repository.ingest.taking import count
from tests.repository.sender import Sender
from tests.servers import Broker

pytestmark = pytest.mark.usefixtures("impatient")
DIES_AFTER_COMMIT = """
import os, signal, sys
from pathlib import Path
from repository.bootstrap import build
from repository.ingest.consumer import Consumer
from repository.settings import load_settings

services = build(load_settings(Path(sys.argv[1])))

class Dies:
    def take_all(self, arrived, overdue):
        services.ingest.take_all(arrived, overdue)
        os.kill(os.getpid(), signal.SIGKILL)

    def beat(self, client_id, host):
        pass

Consumer(services.settings.broker, services.ingest_share, Dies()).run()
"""


@dataclass
class Site:
    """A repository of its own in a folder, run as a process of its own."""

    folder: Path
    broker: Broker

    def __post_init__(self) -> None:
        self.settings = self.folder / "repository.toml"
        self.settings.write_text(f"data = 'data'\n[broker]\nport = {self.broker.port}\n")
        bootstrap.initialise(load_settings(self.settings))
        self.services = bootstrap.build(load_settings(self.settings))
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, *program: str) -> subprocess.Popen[bytes]:
        """Run that program, or else ingest as the command line runs it."""
        command = Path(sys.executable).with_name("alpr-repository")
        ingest = (str(command), "--settings", str(self.settings), "run", "--only", "ingest")
        self.processes.append(
            subprocess.Popen(program or ingest, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        )
        return self.processes[-1]

    def close(self) -> None:
        """End what was started, should a test not have."""
        for each in self.processes:
            each.kill()
            each.wait()
            if each.stderr is not None:
                each.stderr.close()
        self.services.close()


@pytest.fixture
def site(broker: Broker, tmp_path: Path) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    made = Site(folder, broker)
    yield made
    made.close()


def test_killed_between_commit_and_acknowledgement_it_gets_the_message_again(
    broker: Broker, site: Site, run_consumer: RunConsumer
) -> None:
    now = site.services.clock()
    sender = Sender()
    sender.enrol(site.services.engine, now)
    run_consumer(broker, site.services.ingest).stop()  # leaves its subscription at the broker
    link = Link(broker.port, sender, site.services.receipts_key)
    message = sender.message(sender.read(now))
    link.send(sender.topic(), message)
    dying = site.start(sys.executable, "-c", DIES_AFTER_COMMIT, str(site.settings))
    assert dying.wait(WAIT_S) == -signal.SIGKILL
    dying.communicate()
    assert count(site.services.engine, reads) == 1
    assert link.receipts.empty()

    running = run_consumer(broker, site.services.ingest)

    assert link.receipt_for(message).committed_through == 1
    assert running.consumer.counts.duplicates == 1
    assert count(site.services.engine, reads) == 1
    link.close()


def test_killed_at_random_moments_it_keeps_every_read_once(broker: Broker, site: Site) -> None:
    now = site.services.clock()
    sender = Sender()
    sender.enrol(site.services.engine, now)
    link = Link(broker.port, sender, site.services.receipts_key)
    messages = [sender.message(*(sender.read(now) for _ in range(5))) for _ in range(60)]
    moments = random.Random(20260301)
    process = site.start()
    assert process.stderr is not None
    process.stderr.readline()
    process.stderr.readline()  # subscribed: from here on the broker keeps what is not acknowledged
    for message in messages:
        link.send(sender.topic(), message)
    for _ in range(4):
        time.sleep(moments.uniform(0, 0.3))
        process.kill()
        process.communicate()
        process = site.start()
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.readline()
    assert link.receipt_for(messages[-1]).committed_through == 300
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WAIT_S)
    assert process.returncode == 0
    with reading(site.services.engine) as connection:
        kept = connection.execute(
            select(func.count(), func.count(reads.c.read_id.distinct()), func.max(reads.c.seq))
        ).one()
    assert tuple(kept) == (300, 300, 300)
    assert count(site.services.engine, quarantine) == 0
    link.close()
