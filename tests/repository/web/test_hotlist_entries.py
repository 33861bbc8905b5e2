"""Entries by hand and alerts over the API: the same rooms, the same ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from repository.accounts.service import Accounts
from repository.hotlists.alerts import Alerts
from repository.hotlists.desk import ListDesk
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import HotlistSettings
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.store.engine import open_engine
from tests.repository.hotlists.test_alerts import arrive
from tests.repository.listing import SIGNER
from tests.repository.people import Clock, hire, promote, recorded
from tests.repository.sightings import RULE, add_units
from tests.repository.web.test_app import Visitor, error_of, serving, sign_in

ENTRY = {
    "list": "bolo",
    "plate": "1ABC23",
    "kind": "amber_alert",
    "reason": "AMBER alert of 1 March, father took the child",
    "authorized_by": "Ann Poe",
    "rank": "Captain",
    "expires": "2026-03-05T00:00:00Z",
}
ENTRIES = "/api/v1/hotlist-entries"


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    hotlist_desk: ListDesk
    alerts: Alerts


@pytest.fixture
def engine(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Engine]:
    """One kind of database serves here: tests/repository/hotlists runs over both."""
    path = tmp_path / "repository.sqlite"
    shutil.copy(migrated_sqlite, path)
    opened = open_engine(f"sqlite:///{path}")
    yield opened
    opened.dispose()


@pytest.fixture
def client(engine: Engine, accounts: Accounts, clock: Clock) -> Iterator[Visitor]:
    for login in ("jdoe", "apoe"):
        hire(accounts, login)
    promote(engine, "apoe")
    publisher = Publisher(SIGNER, 5)
    desk = ListDesk(engine, lambda: publisher, HotlistSettings(), clock)
    alerts = Alerts(
        engine,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        timedelta(minutes=60),
        clock,
    )
    with serving(Rooms(accounts, desk, alerts)) as opened:
        yield opened


@pytest.mark.policy("M-E1")
@pytest.mark.policy("M-E2")
@pytest.mark.policy("M-E4")
def test_an_entry_from_proposal_to_its_end(client: Visitor, engine: Engine) -> None:
    one, other = sign_in(client, "jdoe"), sign_in(client, "apoe")
    made = client.post(ENTRIES, json=ENTRY, headers=one)
    assert (made.status_code, made.json()["state"]) == (201, "proposed")
    number = made.json()["number"]
    confirm = f"{ENTRIES}/{number}/confirm"
    assert error_of(client.post(confirm, headers=one))[:2] == (422, "refused")
    done = client.post(confirm, headers=other).json()
    assert (done["state"], done["version"]) == ("active", 1)
    (shown,) = client.get(ENTRIES, params={"list": "bolo"}, headers=one).json()["entries"]
    assert shown["confirmed"]["by"] == "Officer apoe"
    assert shown["authorized_by"] == {
        "name": "Ann Poe", "rank": "Captain", "login": None,
        "known": "told, not signed: no account of the agency",
    }  # fmt: skip
    reviewed = client.post(
        f"{ENTRIES}/{number}/review", json={"reason": "child still missing"}, headers=one
    )
    assert reviewed.status_code == 200
    end = {"list": "bolo", "entry": f"manual:{number}", "reason": "child is safe at home"}
    ended = client.post(f"{ENTRIES}/cancel", json=end, headers=one)
    assert ended.json() == {"entry": f"manual:{number}", "version": 2}
    acts = [each for each in recorded(engine) if each["action"].startswith("hotlist.entry")]
    assert [(each["action"].rpartition(".")[2], each["outcome"]) for each in acts] == [
        ("propose", "done"), ("confirm", "refused"), ("confirm", "done"), ("list", "done"),
        ("review", "done"), ("cancel", "done"),
    ]  # fmt: skip
    assert {each["origin"] for each in acts} == {"127.0.0.1"}


def test_what_does_not_do_is_refused_in_the_one_shape(client: Visitor) -> None:
    headers = sign_in(client, "jdoe")
    changes: list[tuple[dict[str, Any], str]] = [
        ({"rank": "Officer"}, "refused"),
        ({"reason": ""}, "refused"),
        ({"list": "Not A Name"}, "refused"),
        ({"expires": "2026-03-05T00:00:00"}, "refused"),
        ({"replaces": 2**70}, "refused"),
        ({"priority": 10**30}, "refused"),
        ({"confirmed_by": "me"}, "invalid"),
        ({"expires": "soon"}, "invalid"),
    ]
    for change, code in changes:
        answer = client.post(ENTRIES, json=ENTRY | change, headers=headers)
        assert error_of(answer)[:2] == (422, code), change
    assert client.get(ENTRIES, headers=headers).json() == {"entries": []}


def test_nobody_who_has_not_signed_in_sees_or_does_anything(client: Visitor) -> None:
    window = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    for answer in (
        client.get(ENTRIES),
        client.post(ENTRIES, json=ENTRY),
        client.post(f"{ENTRIES}/1/confirm"),
        client.post(f"{ENTRIES}/cancel", json={}),
        client.get("/api/v1/alerts", params=window),
        client.get("/api/v1/alerts/0195f3a2-7c1b-7def-8a01-23456789abcd"),
    ):
        assert error_of(answer)[:2] == (401, "session_ended")


@pytest.mark.policy("C-4a")
def test_alerts_of_ones_agency_are_shown_with_the_notice(
    client: Visitor, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    hit = arrive(engine, clock() - timedelta(hours=2))
    arrive(engine, clock() - timedelta(hours=2), unit=2)
    headers = sign_in(client, "jdoe")
    window = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    for params in (window, window | {"overdue": "true"}, window | {"state": "unverified"}):
        content = client.get("/api/v1/alerts", params=params, headers=headers).json()
        assert [each["id"] for each in content["alerts"]] == [str(hit.id)]
        assert "probable cause" in content["notice"]
    one = client.get(f"/api/v1/alerts/{hit.id}", headers=headers).json()
    assert one["ledger_entry"] == recorded(engine)[-1]["index"]
    wrong = client.get(f"/api/v1/alerts/{hit.read}", headers=headers)
    assert error_of(wrong)[:2] == (422, "refused")
    late = client.get("/api/v1/alerts", params=window | {"limit": 0}, headers=headers)
    assert error_of(late)[:2] == (422, "refused")
