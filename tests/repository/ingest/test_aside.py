"""What is set aside: what trips the repository, and how much of all that is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, select

from repository.ingest.aside import UNKNOWN_BODY_BYTES, Bounds
from repository.ingest.take import Ingest
from repository.store.engine import reading
from repository.store.tables.reads import (
    quarantine,
)
from tests.repository.ingest.conftest import NOW, Clock
from tests.repository.ingest.taking import SEEN, one, receipt
from tests.repository.sender import Sender, altered


def test_a_message_that_trips_the_repository_is_set_aside_and_answered(
    ingest: Ingest, sender: Sender, engine: Engine, repository_key: Ed25519PrivateKey
) -> None:
    body = sender.message(sender.read(SEEN))
    taken = ingest.refuse_unprocessable(sender.topic(), body, KeyError("1ABC23"))
    answer = receipt(taken, repository_key)
    assert answer.refused[0].reason == "malformed"
    assert "1ABC23" not in answer.refused[0].detail
    assert one(engine, quarantine).body == body
    assert ingest.take(sender.topic(), body).outcome == "committed"


def test_no_unit_fills_the_disk_with_what_is_refused(
    ingest: Ingest, sender: Sender, engine: Engine, clock: Clock
) -> None:
    modest = replace(ingest, bounds=Bounds(2500, 1000))
    for number in range(5):
        modest.take(sender.topic(), str(number).encode() * 1000)
        modest.take(sender.topic(), str(number).encode() * 1000)  # again: counted once
    assert [len(row.body) for row in kept_aside(engine)] == [1000, 1000, 0, 0, 0]
    assert [row.size_bytes for row in kept_aside(engine)] == [1000] * 5
    modest.take(sender.topic(), b"small" * 100)
    other = Sender(unit="car-13")
    other.enrol(engine, NOW)
    modest.take(other.topic(), b"x" * 1000)
    clock.now += timedelta(days=1)
    modest.take(sender.topic(), b"y" * 1000)
    assert [len(row.body) for row in kept_aside(engine)][5:] == [500, 1000, 1000]


def test_of_what_no_unit_sent_little_is_kept_however_many_names_it_goes_by(
    ingest: Ingest, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repository.ingest.aside.UNKNOWN_BYTES_PER_DAY", 3 * UNKNOWN_BODY_BYTES)
    for number in range(5):
        ingest.take(Sender(unit=f"car-{number}").topic(), b"x" * 10_000)
    lengths = [len(row.body) for row in kept_aside(engine)]
    assert lengths == [UNKNOWN_BODY_BYTES] * 3 + [0] * 2


@pytest.mark.policy("G-15")
def test_records_of_a_good_batch_are_set_aside_whatever_they_come_to(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    """The unit that sent them keeps no copy once they are receipted."""
    bad = [altered(sender.read(SEEN), new=1) for _ in range(3)]
    replace(ingest, bounds=Bounds(0, 1000)).take(sender.topic(), sender.message(*bad))
    assert [row.body for row in kept_aside(engine)] == bad


def kept_aside(engine: Engine) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(quarantine).order_by(quarantine.c.id)).all()
