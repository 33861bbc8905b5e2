"""The report of an agency's transactions."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, update

from repository.accounts.errors import SignInRefusedError
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.audits.transactions import FIELDS, AuditError, Audits, as_csv, as_mapping
from repository.ledger.attempt import record
from repository.ledger.entry import SYSTEM, Actor, Entry, Recorded
from repository.store.tables.ledger import ledger_entries
from tests.repository.people import OPERATOR, Clock, hire, recorded, sign_in


@pytest.mark.policy("G-6b")
@pytest.mark.policy("M-V-A")
def test_it_holds_everything_the_agencys_users_did_and_no_more(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    hire(accounts, "roe", "boston-pd")
    start = clock()
    clock.pass_(hours=1)
    sign_in(accounts, "jdoe", "10.0.0.7")
    sign_in(accounts, "roe", "10.0.0.8")
    clock.pass_(hours=1)
    end = clock()
    sign_in(accounts, "jdoe", "10.0.0.7")
    audits = Audits(engine, clock)
    found = audits.transactions("salem-pd", start + timedelta(minutes=1), end, OPERATOR, "here")
    (only,) = map(as_mapping, found)
    assert (only["login"], only["action"], only["at"]) == (
        "jdoe",
        "accounts.sign_in",
        "2026-03-01T13:00:00.00+00:00",
    )
    every = audits.transactions("salem-pd", start, end, OPERATOR, "here")
    assert {each.entry.actor.login for each in every} == {"jdoe"}
    assert len(every) == 4


@pytest.mark.policy("G-6b")
@pytest.mark.policy("C-4a")
def test_the_report_is_itself_on_the_ledger(
    officer: User, accounts: Accounts, engine: Engine, clock: Clock
) -> None:
    audits = Audits(engine, clock)
    end = clock() + timedelta(seconds=1)
    found = audits.transactions("salem-pd", clock(), end, OPERATOR, "here")
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["count"]) == ("audits.transactions", len(found))
    assert entry["request"]["agency"] == "salem-pd"


@pytest.mark.policy("C-4a")
def test_operators_jobs_and_strangers_are_reported_too(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    with pytest.raises(SignInRefusedError):
        sign_in(accounts, "nobody", "10.0.0.7")
    record(engine, Entry("jobs.tick", SYSTEM, clock(), "jobs"))
    audits = Audits(engine, clock)
    end = clock() + timedelta(seconds=1)
    found = audits.transactions(None, clock(), end, OPERATOR, "here")
    assert [(each.entry.action, each.entry.actor.user_id) for each in found] == [
        ("accounts.add", "os:1000"),
        ("accounts.sign_in", ""),
        ("jobs.tick", "system"),
    ]
    of_salem = audits.transactions("salem-pd", clock(), end, OPERATOR, "here")
    assert len(found) + len(of_salem) + 2 == len(recorded(engine))


def test_an_unknown_agency_is_said(accounts: Accounts, engine: Engine, clock: Clock) -> None:
    with pytest.raises(AuditError, match="'nowhere': not known"):
        Audits(engine, clock).transactions("nowhere", clock(), clock(), OPERATOR, "here")


@pytest.mark.policy("C-4c")
def test_a_changed_entry_is_not_reported_as_if_it_were_true(
    officer: User, engine: Engine, clock: Clock
) -> None:
    with engine.begin() as connection:
        connection.execute(
            update(ledger_entries).where(ledger_entries.c.entry_index == 1).values(body=b"{}")
        )
    with pytest.raises(AuditError, match="entry 1 of the ledger is not what was recorded"):
        Audits(engine, clock).transactions(
            "salem-pd", clock(), clock() + timedelta(1), OPERATOR, "here"
        )


@given(st.text(), st.text(alphabet="=+-@\t\r\n\",'; a1"))
def test_no_cell_is_a_formula(origin: str, name: str) -> None:
    at = Clock()()
    entry = Entry("search.run", Actor("u", "l", name, "a"), at, origin, {"=1+1": name})
    text = as_csv([Recorded(7, entry)])
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert tuple(header) == FIELDS
    cells = dict(zip(header, row, strict=True))
    for value in row:
        assert not value.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cells["name"].removeprefix("'") == name.removeprefix("'")
    assert cells["index"] == "7"
