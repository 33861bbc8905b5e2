"""One login in two places at about the same time is seen and told."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.sessions import Kind
from repository.accounts.user import User
from repository.store.tables.fleet import units
from repository.units.findings import list_findings
from tests.repository.accounts.test_sessions import HERE, THERE, on_sqlite, opened
from tests.repository.people import PASSWORD, Clock, code_of, hire, recorded
from tests.repository.sightings import add_units

pytestmark = [pytest.mark.policy("C-3c"), pytest.mark.policy("G-10a")]


def flagged(engine: Engine) -> list[tuple[str, Any]]:
    """What is on the ledger of shared uses."""
    entries = [each for each in recorded(engine) if each["action"] == "accounts.shared_use"]
    return [(each["actor"]["login"], each["request"]) for each in entries]


def test_two_sessions_from_two_addresses_are_flagged_once_and_told(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    desk = opened(accounts, officer, HERE)
    clock.pass_(minutes=4, seconds=59)
    elsewhere = opened(accounts, officer, THERE)
    accounts.user_of(elsewhere, THERE)
    for _ in range(3):
        accounts.user_of(desk, HERE)
        accounts.user_of(elsewhere, THERE)
    assert flagged(engine) == [("jdoe", {"one": HERE, "other": THERE})]
    with engine.begin() as connection:
        (finding,) = list_findings(connection)
    assert finding.subject == "jdoe"
    assert HERE in finding.detail
    assert THERE in finding.detail
    session = accounts.open_session("jdoe", PASSWORD, HERE, code_of(accounts, "jdoe"))
    (told,) = session.shared
    assert told.notice.startswith(f"your account was used from {HERE} and from {THERE}")
    again = accounts.open_session("jdoe", PASSWORD, HERE, code_of(accounts, "jdoe"))
    assert again.shared == []


@on_sqlite
def test_sessions_used_minutes_apart_or_from_one_network_are_not(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    first = opened(accounts, officer, "2001:db8:0:1::1")
    second = opened(accounts, officer, "2001:db8:0:1::2")
    accounts.user_of(first, "2001:db8:0:1::1")
    accounts.user_of(second, "2001:db8:0:1::2")
    clock.pass_(minutes=5)
    third = opened(accounts, officer, HERE)
    accounts.user_of(third, HERE)
    other = hire(accounts, "roe")
    accounts.user_of(opened(accounts, other, THERE), THERE)
    assert flagged(engine) == []


@on_sqlite
@pytest.mark.policy("C-conf")
def test_a_token_copied_to_another_address_is_flagged(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    token = opened(accounts, officer, HERE)
    clock.pass_(minutes=3)
    accounts.user_of(token, THERE)
    assert flagged(engine) == [("jdoe", {"one": HERE, "other": THERE})]


@on_sqlite
@pytest.mark.policy("C-conf")
def test_a_copied_token_that_only_lists_or_unlocks_is_flagged(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    token = opened(accounts, officer, HERE)
    accounts.own_sessions(token, THERE)
    assert flagged(engine) == [("jdoe", {"one": HERE, "other": THERE})]
    accounts.lock_session(token, HERE)
    accounts.unlock_session(token, PASSWORD, "10.5.5.5")
    assert flagged(engine)[1:] == [("jdoe", {"one": HERE, "other": "10.5.5.5"})]


@on_sqlite
def test_a_vehicles_address_may_change_but_not_back(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    token = opened(accounts, officer, HERE, kind=Kind.VEHICLE, unit_id=1)
    for origin in (HERE, "said by a proxy " * 99, THERE, THERE, "10.5.5.5"):
        accounts.user_of(token, origin)
    assert flagged(engine) == []
    accounts.user_of(token, THERE)
    assert flagged(engine) == [("jdoe", {"one": "10.5.5.5 in car-7", "other": f"{THERE} in car-7"})]


@on_sqlite
def test_two_vehicles_are_two_places_even_behind_one_address(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    with engine.begin() as connection:
        (row,) = connection.execute(select(units).where(units.c.id == 1)).mappings()
        second = {**row, "id": 9, "name": "car-8", "key_id": "9" * 16}
        connection.execute(units.insert().values(second))
    tokens = [opened(accounts, officer, HERE, kind=Kind.VEHICLE, unit_id=each) for each in (1, 9)]
    for token in tokens:
        accounts.user_of(token, HERE)
    (found,) = flagged(engine)
    assert found == ("jdoe", {"one": f"{HERE} in car-7", "other": f"{HERE} in car-8"})


@on_sqlite
@pytest.mark.policy("G-12")
def test_administrators_and_auditors_see_those_of_their_own_agency(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    auditor = hire(accounts, "ann", roles={Role.AUDITOR})
    plain = hire(accounts, "poe", roles={Role.OFFICER})
    boston = hire(accounts, "roe", "boston-pd")
    everywhere = hire(accounts, "sec", roles={Role.SECURITY_OFFICER})
    for user in (plain, boston):
        accounts.user_of(opened(accounts, user, HERE), HERE)
        accounts.user_of(opened(accounts, user, THERE), THERE)
    assert [each.login for each in accounts.shared_uses(auditor, HERE)] == ["poe"]
    assert [each.login for each in accounts.shared_uses(boston, HERE)] == ["roe"]
    assert {each.login for each in accounts.shared_uses(everywhere, HERE)} == {"poe", "roe"}
    with pytest.raises(NotAllowedError):
        accounts.shared_uses(plain, HERE)
    last = recorded(engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.list_shared_uses", "refused")
