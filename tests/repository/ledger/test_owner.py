"""The database's owner changes the past and makes everything fit it: who kept a checkpoint sees."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, delete, insert, update

from edge.contract import merkle
from repository.ledger import log, tiles
from repository.ledger.entry import Actor, Entry, leaf
from repository.ledger.errors import LedgerError
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store.engine import reading
from repository.store.tables.ledger import ledger_checkpoints, ledger_entries, ledger_state

ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACTOR = Actor("u-1", "jdoe", "Jane Doe", "salem-pd")
SIZE = 9
AT = 4
"""The entry from which on the past is another."""

Bodies = list[dict[str, Any]]


def change(bodies: Bodies) -> None:
    bodies[AT]["request"] = {"n": "nothing to see here"}


def drop(bodies: Bodies) -> None:
    del bodies[AT]


def swap(bodies: Bodies) -> None:
    bodies[AT], bodies[AT + 1] = bodies[AT + 1], bodies[AT]


def put_in(bodies: Bodies) -> None:
    bodies.insert(AT, bodies[AT - 1] | {"salt": "00" * 16})


def cut(bodies: Bodies) -> None:
    del bodies[AT:]


def cut_and_go_on(bodies: Bodies) -> None:
    del bodies[AT:]
    bodies.extend(bodies[0] | {"salt": f"{number:032x}"} for number in range(2 * SIZE))


TAMPERINGS = (change, drop, swap, put_in, cut, cut_and_go_on)


def rebuild(engine: Engine, tamper: Callable[[Bodies], None]) -> None:
    """Make another past, with indexes, digests, roots, state and tiles that all fit it."""
    with engine.begin() as connection:
        bodies = [json.loads(row.body) for row in log.rows(connection)]
        tamper(bodies)
        connection.execute(delete(ledger_entries))
        connection.execute(delete(ledger_checkpoints))
        tree = merkle.Frontier()
        for index, content in enumerate(bodies):
            body = rfc8785.dumps(content | {"index": index})
            tree = tree.append(merkle.leaf_hash(leaf(body)))
            row = {
                "entry_index": index,
                "action": content["action"],
                "user_id": ACTOR.user_id,
                "agency": ACTOR.agency,
                "at": NOW,
                "body": body,
                "leaf": leaf(body),
                "root": tree.root(),
            }
            connection.execute(insert(ledger_entries).values(row))
        state = {"size": tree.size, "frontier": b"".join(tree.hashes)}
        connection.execute(update(ledger_state).values(state))
        tiles.rebuild(connection)


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    return Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW)


def fill(ledger: Ledger) -> list[str]:
    """The checkpoints of every size from 1."""
    held = []
    for number in range(SIZE):
        with ledger.engine.begin() as connection:
            log.append(connection, Entry("search.run", ACTOR, NOW, "10.0.0.7", {"n": number}))
        held.append(Signer(ledger, KEY).sign_checkpoint())
    return held


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("tamper", TAMPERINGS)
@pytest.mark.parametrize("signed_anew", [False, True], ids=["unsigned", "signed with its key"])
def test_another_past_is_found_against_any_checkpoint_that_saw_the_right_one(
    ledger: Ledger, tamper: Callable[[Bodies], None], signed_anew: bool
) -> None:
    held = fill(ledger)
    rebuild(ledger.engine, tamper)
    if signed_anew:
        Signer(ledger, KEY).sign_checkpoint()
    assert ledger.verify().ok  # by itself it is a ledger like any other
    for size, note in enumerate(held, start=1):
        verdict = ledger.verify([note])
        assert verdict.ok == (size <= AT), size
    everything = ledger.verify(held)
    assert everything.first_wrong == AT
    if signed_anew:
        with reading(ledger.engine) as connection:
            size = log.state(connection).size
        said = "no proof can be shown" if size >= SIZE else "the ledger was cut|no proof"
        with pytest.raises(LedgerError, match=said):
            ledger.prove_growth(held[-1]) if size >= SIZE else ledger.prove_growth(1, held[-1])


@pytest.mark.policy("C-4c")
def test_who_turns_back_all_tables_together_is_found_by_one_checkpoint(ledger: Ledger) -> None:
    """Entries, state, tiles and checkpoints as they were: a database restored from before."""
    held = fill(ledger)
    with ledger.engine.begin() as connection:
        connection.execute(delete(ledger_checkpoints).where(ledger_checkpoints.c.size > AT))
        connection.execute(delete(ledger_entries).where(ledger_entries.c.entry_index >= AT))
        tree = merkle.Frontier()
        for row in log.rows(connection):
            tree = tree.append(merkle.leaf_hash(row.leaf))
        state = {"size": tree.size, "frontier": b"".join(tree.hashes)}
        connection.execute(update(ledger_state).values(state))
    assert ledger.verify().ok
    verdict = ledger.verify(held[-1:])
    assert verdict.first_wrong == AT
    assert f"entry {AT}: missing" in str(verdict.problem)
