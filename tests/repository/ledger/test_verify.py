"""Tampering with a ledger, and what verification says of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, delete, insert, select, text, update

from edge.contract import merkle
from repository.ledger import checkpoints, log
from repository.ledger.entry import Actor, Entry, leaf
from repository.ledger.errors import LedgerError
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.ledger.verify import Verdict
from repository.store.tables.ledger import ledger_checkpoints, ledger_entries, ledger_state

ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIZE = 10
SIGNED_AT = (4, 8)

entries = ledger_entries


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """Ten entries; checkpoints over the first four and the first eight."""
    built = Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW)
    for index in range(SIZE):
        actor = Actor(f"u-{index}", "jdoe", "Jane Doe", "salem-pd")
        with engine.begin() as connection:
            log.append(connection, Entry("search.run", actor, NOW, "10.0.0.7", {"n": index}))
        if index + 1 in SIGNED_AT:
            Signer(built, KEY).sign_checkpoint()
    return built


def test_an_untouched_ledger_verifies(ledger: Ledger) -> None:
    verdict = ledger.verify()
    assert verdict.ok
    assert (verdict.size, verdict.checkpoints, verdict.first_wrong) == (SIZE, 2, None)
    with ledger.engine.begin() as connection:
        assert verdict.root_hex == log.state(connection).root().hex()


def test_an_empty_ledger_verifies(engine: Engine) -> None:
    assert Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW).verify() == Verdict(
        0, merkle.EMPTY_ROOT.hex(), 0, None, None
    )


def change_body(connection: Connection, index: int, **changes: Any) -> None:
    """Rewrite one entry's body and the digest beside it, as one who knows the format would."""
    body = connection.scalar(select(entries.c.body).where(entries.c.entry_index == index))
    assert body is not None
    changed = rfc8785.dumps(json.loads(body) | changes)
    connection.execute(
        update(entries)
        .where(entries.c.entry_index == index)
        .values(body=changed, leaf=leaf(changed))
    )


def rebuild(connection: Connection) -> None:
    """Recompute every root and the state, as one who owns the whole database would."""
    tree = merkle.Frontier()
    for index, digest in connection.execute(
        select(entries.c.entry_index, entries.c.leaf).order_by(entries.c.entry_index)
    ).all():
        tree = tree.append(merkle.leaf_hash(digest))
        connection.execute(
            update(entries).where(entries.c.entry_index == index).values(root=tree.root())
        )
    connection.execute(update(ledger_state).values(size=tree.size, frontier=b"".join(tree.hashes)))


def change_a_byte(connection: Connection) -> None:
    connection.execute(
        update(entries).where(entries.c.entry_index == 5).values(body=b'{"index":5}')
    )


def change_a_column(connection: Connection) -> None:
    connection.execute(update(entries).where(entries.c.entry_index == 5).values(agency="boston-pd"))


def change_the_time_beside(connection: Connection) -> None:
    later = datetime(2026, 3, 2, tzinfo=UTC)
    connection.execute(update(entries).where(entries.c.entry_index == 5).values(at=later))


def change_body_and_digest(connection: Connection) -> None:
    change_body(connection, 5, count=0)


def drop_one(connection: Connection) -> None:
    connection.execute(delete(entries).where(entries.c.entry_index == 5))


def drop_one_and_close_the_gap(connection: Connection) -> None:
    connection.execute(delete(entries).where(entries.c.entry_index == 5))
    for index in range(6, SIZE):
        connection.execute(
            update(entries).where(entries.c.entry_index == index).values(entry_index=index - 1)
        )


def swap_two(connection: Connection) -> None:
    for old, new in ((5, -1), (6, 5), (-1, 6)):
        connection.execute(
            update(entries).where(entries.c.entry_index == old).values(entry_index=new)
        )


def insert_one(connection: Connection) -> None:
    for index in reversed(range(5, SIZE)):
        connection.execute(
            update(entries).where(entries.c.entry_index == index).values(entry_index=index + 1)
        )
    row = connection.execute(select(entries).where(entries.c.entry_index == 4)).one()
    connection.execute(insert(entries).values(row._asdict() | {"entry_index": 5}))


def write_no_entry(connection: Connection) -> None:
    connection.execute(
        update(entries).where(entries.c.entry_index == 5).values(body=b"[]", leaf=leaf(b"[]"))
    )


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (change_a_byte, "contents do not fit its digest"),
        (change_a_column, "columns are not what its body says"),
        (change_the_time_beside, "columns are not what its body says"),
        (change_body_and_digest, "root does not follow"),
        (drop_one, "missing; the next one is 6"),
        (drop_one_and_close_the_gap, "was recorded as entry 6"),
        (swap_two, "was recorded as entry 6"),
        (insert_one, "was recorded as entry 4"),
        (write_no_entry, "contents are no entry"),
    ],
)
def test_the_first_wrong_entry_is_named(
    ledger: Ledger, tamper: Callable[[Connection], None], problem: str
) -> None:
    with ledger.engine.begin() as connection:
        tamper(connection)
    verdict = ledger.verify()
    assert not verdict.ok
    assert verdict.first_wrong == 5
    assert verdict.problem is not None
    assert problem in verdict.problem


@pytest.mark.policy("C-4c")
def test_an_entry_below_zero_is_out_of_place(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        row = connection.execute(select(entries).where(entries.c.entry_index == 0)).one()
        connection.execute(insert(entries).values(row._asdict() | {"entry_index": -1}))
    assert ledger.verify().first_wrong == -1


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("kept", [9, 8, 5, 0])
def test_a_cut_tail_is_seen(ledger: Ledger, kept: int) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(delete(entries).where(entries.c.entry_index >= kept))
    verdict = ledger.verify()
    assert verdict.first_wrong == kept
    assert verdict.problem is not None
    assert "missing" in verdict.problem


@pytest.mark.policy("C-4c")
def test_a_restore_is_told_of_beside_a_checkpoint_held_outside_and_no_other(ledger: Ledger) -> None:
    said = {"backup": "ab" * 32, "made_at": NOW.isoformat()}
    for request in ({}, said):  # the first is named like one and says nothing of it
        with ledger.engine.begin() as connection:
            log.append(
                connection,
                Entry("repository.restore", Actor("u", "x", "X", "a"), NOW, "here", request),
            )
    held = checkpoints.sign(checkpoints.Checkpoint(ORIGIN, SIZE + 5, bytes(32)), KEY)
    verdict = ledger.verify([held])
    assert not verdict.ok
    assert [each.index for each in verdict.restores] == [SIZE + 1]
    assert "2026-03-01 12:00 UTC, of the backup abababababababab" in verdict.restores[0].words()
    with ledger.engine.begin() as connection:
        log.append(connection, Entry("search.run", Actor("u", "x", "X", "a"), NOW, "here"))
    Signer(ledger, KEY).sign_checkpoint()
    with ledger.engine.begin() as connection:
        connection.execute(delete(entries).where(entries.c.entry_index == SIZE + 2))
    verdict = ledger.verify()
    assert not verdict.ok
    assert verdict.restores == ()


@pytest.mark.policy("C-4c")
def test_an_entry_that_the_state_does_not_count_is_seen(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        size, frontier = connection.execute(
            select(ledger_state.c.size, ledger_state.c.frontier)
        ).one()
        log.append(connection, Entry("search.run", Actor("u", "x", "X", "a"), NOW, "here"))
        connection.execute(update(ledger_state).values(size=size, frontier=frontier))
    verdict = ledger.verify()
    assert verdict.first_wrong == SIZE
    assert verdict.problem is not None
    assert "past the ledger's state" in verdict.problem


@pytest.mark.policy("C-4c")
def test_whoever_recomputes_every_hash_still_meets_the_signatures(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        change_body(connection, 5, count=0)
        rebuild(connection)
    verdict = ledger.verify()
    assert verdict.first_wrong == 4
    assert verdict.problem is not None
    assert "entry 4 or one after it, before 8: rewritten" in verdict.problem


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("kept", [9, 8, 7])
def test_only_a_checkpoint_held_outside_sees_its_own_copies_dropped(
    ledger: Ledger, kept: int
) -> None:
    outside = Signer(ledger, KEY).sign_checkpoint()
    with ledger.engine.begin() as connection:
        connection.execute(delete(entries).where(entries.c.entry_index >= kept))
        connection.execute(delete(ledger_checkpoints))
        rebuild(connection)
    assert ledger.verify().ok
    verdict = ledger.verify(held=[outside])
    assert verdict.first_wrong == kept
    assert verdict.problem is not None
    assert "covers 10 entries" in verdict.problem


@pytest.mark.policy("C-4c")
def test_a_checkpoint_made_with_another_key_is_seen(ledger: Ledger) -> None:
    forger = Ed25519PrivateKey.generate()
    with ledger.engine.begin() as connection:
        change_body(connection, 5, count=0)
        rebuild(connection)
        root = connection.scalar(select(entries.c.root).where(entries.c.entry_index == 7))
        assert root is not None
        note = checkpoints.sign(checkpoints.Checkpoint(ORIGIN, 8, root), forger)
        connection.execute(
            update(ledger_checkpoints)
            .where(ledger_checkpoints.c.size == 8)
            .values(root=root, note=note)
        )
    verdict = ledger.verify()
    assert not verdict.ok
    assert verdict.problem == (
        "the checkpoint stored at size 8: checkpoint: not signed by the ledger's key"
    )


def change_the_tail_and_rebuild(connection: Connection) -> None:
    """Its new hashes all fit, but what was signed before is not what they rest on."""
    change_body(connection, 5, count=0)
    rebuild(connection)


def change_the_last(connection: Connection) -> None:
    change_body(connection, 9, count=0)


def cut_what_was_signed(connection: Connection) -> None:
    connection.execute(delete(entries).where(entries.c.entry_index >= 6))
    rebuild(connection)


def count_more(connection: Connection) -> None:
    connection.execute(update(ledger_state).values(size=12))


def forge_the_hashes_to_go_on_from(connection: Connection) -> None:
    connection.execute(
        update(ledger_checkpoints).where(ledger_checkpoints.c.size == 8).values(frontier=bytes(32))
    )


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (change_the_tail_and_rebuild, "entry 8: its root does not follow"),
        (change_the_last, "entry 9: its root does not follow"),
        (cut_what_was_signed, "entry 6: missing; the last checkpoint covers 8"),
        (count_more, "entry 10: missing; the ledger's state counts 12"),
        (forge_the_hashes_to_go_on_from, "checkpoint at size 8: its hashes"),
    ],
)
def test_what_does_not_follow_from_the_last_checkpoint_is_not_signed(
    ledger: Ledger, tamper: Callable[[Connection], None], problem: str
) -> None:
    before = ledger.latest_checkpoint()
    with ledger.engine.begin() as connection:
        tamper(connection)
    with pytest.raises(LedgerError, match="not signed, since it is not whole") as refused:
        Signer(ledger, KEY).sign_checkpoint()
    assert problem in str(refused.value)
    assert ledger.latest_checkpoint() == before


def test_signing_reads_no_entry_that_was_signed_before(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        change_body(connection, 2, count=0)
    opened = checkpoints.open_note(Signer(ledger, KEY).sign_checkpoint(), ORIGIN, KEY.public_key())
    assert opened.size == SIZE
    assert ledger.verify().first_wrong == 2


def test_checkpoints_that_say_other_than_their_columns_are_seen(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(
            update(ledger_checkpoints).where(ledger_checkpoints.c.size == 8).values(root=bytes(32))
        )
    assert "columns are not what its note says" in str(ledger.verify().problem)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"size": 11}, "damaged"),
        ({"frontier": bytes(64)}, "not the tree of its entries"),
        ({"frontier": bytes(63)}, "damaged"),
    ],
)
def test_a_state_that_does_not_fit_is_seen(
    ledger: Ledger, values: dict[str, Any], problem: str
) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(update(ledger_state).values(values))
    assert problem in str(ledger.verify().problem)


def test_a_held_text_that_is_no_checkpoint_is_said(ledger: Ledger) -> None:
    assert "1 of those held outside" in str(ledger.verify(held=["nonsense"]).problem)


@pytest.mark.parametrize("index", range(8))
def test_an_entry_is_proven_to_who_has_only_the_key(ledger: Ledger, index: int) -> None:
    proof = ledger.prove_entry(index, Actor("u-1", "chief", "A Chief", "salem-pd"), "here")
    with ledger.engine.begin() as connection:
        *_, last = log.rows(connection)
    assert last.action == "ledger.prove"
    signed = checkpoints.open_note(proof.checkpoint, ORIGIN, KEY.public_key())
    assert leaf(proof.body.encode()).hex() == proof.leaf
    merkle.verify_inclusion(
        merkle.leaf_hash(bytes.fromhex(proof.leaf)),
        index,
        signed.size,
        [bytes.fromhex(each) for each in proof.path],
        signed.root,
    )


@pytest.mark.parametrize("old_size", range(1, 9))
def test_growth_is_proven(ledger: Ledger, old_size: int) -> None:
    proof = ledger.prove_growth(old_size)
    signed = checkpoints.open_note(proof.checkpoint, ORIGIN, KEY.public_key())
    merkle.verify_consistency(
        old_size,
        signed.size,
        bytes.fromhex(proof.old_root),
        signed.root,
        [bytes.fromhex(each) for each in proof.path],
    )


# PostgreSQL itself refuses such a value.
@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_column_of_another_type_is_seen(ledger: Ledger) -> None:
    with ledger.engine.begin() as connection:
        connection.execute(
            text("UPDATE ledger_entries SET body = CAST(body AS TEXT) WHERE entry_index = 2")
        )
    verdict = ledger.verify()
    assert not verdict.ok
    assert verdict.problem is not None
