"""The ledger against a model: a list that only grows, through rollbacks, crashes and tampering."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import Engine, delete, insert, select, update

from edge.contract import merkle
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store.engine import open_engine
from repository.store.migrate import upgrade
from repository.store.tables.ledger import ledger_entries

ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ACTOR = Actor("u-1", "jdoe", "Jane Doe", "salem-pd")
START = datetime(2026, 3, 1, tzinfo=UTC)

columns = ledger_entries.c


class LedgerModel(RuleBasedStateMachine):
    """The model is the list of what was appended and committed; the clock jumps as it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.dsn = f"sqlite:///{Path(self.folder.name) / 'ledger.sqlite'}"
        self.engine = open_engine(self.dsn)
        upgrade(self.engine)
        self.now = START
        self.committed: list[int] = []
        self.held: list[str] = []

    def ledger(self) -> Ledger:
        return Ledger(self.engine, ORIGIN, KEY.public_key(), lambda: self.now)

    def entry(self, number: int) -> Entry:
        return Entry("search.run", ACTOR, self.now, "10.0.0.7", {"n": number})

    @rule(number=st.integers(0, 2**40))
    def append(self, number: int) -> None:
        with self.engine.begin() as connection:
            appended = log.append(connection, self.entry(number))
        assert appended.index == len(self.committed)
        self.committed.append(number)

    @rule(number=st.integers(0, 2**40))
    def roll_back(self, number: int) -> None:
        with self.engine.connect() as connection, connection.begin() as transaction:
            log.append(connection, self.entry(number))
            transaction.rollback()

    @rule(number=st.integers(0, 2**40))
    def lose_the_connection(self, number: int) -> None:
        connection = self.engine.connect()
        connection.begin()
        log.append(connection, self.entry(number))
        connection.invalidate()
        connection.close()
        self.engine.dispose()
        self.engine = open_engine(self.dsn)

    @rule(seconds=st.integers(-(10**6), 10**6))
    def let_the_clock_jump(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.committed)
    @rule()
    def sign(self) -> None:
        self.held.append(Signer(self.ledger(), KEY).sign_checkpoint())

    @precondition(lambda self: self.committed)
    @rule(data=st.data())
    def tamper_and_put_back(self, data: st.DataObject) -> None:
        """A byte of any row flipped, or the row dropped, is found and named."""
        index = data.draw(st.integers(0, len(self.committed) - 1))
        name = data.draw(st.sampled_from(["body", "leaf", "root", "row"]))
        with self.engine.begin() as connection:
            row = connection.execute(
                select(ledger_entries).where(columns.entry_index == index)
            ).one()
            if name == "row":
                connection.execute(delete(ledger_entries).where(columns.entry_index == index))
            else:
                changed = bytearray(row._mapping[name])
                place = data.draw(st.integers(0, len(changed) - 1))
                changed[place] ^= data.draw(st.integers(1, 255))
                connection.execute(
                    update(ledger_entries)
                    .where(columns.entry_index == index)
                    .values({name: bytes(changed)})
                )
        assert self.ledger().verify(self.held).first_wrong == index
        with self.engine.begin() as connection:
            connection.execute(delete(ledger_entries).where(columns.entry_index == index))
            connection.execute(insert(ledger_entries).values(row._asdict()))

    @invariant()
    def it_holds_what_was_committed(self) -> None:
        with self.engine.begin() as connection:
            held = [json.loads(row.body)["request"]["n"] for row in log.rows(connection)]
            state = log.state(connection)
            hashes = [merkle.leaf_hash(row.leaf) for row in log.rows(connection)]
        assert held == self.committed
        assert state.root() == merkle.root(hashes)
        assert self.ledger().verify(self.held).ok

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()


TestLedgerModel = pytest.mark.policy("C-4c")(LedgerModel.TestCase)
TestLedgerModel.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)

APPEND_FOR_EVER = """
import sys
from datetime import UTC, datetime
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.store.engine import open_engine

engine = open_engine(sys.argv[1])
actor = Actor("u-1", "jdoe", "Jane Doe", "salem-pd")
while True:
    with engine.begin() as connection:
        entry = Entry("search.run", actor, datetime.now(UTC), "here")
        appended = log.append(connection, entry)
    print(appended.index, flush=True)
"""


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("shown", [1, 7, 20])
def test_what_was_committed_survives_a_kill(engine: Engine, shown: int) -> None:
    dsn = engine.url.render_as_string(hide_password=False)
    last = -1
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", APPEND_FOR_EVER, dsn], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(shown):
                last = int(process.stdout.readline())
            os.kill(process.pid, signal.SIGKILL)
            rest = process.stdout.read().split("\n")[:-1]
        last = max([last, *map(int, rest)])
        verdict = Ledger(engine, ORIGIN, KEY.public_key(), lambda: START).verify()
        assert verdict.ok
        assert verdict.size in (last + 1, last + 2)
        last = verdict.size - 1
