"""Hits become alerts with their verification, what came of them, and the holds on their reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from sqlalchemy import Engine, delete, insert, update

from edge.contract import records as r
from repository.accounts.errors import NotYetOpenError
from repository.accounts.user import User
from repository.hotlists.alert_present import as_mapping, lines
from repository.hotlists.alert_state import Alert, PlacedHold
from repository.hotlists.alerts import MAX_WINDOW, AlertQuery, Alerts
from repository.hotlists.errors import AlertRefusedError
from repository.retention import holds
from repository.store.tables.fleet import agencies
from repository.store.tables.people import trainings
from repository.store.tables.reads import hits, reads, unit_records
from repository.store.tables.retention import holds as holds_table
from tests.repository.people import Clock, recorded, sign_agreement, train
from tests.repository.sender import Sender, match
from tests.repository.sightings import add_units, sight

SALEM = Sender(agency="salem-pd", unit="car-7")


@pytest.fixture(autouse=True)
def _units(engine: Engine, accounts: object, clock: Clock) -> None:
    add_units(engine, clock())


def verification(hit: r.Hit, **changes: Any) -> r.Verification:
    fields = {
        "characters_match": True,
        "state_matches": True,
        "status_source": "ncic",
        "status_checked_at": hit.captured_at,
        "status_answer": "active",
        "note": "",
        "officer": "badge 7",
    } | changes
    return r.Verification(**SALEM.common(hit.captured_at), hit=hit.id, **fields)


def disposition(hit: r.Hit, outcome: str, case: str | None = None) -> r.Disposition:
    return msgspec.structs.replace(
        SALEM.disposition(hit.captured_at, hit.id), outcome=outcome, case_number=case
    )


UNASKED = {"status_source": "not_checked", "status_checked_at": None, "status_answer": None}


def arrive(
    engine: Engine,
    at: datetime,
    *records: Any,
    unit: int = 1,
    rang: bool = True,
    finally_read: r.Read | None = None,
    **matched: Any,
) -> r.Hit:
    """A hit as ingest would have stored it, with its read and these records about it."""
    read_id = sight(engine, "1ABC23", at, unit=unit)
    hit = msgspec.structs.replace(
        SALEM.hit(at, read_id),
        rang=rang,
        match=msgspec.structs.replace(match(), **matched),
    )
    row = {"unit_id": unit, "captured_at": at, "agency_id": unit, "seq": hit.seq, "received_at": at}
    with engine.begin() as connection:
        final = finally_read or msgspec.structs.replace(SALEM.read(at), hits=(hit.match,))
        record = r.encode_record(msgspec.structs.replace(final, id=read_id))
        connection.execute(
            update(reads).where(reads.c.read_id == read_id).values(has_hits=True, record=record)
        )
        connection.execute(
            insert(hits).values(
                **row, hit_id=hit.id, read_id=read_id, camera="front", plate=hit.plate,
                list_name=hit.match.list_name, kind=hit.match.kind, priority=1, rang=rang,
                record=r.encode_record(hit),
            )
        )  # fmt: skip
    for make in records:
        tell(engine, make(hit), unit)
    return hit


def tell(engine: Engine, record: Any, unit: int = 1) -> dict[str, Any]:
    """What an officer recorded of a hit, as ingest would have stored it."""
    row = {
        "unit_id": unit,
        "captured_at": record.captured_at,
        "record_id": record.id,
        "agency_id": unit,
        "seq": record.seq,
        "type": type(record).__name__.lower(),
        "hit_id": record.hit,
        "record": r.encode_record(record),
        "received_at": record.captured_at,
    }
    with engine.begin() as connection:
        connection.execute(insert(unit_records).values(**row))
    return row


def day(clock: Clock, **changes: Any) -> AlertQuery:
    return replace(AlertQuery(clock() - timedelta(days=1), clock()), **changes)


def shown(alerts: Alerts, user: User, query: AlertQuery) -> Sequence[Alert]:
    return alerts.show(user, query, "test").alerts


@pytest.mark.policy("M-F-a")
@pytest.mark.parametrize(
    ("said", "state"),
    [
        ((), "unverified"),
        ((verification,), "verified"),
        ((lambda hit: verification(hit, **UNASKED),), "verified_by_eye"),
        ((lambda hit: verification(hit, status_answer="unavailable"),), "verified_by_eye"),
        ((lambda hit: verification(hit, status_answer="not_active"),), "not_verified"),
        ((lambda hit: verification(hit, characters_match=False, **UNASKED),), "not_verified"),
        ((lambda hit: verification(hit, state_matches=False),), "not_verified"),
        ((lambda hit: verification(hit, characters_match=False), verification), "verified"),
    ],
)
def test_the_last_verification_says_where_an_alert_stands(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock, said: Any, state: str
) -> None:
    hit = arrive(engine, clock() - timedelta(hours=1), *said)
    (alert,) = shown(alerts, officer, day(clock))
    assert (alert.hit, alert.checked) == (hit, state)
    assert len(alert.verifications) == len(said)
    assert shown(alerts, officer, day(clock, checked=state)) == (alert,)
    others = {"unverified", "verified", "not_verified", "verified_by_eye"} - {state}
    assert not any(shown(alerts, officer, day(clock, checked=each)) for each in others)


@pytest.mark.policy("M-C6")
@pytest.mark.policy("C-7b-i")
def test_an_alert_that_was_acted_on_shows_its_outcome_and_the_hold_that_keeps_it(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    hit = arrive(engine, clock() - timedelta(hours=1), verification)
    row = tell(engine, disposition(hit, "arrest", "24-1187"))
    with engine.begin() as connection:
        (number,) = holds.preserve_acted_on(connection, 1, 1, [row], clock())
    (alert,) = shown(alerts, officer, day(clock))
    assert alert.acted_on
    assert not alert.acted_on_unverified
    assert alert.holds == (PlacedHold(number, "24-1187", "arrest"),)
    said = "\n".join(lines(alert))
    for part in (
        "list stolen version 7, entry entry-1: stolen_vehicle, 1ABC23 MA, exact",
        "verified by badge 7: by eye; ncic says active",
        "arrest said by badge 7, case 24-1187",
        f"preserved under hold {number} for case 24-1187",
    ):
        assert part in said
    clock.pass_(days=1000)
    sign_agreement(engine, "salem-pd", clock())
    train(engine, officer, clock())
    (kept,) = alerts.find(officer, hit.id, "test").alerts
    assert kept.hit == hit
    with engine.begin() as connection:
        connection.execute(update(holds_table).values(released_at=clock()))
    with pytest.raises(AlertRefusedError):
        alerts.find(officer, hit.id, "test")


@pytest.mark.policy("M-F-b")
def test_what_was_acted_on_without_a_verification_is_said(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    at = clock() - timedelta(hours=1)
    arrive(engine, at, lambda hit: disposition(hit, "citation"))
    arrive(engine, at, lambda hit: disposition(hit, "no_action"))
    found = shown(alerts, officer, day(clock))
    assert sorted(each.acted_on_unverified for each in found) == [False, True]
    assert sum("ACTED ON WITHOUT VERIFICATION" in "\n".join(lines(each)) for each in found) == 1


@pytest.mark.policy("M-F-a")
def test_what_rang_and_nobody_verified_in_time_is_listed(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    late = arrive(engine, clock() - timedelta(minutes=61))
    arrive(engine, clock() - timedelta(minutes=60))
    arrive(engine, clock() - timedelta(hours=2), verification)
    arrive(engine, clock() - timedelta(hours=2), lambda hit: disposition(hit, "misread"))
    arrive(engine, clock() - timedelta(hours=2), rang=False)
    assert [each.hit.id for each in shown(alerts, officer, day(clock, overdue=True))] == [late.id]


@pytest.mark.policy("C-4a")
def test_each_look_is_on_the_ledger_before_anything_is_shown(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    hit = arrive(engine, clock() - timedelta(hours=1))
    listed = alerts.show(officer, day(clock), "10.0.0.7")
    found = alerts.find(officer, hit.id, "10.0.0.7")
    first, second = recorded(engine)[-2:]
    assert (first["index"], second["index"]) == (listed.ledger_index, found.ledger_index)
    assert [(each["action"], each["count"], each["origin"]) for each in (first, second)] == [
        ("alert.list", 1, "10.0.0.7"), ("alert.show", 1, "10.0.0.7"),
    ]  # fmt: skip
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_state")
    with pytest.raises(Exception, match="the ledger's state is missing"):
        alerts.find(officer, hit.id, "10.0.0.7")


@pytest.mark.policy("C-1a")
def test_another_agencys_alerts_are_not_shown(
    engine: Engine, alerts: Alerts, officer: User, stranger: User, clock: Clock
) -> None:
    hit = arrive(engine, clock() - timedelta(hours=1))
    assert shown(alerts, stranger, day(clock)) == ()
    for other in (hit.id, hit.read, UUID(int=0), UUID(int=2**128 - 1)):
        with pytest.raises(AlertRefusedError, match="boston-pd has none of that id"):
            alerts.find(stranger, other, "test")
    assert recorded(engine)[-1]["outcome"] == "refused"
    assert alerts.by_list(stranger, clock() - timedelta(days=1), clock(), "test") == {}


@pytest.mark.policy("C-7b")
def test_what_has_expired_under_the_agencys_own_rule_is_not_shown(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    arrive(engine, clock() - timedelta(days=300))
    query = AlertQuery(clock() - timedelta(days=366), clock())
    assert len(shown(alerts, officer, query)) == 1
    with engine.begin() as connection:
        connection.execute(
            update(agencies).where(agencies.c.id == 1).values(retention_rule="minnesota")
        )
    assert shown(alerts, officer, query) == ()


def test_alerts_come_newest_first_by_list_and_up_to_the_limit(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    made = [
        arrive(engine, clock() - timedelta(hours=age), list_name=name)
        for age, name in ((3, "stolen"), (1, "bolo"), (2, "stolen"))
    ]
    found = alerts.show(officer, day(clock, limit=2), "test")
    assert [each.hit.id for each in found.alerts] == [made[1].id, made[2].id]
    assert found.more
    only = shown(alerts, officer, day(clock, list_name="stolen"))
    assert [each.hit.id for each in only] == [made[2].id, made[0].id]
    for wrong in (
        day(clock, limit=0),
        day(clock, limit=2**70),
        day(clock, start=clock()),
        day(clock, start=clock() - MAX_WINDOW - timedelta(seconds=1)),
        day(clock, start=datetime(2026, 3, 1)),  # noqa: DTZ001
    ):
        with pytest.raises(AlertRefusedError):
            alerts.show(officer, wrong, "test")


def test_lists_are_counted_by_how_their_alerts_turned_out(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    at = clock() - timedelta(hours=1)
    arrive(engine, at, verification, lambda hit: disposition(hit, "recovered", "24-1"))
    arrive(engine, at, lambda hit: verification(hit, characters_match=False, **UNASKED))
    arrive(engine, at, lambda hit: disposition(hit, "misread"), how="confusable")
    arrive(engine, at, lambda hit: verification(hit, status_answer="not_active"))
    arrive(engine, at, lambda hit: verification(hit, state_matches=False))
    arrive(engine, at, rang=False, list_name="bolo")
    counted = alerts.by_list(officer, clock() - timedelta(days=1), clock(), "test")
    assert dict(counted["stolen"]) == {
        "hits": 5, "rang": 5, "match_exact": 4, "match_confusable": 1, "verified": 1,
        "not_verified": 3, "unverified": 1, "misread": 2, "wrong_state": 1, "not_current": 1,
        "acted_on": 1, "without_outcome": 3,
    }  # fmt: skip
    assert dict(counted["bolo"]) == {
        "hits": 1, "match_exact": 1, "unverified": 1, "without_outcome": 1,
    }  # fmt: skip
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["count"]) == ("alert.count", 6)


def test_an_alert_as_json_has_its_entry_and_records_without_their_salt(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    hit = arrive(engine, clock() - timedelta(hours=1), verification)
    content = as_mapping(alerts.find(officer, hit.id, "test"))
    (alert,) = content["alerts"]
    assert (alert["id"], alert["read"], alert["state"]) == (str(hit.id), str(hit.read), "verified")
    assert (alert["match"]["entry"], alert["match"]["list_version"]) == ("entry-1", "7")
    assert alert["verifications"][0]["status_source"] == "ncic"
    assert hit.salt not in str(content)


def test_an_alert_says_what_the_whole_pass_read_in_the_end(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    at = clock() - timedelta(hours=1)
    swap = r.Substitution(index=3, read="B", listed="8")
    near = msgspec.structs.replace(match(), how="confusable", substitutions=(swap,))
    other = msgspec.structs.replace(match(), entry="entry-2")
    for minutes, plate, matches in ((3, "1ABC23", (near,)), (2, "7XYZ99", (other,))):
        seen_at = at - timedelta(minutes=minutes)
        read = msgspec.structs.replace(SALEM.read(seen_at, plate), hits=matches)
        arrive(engine, seen_at, finally_read=read)
    late = arrive(engine, at)
    with engine.begin() as connection:
        connection.execute(delete(reads).where(reads.c.read_id == late.read))
    window = day(clock)
    said = ["\n".join(lines(each)) for each in shown(alerts, officer, window)]
    assert "final read: not here yet" in said[0]
    assert "final read: 7XYZ99 MA, NO LONGER A MATCH" in said[1]
    assert "final read: 1ABC23 MA, NOT EXACT: character 4 read B, listed 8" in said[2]
    plain = as_mapping(alerts.show(officer, window, "test"))["alerts"]
    finals = [each["final_read"] for each in plain]
    assert finals[0] is None
    assert (finals[1]["plate"], finals[1]["match"]) == ("7XYZ99", None)
    assert finals[2]["match"]["how"] == "confusable"
    counted = alerts.by_list(officer, window.start, window.end, "test")["stolen"]
    assert (counted["match_exact"], counted["no_longer_matches"]) == (3, 1)


@pytest.mark.policy("C-1b")
@pytest.mark.policy("M-C3")
def test_alerts_are_closed_to_who_is_not_trained(
    engine: Engine, alerts: Alerts, officer: User, clock: Clock
) -> None:
    with engine.begin() as connection:
        connection.execute(update(trainings).values(struck_at=clock()))
    with pytest.raises(NotYetOpenError, match="your training is missing or out of date"):
        alerts.show(officer, day(clock), "test")
    with pytest.raises(NotYetOpenError, match="your training is missing or out of date"):
        alerts.find(officer, uuid4(), "test")
