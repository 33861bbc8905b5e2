"""An agency's access ends; its data stays where it was."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select

from repository.accounts.errors import SessionEndedError, SignInRefusedError
from repository.accounts.service import Accounts
from repository.accounts.sessions import Opening, Terms, start
from repository.accounts.user import User
from repository.agencies import access
from repository.agencies.errors import AgencyError
from repository.agencies.service import AgencyData
from repository.store.engine import reading
from repository.store.tables.reads import reads
from repository.store.tables.sessions import sessions
from tests.repository.agencies.test_own import hold
from tests.repository.people import OPERATOR, hire, open_session, recorded, sign_in
from tests.repository.sightings import sight

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)


def change(
    engine: Engine, to: access.Closing | None, name: str = "salem-pd", reason: str = "why"
) -> None:
    with engine.begin() as connection:
        access.change(
            connection,
            name,
            to,
            reason=reason,
            requested_by="Chief R. Roe",
            actor=OPERATOR,
            origin="here",
            now=NOON,
        )


@pytest.mark.policy("G-19")
@pytest.mark.parametrize("how", ["suspended", "ended"])
def test_nobody_of_the_agency_comes_in_until_it_has_its_access_again(
    how: access.Closing, data: AgencyData, accounts: Accounts, engine: Engine
) -> None:
    read = sight(engine, "1ABC23", NOON)
    officer, finder = hire(accounts, "jdoe"), hire(accounts, "finder", "boston-pd")
    session = open_session(accounts, "jdoe", "here")
    with engine.begin() as connection:
        theirs = start(connection, finder.id, Opening("here"), accounts.now(), Terms())
    change(engine, how)
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(sessions)) == 1
    for refused in (
        lambda: accounts.user_of(session.token, "here"),
        lambda: data.dispose(officer, [read], "quickly", "here"),
    ):
        with pytest.raises(SessionEndedError):
            refused()
    with pytest.raises(SignInRefusedError):
        sign_in(accounts, "jdoe", "here")
    said = recorded(engine)[-1]
    assert said["request"]["reason"] == f"agency's access {how}"
    assert accounts.user_of(theirs, "here").login == "finder"
    change(engine, None)
    assert sign_in(accounts, "jdoe", "here").login == "jdoe"


@pytest.mark.policy("G-19")
def test_its_data_keeps_owner_and_holds(data: AgencyData, finder: User, engine: Engine) -> None:
    read = sight(engine, "1ABC23", NOON)
    held = hold(engine, read, agency=1)
    change(engine, "ended")
    with pytest.raises(AgencyError, match="not reads of agency boston-pd"):
        data.dispose(finder, [read], "theirs no longer", "here")
    with reading(engine) as connection:
        assert connection.execute(select(reads.c.read_id, reads.c.agency_id)).one() == (read, 1)
    assert held == 1


@pytest.mark.policy("G-19")
def test_each_change_is_on_the_ledger_with_who_asked(accounts: Accounts, engine: Engine) -> None:
    change(engine, "suspended")
    change(engine, "ended", reason="leaves")
    with pytest.raises(AgencyError, match="ended already"):
        change(engine, "ended")
    with pytest.raises(AgencyError, match="not known"):
        change(engine, "ended", name="nobody")
    with pytest.raises(AgencyError, match="reason"):
        change(engine, None, reason=" ")
    last = recorded(engine)[-1]
    assert last["action"] == "agency.end"
    assert last["request"] == {
        "agency": "salem-pd",
        "before": "suspended",
        "reason": "leaves",
        "requested_by": "Chief R. Roe",
    }


@pytest.mark.policy("G-19")
def test_a_sign_in_at_the_very_moment_leaves_no_session(accounts: Accounts, engine: Engine) -> None:
    hire(accounts, "jdoe")
    begin = threading.Barrier(4)

    def sign_in() -> None:
        begin.wait()
        try:
            open_session(accounts, "jdoe", "here")
        except SignInRefusedError:
            return

    threads = [threading.Thread(target=sign_in) for _ in range(3)]
    for thread in threads:
        thread.start()
    begin.wait()
    change(engine, "suspended")
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(sessions)) == 0
