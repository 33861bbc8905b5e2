"""``retention verify`` finds every kind of leftover and loss, and nothing in a clean store."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from repository.ingest.take import Ingest
from repository.ledger.entry import Actor
from repository.retention import holds, purge
from repository.retention.duties import Duties
from repository.retention.holds_request import HoldRequest
from repository.retention.purge import Confirmation
from repository.retention.rules import shipped_rule
from repository.retention.verify import Verified, verify
from repository.store.partitions import ensure_days
from repository.store.pictures import PictureStore
from repository.store.tables.plates import plates
from repository.store.tables.reads import (
    batches,
    hits,
    picture_keys,
    pictures,
    quarantine,
    reads,
    unit_records,
)
from repository.store.tables.retention import doomed_plates, purges
from repository.store.tables.retention import holds as hold_rows
from tests.repository.ingest.conftest import NOW
from tests.repository.people import CommandLine
from tests.repository.picture_files import picture_file
from tests.repository.sender import AGENCY, PICTURE, Sender, altered

A_YEAR_ON = datetime(2027, 3, 2, tzinfo=UTC)  # the day of NOW has passed for good
MINUTE = timedelta(minutes=1)
RULE = shipped_rule("massachusetts")
OFFICER = Actor("u-1", "jdoe", "Jane Doe", AGENCY)
ROWS = (reads, hits, unit_records, pictures, quarantine)

CLOCK = Confirmation(clock_is=A_YEAR_ON.date())


def load_duties(connection: Connection) -> Duties:
    return Duties.load(connection, RULE, shipped_rule)


def look(ingest: Ingest, now: datetime = A_YEAR_ON, grace: timedelta = timedelta()) -> Verified:
    return verify(ingest.engine, ingest.pictures, load_duties, now=now, grace=grace)


def kinds(found: Verified) -> list[str]:
    return sorted({each.kind for each in (*found.left, *found.lost)})


@pytest.fixture
def past(ingest: Ingest, sender: Sender) -> dict[str, list[dict[str, Any]]]:
    """The rows of a purged store as they were before: one read is held, one of everything went."""
    engine = ingest.engine
    held = sender.read(NOW - MINUTE, plate="1HELD1", pictures=[PICTURE])
    old = sender.read(NOW - MINUTE, plate="2OLD22", pictures=[b"old", PICTURE])
    hit = sender.hit(NOW - MINUTE, old.id, plate="2OLD22")
    said = sender.disposition(NOW - MINUTE, hit.id)
    bad = altered(sender.read(NOW - MINUTE), camera=None)
    ingest.take(sender.topic(), sender.message(held, old, hit, said, bad))
    for each, body in ((old.pictures[0], b"old"), (old.pictures[1], PICTURE)):
        ingest.take(sender.topic("picture", each.sha256), body)
    with engine.begin() as connection:
        # What was acted on is held by itself; here it is to go.
        connection.execute(update(hold_rows).values(released_at=NOW))
        before = {
            table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for table in (*ROWS, picture_keys)
        }
        target = HoldRequest("24-1187", "arrest", "seen", (held.id,))
        holds.add(connection, target, actor=OFFICER, origin="test", now=NOW)
    purge.run(engine, ingest.pictures, load_duties, now=A_YEAR_ON, confirmed=CLOCK)
    return before


def test_a_purged_store_is_clean_and_says_what_it_holds(ingest: Ingest, past: Any) -> None:
    found = look(ingest)
    assert (found.left, found.lost, found.disagreeing) == ((), (), ())
    assert (found.held, found.waiting) == (1, 0)


@pytest.mark.policy("C-7b")
@pytest.mark.parametrize(
    ("table", "kind"),
    [
        (reads, "read"),
        (hits, "hit"),
        (unit_records, "unit_record"),
        (pictures, "picture_row"),
        (quarantine, "quarantine"),
        (picture_keys, "picture_key"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_row_that_came_back_is_found(
    ingest: Ingest, engine: Engine, past: dict[str, list[dict[str, Any]]], table: Any, kind: str
) -> None:
    with engine.begin() as connection:
        ensure_days(connection, [NOW.date()])
        there = {tuple(row) for row in connection.execute(select(*table.primary_key))}
        gone = [
            row
            for row in past[table.name]
            if tuple(row[each.name] for each in table.primary_key) not in there
        ]
        connection.execute(insert(table), gone[:1])
    found = look(ingest)
    # A word and a picture's row may come with a read; nothing else does.
    assert kind in kinds(found)
    assert set(kinds(found)) <= {kind, "dictionary", "picture_file_without_read"}
    assert "2OLD22" not in str(found)


def test_a_read_whose_hold_ended_is_found_once_the_purge_is_overdue(
    ingest: Ingest, engine: Engine, past: Any
) -> None:
    with engine.begin() as connection:
        connection.execute(update(hold_rows).values(released_at=A_YEAR_ON))
    assert "read" in kinds(look(ingest))


def test_what_expired_since_the_last_purge_waits_and_is_left_only_once_that_is_overdue(
    ingest: Ingest, sender: Sender, engine: Engine
) -> None:
    ingest.take(sender.topic(), sender.message(sender.read(NOW - MINUTE)))
    expires = RULE.expires_at(NOW - MINUTE, hit=False)
    early = look(ingest, expires + timedelta(hours=1), grace=timedelta(hours=2))
    assert (early.clean, early.waiting) == (True, 1)
    late = look(ingest, expires + timedelta(hours=2), grace=timedelta(hours=2))
    assert (kinds(late), late.waiting) == (["read"], 0)


@pytest.mark.parametrize("day", ["2026-03-01", "held/2026-03-01"])
def test_a_picture_file_that_is_left_is_found(
    ingest: Ingest, pictures: PictureStore, past: Any, day: str
) -> None:
    held = picture_file(pictures, NOW.date(), "ab" * 32)
    folder = held.parents[2] / day / "ab"
    folder.mkdir(parents=True)
    (folder / ("ab" * 32)).write_bytes(b"a picture")
    assert kinds(look(ingest)) == ["picture_file_without_read"]


def test_words_and_doomed_words_are_found(ingest: Ingest, engine: Engine, past: Any) -> None:
    with engine.begin() as connection:
        connection.execute(insert(plates).values(plate="3WORD3"))
        connection.execute(insert(doomed_plates).values(plates="4DOOM4"))
    found = look(ingest)
    assert kinds(found) == ["dictionary", "doomed"]
    assert "3WORD3" not in str(found)
    assert "4DOOM4" not in str(found)


def lose_read(connection: Connection) -> None:
    connection.execute(delete(reads))


def change_read(connection: Connection) -> None:
    connection.execute(update(reads).values(record=b'{"plate":"another"}'))


def lose_batch(connection: Connection) -> None:
    connection.execute(delete(batches))


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (lose_read, "held_read_missing"),
        (change_read, "held_read_changed"),
        (lose_batch, "held_read_changed"),
    ],
)
def test_a_held_read_that_is_gone_or_changed_is_found(
    ingest: Ingest, engine: Engine, past: Any, harm: Callable[[Connection], None], kind: str
) -> None:
    with engine.begin() as connection:
        harm(connection)
    assert kind in kinds(look(ingest))


def test_a_held_picture_that_does_not_open_is_found(ingest: Ingest, past: Any) -> None:
    files = [path for path in ingest.pictures.place.folder.rglob("*") if path.is_file()]  # type: ignore[attr-defined]
    for file in files:
        file.write_bytes(b"damaged")
    assert kinds(look(ingest)) == ["held_picture_lost"]


@pytest.mark.parametrize("table", ["purges", "ledger"])
def test_a_certificate_that_does_not_agree_is_found(
    ingest: Ingest, engine: Engine, past: Any, table: str
) -> None:
    with engine.begin() as connection:
        if table == "purges":
            connection.execute(update(purges).values(reads_purged=7))
        else:
            connection.execute(update(purges).values(ledger_index=1000))
    found = look(ingest)
    assert len(found.disagreeing) == (1 if table == "purges" else 2)
    assert found.clean is False


def test_the_command_says_what_is_wrong_and_ends_with_1(command_line: CommandLine) -> None:
    said = json.loads(command_line.ok("retention", "verify", "--json"))
    assert (said["clean"], said["held"]) == (True, 0)
    with command_line.engine.begin() as connection:
        connection.execute(insert(plates).values(plate="3WORD3"))
    done = command_line.run("retention", "verify")
    assert done.exit_code == 1
    assert "left: dictionary 1 words" in done.output
    assert "3WORD3" not in done.output
