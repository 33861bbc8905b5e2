"""What lives after a sign-in: sessions that lock, end and are ended; what a stolen one opens."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.engine.interfaces import CacheStats

from repository.accounts import sessions as session_table
from repository.accounts import users as account_table
from repository.accounts.errors import (
    AccountError,
    NotAllowedError,
    SessionEndedError,
    SessionLockedError,
    SignInRefusedError,
)
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.sessions import MAX_PER_PERSON, Kind, Opening
from repository.accounts.sessions_rates import TooMuchAskedError
from repository.accounts.sessions_settings import SessionSettings
from repository.accounts.sessions_use import NoSuchSessionError
from repository.accounts.settings import AccountSettings
from repository.accounts.user import User
from repository.store.tables.sessions import sessions
from repository.units.requests import KnownUnit
from tests.repository.people import OPERATOR, PASSWORD, Clock, code_of, hire, recorded
from tests.repository.queries import statements
from tests.repository.sightings import add_units

HERE, THERE = "10.0.0.7", "10.9.9.9"
on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def opened(accounts: Accounts, user: User, origin: str = HERE, **opening: Any) -> str:
    """The token of a new session, as after a good sign-in from there."""
    with accounts.engine.begin() as connection:
        account_table.lock(connection, user.id)
        chosen = Opening(origin, second_factor=True, **opening)
        return accounts.begin_session(connection, user, chosen).token


@on_sqlite
@pytest.mark.policy("C-3c")
def test_a_session_tells_whether_its_sign_in_showed_a_second_factor(
    accounts: Accounts, officer: User
) -> None:
    once = accounts.add("new", "New Person", "salem-pd", OPERATOR, HERE)
    for login, password, shown in ((officer.login, PASSWORD, True), ("new", once, False)):
        session = accounts.open_session(login, password, HERE, code_of(accounts, login))
        (listed,) = accounts.own_sessions(session.token, HERE)
        assert listed.held.second_factor is shown


def with_settings(accounts: Accounts, **chosen: Any) -> Accounts:
    return replace(accounts, settings=AccountSettings(sessions=SessionSettings(**chosen)))


def assert_ended(accounts: Accounts, token: str) -> None:
    for use in (
        lambda: accounts.user_of(token, HERE),
        lambda: accounts.own_sessions(token, HERE),
        lambda: accounts.unlock_session(token, PASSWORD, HERE),
        lambda: accounts.lock_session(token, HERE),
    ):
        with pytest.raises(SessionEndedError):
            use()


def test_a_use_of_a_session_asks_the_database_little_and_builds_nothing_anew(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    token = opened(accounts, officer)
    accounts.user_of(token, HERE)
    with statements(engine) as asked:
        accounts.user_of(token, HERE)
    assert len(asked) <= 6
    assert {each.cache_hit for each in asked} == {CacheStats.CACHE_HIT}


@pytest.mark.policy("C-conf")
def test_a_session_locks_when_left_and_its_password_opens_it(
    accounts: Accounts, officer: User, clock: Clock, engine: Engine
) -> None:
    token = opened(accounts, officer)
    for _ in range(3):
        clock.pass_(minutes=29, seconds=59)
        assert accounts.user_of(token, HERE) == officer
    clock.pass_(minutes=30)
    with pytest.raises(SessionLockedError):
        accounts.user_of(token, HERE)
    with pytest.raises(SignInRefusedError):
        accounts.unlock_session(token, "not the password", HERE)
    session = accounts.unlock_session(token, PASSWORD, HERE)
    assert session.token != token
    unlocking, signed_in = recorded(engine)[-2:]
    assert unlocking["action"] == "accounts.unlock_session"
    assert (signed_in["action"], signed_in["outcome"]) == ("accounts.sign_in", "done")
    assert accounts.user_of(session.token, HERE) == officer
    assert_ended(accounts, token)
    with engine.begin() as connection:
        assert session.token.encode() not in connection.execute(select(sessions)).one()


@on_sqlite
def test_a_session_ends_twelve_hours_after_the_full_sign_in(
    accounts: Accounts, officer: User, clock: Clock
) -> None:
    used, left = opened(accounts, officer), opened(accounts, officer)
    for _ in range(24):
        clock.pass_(minutes=29)
        accounts.user_of(used, HERE)
    clock.pass_(minutes=23, seconds=59)
    left = accounts.unlock_session(left, PASSWORD, HERE).token
    clock.pass_(seconds=1)
    for token in (used, left):
        assert_ended(accounts, token)


@on_sqlite
def test_the_numbers_are_settings(accounts: Accounts, officer: User, clock: Clock) -> None:
    strict = replace(accounts, settings=AccountSettings(idle_lock_min=1, sign_in_every_h=1))
    token = opened(strict, officer)
    clock.pass_(minutes=1)
    with pytest.raises(SessionLockedError):
        strict.user_of(token, HERE)
    clock.pass_(minutes=59)
    assert_ended(strict, token)


@on_sqlite
def test_one_locks_it_oneself(accounts: Accounts, officer: User) -> None:
    token = opened(accounts, officer)
    accounts.lock_session(token, HERE)
    with pytest.raises(SessionLockedError):
        accounts.user_of(token, HERE)
    (listed,) = accounts.own_sessions(token, HERE)
    assert (listed.locked, listed.current) == (True, True)
    accounts.sign_out(token, HERE)
    assert_ended(accounts, token)


@on_sqlite
def test_guessing_at_a_locked_session_locks_the_account(accounts: Accounts, officer: User) -> None:
    token = opened(accounts, officer)
    accounts.lock_session(token, HERE)
    for _ in range(5):
        with pytest.raises(SignInRefusedError):
            accounts.unlock_session(token, "a guess", HERE)
    assert_ended(accounts, token)


@on_sqlite
def test_other_tokens_open_nothing(accounts: Accounts, officer: User) -> None:
    opened(accounts, officer)
    for token in ("", "x", "\ud800", "a" * 10_000):
        with pytest.raises(SessionEndedError):
            accounts.user_of(token, HERE)


@on_sqlite
@pytest.mark.policy("C-3b")
def test_sessions_end_in_the_call_that_closes_the_account(
    accounts: Accounts, officer: User
) -> None:
    token = opened(accounts, officer)
    accounts.close_account("jdoe", OPERATOR, "here")
    assert_ended(accounts, token)


@on_sqlite
def test_sessions_end_with_the_password(accounts: Accounts, officer: User) -> None:
    first = opened(accounts, officer)
    offered = code_of(accounts, "jdoe")
    accounts.change_password("jdoe", PASSWORD, "another heron entirely", HERE, offered)
    second = opened(accounts, officer)
    accounts.reset_password("jdoe", OPERATOR, "here")
    for token in (first, second):
        assert_ended(accounts, token)


@on_sqlite
def test_a_person_lists_and_ends_their_own_sessions_and_no_others(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    other = hire(accounts, "roe")
    first = opened(accounts, officer)
    clock.pass_(minutes=1)
    second, theirs = opened(accounts, officer, THERE), opened(accounts, other)
    listed = accounts.own_sessions(second, HERE)
    assert [(each.held.origin, each.current) for each in listed] == [(THERE, True), (HERE, False)]
    accounts.end_session(officer, listed[1].held.id, HERE)
    assert_ended(accounts, first)
    (foreign,) = accounts.own_sessions(theirs, HERE)
    for session_id in (foreign.held.id, uuid.uuid4()):
        with pytest.raises(NoSuchSessionError):
            accounts.end_session(officer, session_id, HERE)
    last = recorded(engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.end_session", "refused")
    third = opened(accounts, officer)
    accounts.close_sessions(officer, HERE)
    assert recorded(engine)[-1]["count"] == 2
    for token in (second, third):
        assert_ended(accounts, token)
    assert accounts.user_of(theirs, HERE) == other


@on_sqlite
@pytest.mark.policy("C-3b")
@pytest.mark.policy("G-12")
def test_who_manages_users_ends_others_sessions_in_their_agency_alone(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    boston = hire(accounts, "roe", "boston-pd")
    plain = hire(accounts, "poe", roles={Role.OFFICER})
    token, foreign = opened(accounts, plain), opened(accounts, boston)
    with pytest.raises(NotAllowedError):
        accounts.end_sessions_of("jdoe", plain, HERE)
    for unknown in ("roe", "nobody"):
        with pytest.raises(AccountError, match=f"login '{unknown}': no such user"):
            accounts.end_sessions_of(unknown, officer, HERE)
    assert accounts.end_sessions_of("poe", officer, HERE) == 1
    last = recorded(engine)[-1]
    assert (last["request"], last["count"]) == ({"login": "poe"}, 1)
    assert_ended(accounts, token)
    assert accounts.user_of(foreign, HERE) == boston
    assert accounts.operator_ends_sessions_of("roe", OPERATOR, "command line") == 1
    assert_ended(accounts, foreign)


@on_sqlite
def test_a_person_has_so_many_sessions_and_no_more(
    accounts: Accounts, officer: User, clock: Clock
) -> None:
    tokens = []
    for _ in range(MAX_PER_PERSON + 1):
        tokens.append(opened(accounts, officer))
        clock.pass_(seconds=1)
    assert_ended(accounts, tokens[0])
    assert len(accounts.own_sessions(tokens[-1], HERE)) == MAX_PER_PERSON


@on_sqlite
@pytest.mark.policy("C-3c")
def test_a_new_sign_in_ends_the_others_where_that_is_the_rule(
    accounts: Accounts, officer: User
) -> None:
    strict = with_settings(accounts, one_session_per_person=True)
    first, second = opened(strict, officer), opened(strict, officer)
    assert_ended(strict, first)
    assert strict.user_of(second, HERE) == officer


@on_sqlite
@pytest.mark.policy("C-conf")
def test_a_bound_session_that_is_used_elsewhere_ends(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    bound = with_settings(accounts, bound_to_address=["desk"])
    token = opened(bound, officer)
    assert bound.user_of(token, HERE) == officer
    with pytest.raises(SessionEndedError):
        bound.user_of(token, THERE)
    assert_ended(bound, token)
    refused = [each for each in recorded(engine) if each["action"] == "accounts.use_session"]
    assert [(each["origin"], each["outcome"]) for each in refused] == [(THERE, "refused")]


@on_sqlite
@pytest.mark.policy("C-conf")
def test_a_bound_session_is_neither_listed_nor_unlocked_from_elsewhere(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    bound = with_settings(accounts, bound_to_address=["desk"])
    uses: tuple[Callable[[str], object], ...] = (
        lambda token: bound.own_sessions(token, THERE),
        lambda token: bound.unlock_session(token, PASSWORD, THERE),
        lambda token: bound.unlock_challenge(token, THERE),
    )
    for use in uses:
        token = opened(bound, officer)
        bound.lock_session(token, HERE)
        with pytest.raises(SessionEndedError):
            use(token)
        assert_ended(bound, token)
    refused = [each for each in recorded(engine) if each["action"] == "accounts.use_session"]
    assert [each["origin"] for each in refused] == [THERE] * len(uses)


def vehicle(accounts: Accounts, login: str = "jdoe", agency: str = "salem-pd") -> str:
    unit = KnownUnit(agency, "car-7" if agency == "salem-pd" else "pole-3")
    offered = code_of(accounts, login)
    return accounts.open_vehicle_session(unit, login, PASSWORD, offered, HERE).token


@on_sqlite
def test_a_vehicles_session_stays_open_when_left_and_ends_after_twelve_hours(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    token = vehicle(accounts)
    (listed,) = accounts.own_sessions(token, HERE)
    assert listed.held.kind is Kind.VEHICLE
    assert listed.held.unit_id is not None
    entries = [each for each in recorded(engine) if "vehicle" in each["action"]]
    assert [each["request"]["unit"] for each in entries] == ["car-7"]
    clock.pass_(hours=11, minutes=59)
    assert accounts.user_of(token, HERE) == officer
    clock.pass_(minutes=1)
    assert_ended(accounts, token)
    token = vehicle(accounts)
    clock.pass_(minutes=30)
    no_exemption = replace(accounts, settings=AccountSettings(idle_exempt_units=False))
    with pytest.raises(SessionLockedError):
        no_exemption.user_of(token, HERE)


@on_sqlite
@pytest.mark.policy("G-12")
def test_only_officers_sign_in_at_their_own_agencys_vehicles(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    hire(accounts, "poe", roles={Role.AUDITOR})
    for login, agency in (("poe", "salem-pd"), ("jdoe", "boston-pd")):
        with pytest.raises(NotAllowedError, match="only officers of its own agency"):
            vehicle(accounts, login, agency)
        last = recorded(engine)[-1]
        assert (last["actor"]["login"], last["outcome"]) == (login, "refused")
    with engine.begin() as connection:
        assert connection.execute(select(sessions)).all() == []


@on_sqlite
@pytest.mark.policy("C-conf")
def test_what_one_person_asks_in_a_minute_is_bounded_and_the_rest_is_one_entry(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    bounded = with_settings(accounts, requests_per_min=3, searches_per_min=2)
    token = opened(bounded, officer)
    for _ in range(3):
        bounded.user_of(token, HERE)
    for _ in range(5):
        with pytest.raises(TooMuchAskedError) as refused:
            bounded.user_of(token, HERE)
    assert 1 <= refused.value.retry_after_s <= 60
    for _ in range(2):
        bounded.count_search(officer)
    with pytest.raises(TooMuchAskedError, match="too many searches"):
        bounded.count_search(officer)
    other = hire(accounts, "roe")
    assert bounded.user_of(opened(bounded, other), HERE) == other
    bounded.record_dropped_requests()
    assert "accounts.dropped_requests" not in {each["action"] for each in recorded(engine)}
    clock.pass_(minutes=1)
    bounded.record_dropped_requests()
    dropped = recorded(engine)[-2:]
    assert [(each["request"]["what"], each["count"]) for each in dropped] == [
        ("request", 5),
        ("search", 1),
    ]
    assert {each["actor"]["login"] for each in dropped} == {"jdoe"}


@on_sqlite
def test_what_one_address_asks_in_a_minute_is_bounded(accounts: Accounts, officer: User) -> None:
    bounded = with_settings(accounts, requests_per_min_and_address=2)
    token = opened(bounded, officer)
    for _ in range(2):
        with pytest.raises(SessionEndedError):
            bounded.user_of("a guess", THERE)
    with pytest.raises(TooMuchAskedError, match="from this address"):
        bounded.user_of("a guess", THERE)
    assert bounded.user_of(token, HERE) == officer


@on_sqlite
def test_guesses_count_wherever_a_token_is_taken(accounts: Accounts) -> None:
    uses: tuple[Callable[[Accounts], object], ...] = (
        lambda rooms: rooms.own_sessions("a guess", THERE),
        lambda rooms: rooms.lock_session("a guess", THERE),
        lambda rooms: rooms.sign_out("a guess", THERE),
        lambda rooms: rooms.unlock_challenge("a guess", THERE),
        lambda rooms: rooms.unlock_session("a guess", PASSWORD, THERE),
    )
    for use in uses:
        bounded = with_settings(accounts, requests_per_min_and_address=1)
        with pytest.raises(SessionEndedError):
            use(bounded)
        with pytest.raises(TooMuchAskedError, match="from this address"):
            use(bounded)


def waits(engine: Engine) -> bool:
    """Whether one of the database's connections waits for a lock."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(query) == 1)


@on_postgresql
@pytest.mark.policy("C-3b")
def test_a_session_used_while_its_account_is_closed_waits_its_turn(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    token = opened(accounts, officer)
    ended: list[SessionEndedError] = []

    def use() -> None:
        try:
            accounts.user_of(token, HERE)
        except SessionEndedError as error:
            ended.append(error)

    with engine.begin() as connection:
        account_table.lock(connection, officer.id)
        thread = threading.Thread(target=use)
        thread.start()
        while not waits(engine):
            thread.join(0.01)
        session_table.end_all(connection, officer.id)
    thread.join()
    assert len(ended) == 1


@on_postgresql
def test_a_sign_in_sweeps_no_session_that_somebody_works_on(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    other = hire(accounts, "roe")
    for user in (officer, other):
        opened(accounts, user)
    clock.pass_(hours=12)
    with engine.begin() as connection:
        connection.execute(
            update(sessions).where(sessions.c.user_id == officer.id).values(origin=THERE)
        )
        opened(accounts, other)
        left = connection.scalars(select(sessions.c.user_id)).all()
    assert sorted(left) == sorted([officer.id, other.id])
