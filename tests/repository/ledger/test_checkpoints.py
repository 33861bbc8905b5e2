"""Checkpoints as signed notes: against published keys, another tool's parser, and tampering."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.rekor.checkpoint import SignedCheckpoint
from sqlalchemy import Engine

from repository.ledger import checkpoints, log
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import SYSTEM, Entry
from repository.ledger.errors import LedgerError

ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ROOT = bytes(range(32))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "published",
    [
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    ],
)
def test_key_ids_are_those_of_published_keys(published: str) -> None:
    name, mark, encoded = published.split("+", 2)
    public_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
    assert checkpoints.key_id(name, public_key).hex() == mark
    assert checkpoints.verifier_key(name, public_key) == published


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    note = checkpoints.sign(Checkpoint(ORIGIN, 42, ROOT), KEY)
    origin, size, root, blank, signature, end = note.split("\n")
    assert (origin, size, blank, end) == (ORIGIN, "42", "", "")
    assert base64.b64decode(root) == ROOT
    dash, name, encoded = signature.split(" ")
    assert (dash, name) == ("\u2014", ORIGIN)
    signed = base64.b64decode(encoded)
    assert signed[:4] == checkpoints.key_id(ORIGIN, KEY.public_key())
    KEY.public_key().verify(signed[4:], f"{ORIGIN}\n42\n{root}\n".encode())


def test_another_tool_reads_our_checkpoint() -> None:
    note = checkpoints.sign(Checkpoint(ORIGIN, 42, ROOT), KEY)
    parsed = SignedCheckpoint.from_text(note)
    assert parsed.checkpoint.origin == ORIGIN
    assert parsed.checkpoint.log_size == 42
    assert parsed.checkpoint.log_hash == ROOT.hex()
    (signature,) = parsed.signed_note.signatures
    assert signature.name == ORIGIN
    KEY.public_key().verify(base64.b64decode(signature.signature), parsed.signed_note.note.encode())


def test_a_witness_may_add_its_own_signature() -> None:
    note = checkpoints.sign(Checkpoint(ORIGIN, 42, ROOT), KEY)
    cosigned = note + f"\u2014 witness.example {base64.b64encode(bytes(76)).decode()}\n"
    opened = checkpoints.open_note(cosigned, ORIGIN, KEY.public_key())
    assert opened == Checkpoint(ORIGIN, 42, ROOT)


@given(st.data())
def test_a_changed_note_is_refused(data: st.DataObject) -> None:
    note = checkpoints.sign(Checkpoint(ORIGIN, 42, ROOT), KEY)
    place = data.draw(st.integers(0, len(note) - 1))
    char = data.draw(st.characters(codec="utf-8").filter(lambda char: char != note[place]))
    changed = note[:place] + char + note[place + 1 :]
    with pytest.raises(LedgerError):
        checkpoints.open_note(changed, ORIGIN, KEY.public_key())


@given(st.text())
def test_no_text_does_anything_but_open_or_refuse(text: str) -> None:
    with pytest.raises(LedgerError):
        checkpoints.open_note(text, ORIGIN, KEY.public_key())


def test_notes_of_others_are_refused() -> None:
    note = checkpoints.sign(Checkpoint(ORIGIN, 42, ROOT), KEY)
    with pytest.raises(LedgerError, match="not signed by the ledger's key"):
        checkpoints.open_note(note, ORIGIN, OTHER_KEY.public_key())
    with pytest.raises(LedgerError, match=r"not of 'other\.example'"):
        checkpoints.open_note(note, "other.example", KEY.public_key())


@pytest.mark.parametrize("origin", ["", "two words", "plus+sign", "line\nbreak"])
def test_names_that_a_note_cannot_carry_are_refused(origin: str) -> None:
    with pytest.raises(LedgerError, match="no blanks and no plus"):
        Checkpoint(origin, 1, ROOT)


def test_checkpoints_are_kept_once_for_each_size(engine: Engine) -> None:
    entry = Entry("jobs.tick", SYSTEM, NOW, "test")
    with engine.begin() as connection:
        with pytest.raises(LedgerError, match="empty"):
            checkpoints.make(connection, ORIGIN, KEY, NOW)
        assert checkpoints.latest(connection) is None
        log.append(connection, entry)
        first = checkpoints.make(connection, ORIGIN, KEY, NOW)
        assert checkpoints.make(connection, ORIGIN, KEY, NOW) == first
        appended = log.append(connection, entry)
        second = checkpoints.make(connection, ORIGIN, KEY, NOW)
        assert checkpoints.latest(connection) == second != first
    opened = checkpoints.open_note(second, ORIGIN, KEY.public_key())
    assert (opened.size, opened.root.hex()) == (2, appended.root_hex)
