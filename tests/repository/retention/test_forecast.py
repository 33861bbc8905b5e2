"""A purge that does not look right is refused until a person says that it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select

from edge.contract.records import mint_id
from repository.accounts.roles import Role
from repository.retention import forecast
from repository.retention.forecast import PurgeError, require_expected_count
from repository.store.engine import reading
from repository.store.partitions import ensure_days
from repository.store.tables.fleet import agencies
from repository.store.tables.plates import plates
from repository.store.tables.reads import batches, reads
from repository.store.tables.retention import purges
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def purged(engine: Engine, at: datetime, *numbers: int) -> None:
    row = {
        "purged_at": at, "day": at.date(), "expired_before": at, "reads_held": 0,
        "hits_purged": 0, "unit_records_purged": 0, "quarantine_purged": 0, "pictures_purged": 0,
        "ids_digest": "0" * 64, "rule_digest": "0" * 64, "ledger_index": 0,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(purges), [row | {"reads_purged": each} for each in numbers])


def came_in(engine: Engine, at: datetime, first: int, number: int) -> None:
    row = {
        "unit_id": 1, "first_seq": first, "last_seq": first + number - 1,
        "previous_root": "0" * 64, "root": "0" * 64, "key_id": "0" * 16, "signature": "0",
        "record_digests": b"", "message": "0" * 64, "received_at": at,
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(insert(batches), [row])


def judge(engine: Engine, count: int, confirmed: int | None = None) -> None:
    with reading(engine) as connection:
        require_expected_count(connection, count, NOW, confirmed)


def test_few_reads_go_without_a_forecast_and_many_do_not(engine: Engine) -> None:
    judge(engine, forecast.FEW)
    with pytest.raises(PurgeError, match=r"1001 reads would go.* --confirm-count 1001"):
        judge(engine, forecast.FEW + 1)


def test_four_times_the_busiest_purge_of_the_last_days_is_expected(engine: Engine) -> None:
    purged(engine, NOW - 29 * DAY, 1_000_000)  # too long ago
    purged(engine, NOW - 27 * DAY, 1000, 500)
    purged(engine, NOW - DAY, 700)
    judge(engine, 6000)
    with pytest.raises(PurgeError, match="brought in or purged 1500"):
        judge(engine, 6001)


def test_four_times_what_came_in_on_the_busiest_day_is_expected(engine: Engine) -> None:
    with engine.begin() as connection:
        ensure_days(connection, [NOW.date()])
    add_agencies(engine)
    came_in(engine, NOW - 29 * DAY, 1, 1_000_000)
    came_in(engine, NOW - DAY, 2_000_000, 900)
    came_in(engine, NOW - DAY, 3_000_000, 600)
    judge(engine, 6000)
    with pytest.raises(PurgeError, match="brought in or purged 1500"):
        judge(engine, 6001)


def test_a_number_is_confirmed_to_a_hundredth(engine: Engine) -> None:
    judge(engine, 5000, confirmed=4950)
    judge(engine, 5000, confirmed=5050)
    for wrong in (4949, 5051, 1_000_000):
        with pytest.raises(PurgeError):
            judge(engine, 5000, confirmed=wrong)


def test_only_a_signed_in_person_lets_so_many_go(command_line: CommandLine) -> None:
    engine = command_line.engine
    add_units(engine, NOW, agencies=[1])
    at = datetime.now(UTC) - timedelta(days=400)
    row = {
        "unit_id": 1, "captured_at": at, "agency_id": 1, "seq": 1, "batch_first_seq": 1,
        "camera": "front", "plate": "1ABC20", "plate_folded": "1ABC20", "confidence": 1.0,
        "has_hits": False, "record": b"{}", "received_at": datetime.now(UTC),
    }  # fmt: skip
    number = forecast.FEW + 1
    with engine.begin() as connection:
        ids = (mint_id(at, lambda size, n=n: n.to_bytes(size, "big")) for n in range(number))
        connection.execute(insert(reads), [row | {"read_id": each} for each in ids])
        connection.execute(insert(plates).values(plate="1ABC20"))
    command_line.hire("jdoe", frozenset({Role.OPERATOR}))
    assert f"{number} reads would go" in command_line.refused("purge", "--now")
    assert recorded(engine)[-1]["outcome"] == "refused"
    unnamed = command_line.run("purge", "--now", f"--confirm-count={number}")
    assert (unnamed.exit_code, "needs --user" in unnamed.output) == (2, True)
    counted = json.loads(command_line.ok("purge", "--dry-run", "--json"))
    assert (counted["reads_purged"], counted["days"]) == (number, [at.date().isoformat()])

    done = json.loads(
        command_line.ok(
            "purge", "--now", "--user=jdoe", f"--confirm-count={counted['reads_purged']}", "--json",
            password=PASSWORD,
        )
    )  # fmt: skip

    assert (done["reads_purged"], done["days"]) == (number, [at.date().isoformat()])
    *_, certificate, run = recorded(engine)
    assert (certificate["action"], certificate["actor"]["login"]) == ("purge.day", "jdoe")
    assert (run["action"], run["count"]) == ("purge.run", number)
    with reading(engine) as connection:
        assert connection.execute(select(plates)).all() == []


def add_agencies(engine: Engine) -> None:
    with engine.begin() as connection:
        row = {"id": 1, "name": "salem-pd", "title": "Salem", "created_at": NOW}
        connection.execute(insert(agencies), [row])
    add_units(engine, NOW, agencies=[1])
