"""Who administers whose account, and what ends when one is closed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, insert, select

from repository.accounts import disuse, users
from repository.accounts.authority import By
from repository.accounts.closing import Ended
from repository.accounts.errors import AccountError, NotAllowedError, SessionEndedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.store.tables.cases import cases
from repository.store.tables.search import search_approvals
from repository.store.tables.sessions import api_tokens, sessions
from tests.repository.accounts.employing import ON_SQLITE, as_now, employ, state
from tests.repository.people import OPERATOR, Clock, hire, open_session, recorded, sign_in

R = Role
ADMINISTRATOR, HEAD, OPERATES = R.ALPR_ADMINISTRATOR, R.AGENCY_HEAD, R.OPERATOR


@ON_SQLITE
@pytest.mark.policy("C-2a")
@pytest.mark.parametrize(
    ("own", "agency", "before", "after"),
    [
        ((ADMINISTRATOR,), "salem-pd", (R.OFFICER,), (R.OFFICER, R.SUPERVISOR)),
        ((ADMINISTRATOR,), "salem-pd", (R.INVESTIGATOR, R.AUDITOR), (R.OFFICER,)),
        ((OPERATES,), "boston-pd", (), (HEAD,)),
        ((OPERATES,), "boston-pd", (R.OFFICER,), (R.OFFICER, ADMINISTRATOR)),
        ((OPERATES,), "boston-pd", (), (OPERATES,)),
    ],
)
def test_roles_are_given_by_those_whose_they_are_to_give(
    accounts: Accounts,
    own: tuple[Role, ...],
    agency: str,
    before: tuple[Role, ...],
    after: tuple[Role, ...],
) -> None:
    by = employ(accounts, "giver", *own)
    employ(accounts, "jdoe", *before, agency=agency)
    accounts.set_roles("jdoe", after, by, "here", position="Captain")
    changed = as_now(accounts, "jdoe")
    assert (changed.roles, changed.position) == (frozenset(after), "Captain")
    last = recorded(accounts.engine)[-1]
    assert (last["action"], last["actor"]["login"]) == ("accounts.set_roles", "giver")
    assert last["request"]["roles"] == sorted(after)


@ON_SQLITE
@pytest.mark.policy("C-2a")
@pytest.mark.parametrize(
    ("own", "agency", "before", "after", "said"),
    [
        ((R.OFFICER,), "salem-pd", (), (R.OFFICER,), "manage users"),
        ((HEAD, R.AUDITOR), "salem-pd", (), (R.OFFICER,), "manage users"),
        ((ADMINISTRATOR,), "boston-pd", (), (R.OFFICER,), "no such user"),
        ((ADMINISTRATOR, R.SECURITY_OFFICER), "boston-pd", (), (R.OFFICER,), "no such user"),
        ((ADMINISTRATOR,), "salem-pd", (), (ADMINISTRATOR,), "not yours to give"),
        ((ADMINISTRATOR,), "salem-pd", (HEAD,), (), "not yours to give"),
        ((ADMINISTRATOR,), "salem-pd", (R.OFFICER,), (R.OFFICER, OPERATES), "not yours to give"),
        ((OPERATES,), "salem-pd", (), (R.OFFICER,), "not yours to give"),
        ((ADMINISTRATOR, OPERATES), "boston-pd", (), (R.OFFICER,), "not yours to give"),
        ((OPERATES,), "salem-pd", (R.OFFICER,), (), "not yours to give"),
    ],
)
def test_other_roles_are_neither_given_nor_taken(
    accounts: Accounts,
    own: tuple[Role, ...],
    agency: str,
    before: tuple[Role, ...],
    after: tuple[Role, ...],
    said: str,
) -> None:
    by = employ(accounts, "giver", *own)
    employ(accounts, "jdoe", *before, agency=agency)
    with pytest.raises(AccountError, match=said):
        accounts.set_roles("jdoe", after, by, "here")
    assert as_now(accounts, "jdoe").roles == frozenset(before)
    assert recorded(accounts.engine)[-1]["outcome"] == "refused"


@ON_SQLITE
@pytest.mark.parametrize("role", [ADMINISTRATOR, OPERATES])
def test_nobody_changes_their_own_rights(accounts: Accounts, role: Role) -> None:
    by = employ(accounts, "giver", role)
    for after in ((role, R.SUPERVISOR), (role, R.SECURITY_OFFICER), ()):
        with pytest.raises(NotAllowedError, match="nobody changes their own"):
            accounts.set_roles("giver", after, by, "here")
    with pytest.raises(NotAllowedError, match="nobody resets their own"):
        accounts.reset_password("giver", by, "here")
    assert as_now(accounts, "giver").roles == {role}


@ON_SQLITE
def test_rights_that_were_taken_meanwhile_count_no_more(accounts: Accounts) -> None:
    by = employ(accounts, "giver", ADMINISTRATOR)
    employ(accounts, "jdoe", R.OFFICER)
    accounts.set_roles("giver", (R.OFFICER,), OPERATOR, "here")
    with pytest.raises(NotAllowedError, match="manage users"):
        accounts.set_roles("jdoe", (R.OFFICER, R.SUPERVISOR), by, "here")


@ON_SQLITE
@pytest.mark.parametrize(
    ("roles", "said"),
    [((HEAD,), "not yours to give"), ((OPERATES,), "an operator's"), ((R.OFFICER,), "")],
)
def test_an_account_of_more_rights_is_not_taken_over(
    accounts: Accounts, roles: tuple[Role, ...], said: str
) -> None:
    """Who could reset the password of somebody with more rights would have those rights."""
    by = employ(accounts, "admin", ADMINISTRATOR)
    employ(accounts, "jdoe", *roles)
    if not said:
        assert accounts.reset_password("jdoe", by, "here")
        return
    with pytest.raises(NotAllowedError, match=said):
        accounts.reset_password("jdoe", by, "here")


@ON_SQLITE
@pytest.mark.policy("G-10a")
def test_a_user_is_added_to_ones_own_agency_alone_and_has_an_id_of_their_own(
    accounts: Accounts,
) -> None:
    by = employ(accounts, "admin", ADMINISTRATOR)
    accounts.add("rroe", "R. Roe", "salem-pd", by, "here", roles=[R.OFFICER], position="Patrol")
    added = as_now(accounts, "rroe")
    assert (added.roles, added.position, added.agency) == ({R.OFFICER}, "Patrol", "salem-pd")
    assert added.must_change_password
    assert added.id != by.id
    for login, agency, role in (
        ("other", "boston-pd", R.OFFICER),
        ("other", "nowhere", R.OFFICER),
        ("other", "salem-pd", OPERATES),
        ("rroe", "salem-pd", R.OFFICER),
    ):
        with pytest.raises(AccountError):
            accounts.add(login, "Another", agency, by, "here", roles=[role])
    with pytest.raises(NotAllowedError):
        accounts.add("other", "Another", "salem-pd", added, "here", roles=[R.OFFICER])


@pytest.mark.policy("M-B1")
def test_an_administrator_has_the_list_of_their_own_agencys_users(accounts: Accounts) -> None:
    by = employ(accounts, "admin", ADMINISTRATOR)
    employ(accounts, "officer", R.OFFICER)
    employ(accounts, "away", R.OFFICER, agency="boston-pd")
    assert [each.user.login for each in accounts.everyone(by, "here")] == ["admin", "officer"]
    over_all = employ(accounts, "watch", R.SECURITY_OFFICER, agency="boston-pd")
    assert len(accounts.everyone(over_all, "here")) == 4
    with pytest.raises(NotAllowedError):
        accounts.everyone(as_now(accounts, "officer"), "here")


@pytest.mark.policy("C-3b")
def test_leaving_ends_all_that_a_person_could_come_in_by(
    engine: Engine, accounts: Accounts, clock: Clock
) -> None:
    admin = employ(accounts, "admin", ADMINISTRATOR)
    gone = hire(accounts, "gone", roles=(R.OFFICER,))
    token = open_session(accounts, "gone").token
    waiting, approved = _give(engine, gone, clock)
    ended = accounts.close_account("gone", admin, "here")
    assert ended == Ended(1, ("a service",), (waiting, approved), None)
    assert state(accounts, "gone") == "left the agency"
    with pytest.raises(SessionEndedError):
        accounts.user_of(token, "10.0.0.7")
    with pytest.raises(AccountError):
        sign_in(accounts, "gone")
    with engine.begin() as connection:
        rows = {row.id: row for row in connection.execute(select(search_approvals))}
        assert rows[waiting].decision == "denied"
        assert rows[approved].valid_until <= clock()
        assert connection.scalars(select(api_tokens.c.revoked_at)).all() == [clock()]
        assert connection.scalars(select(sessions.c.user_id)).all() == []
    (closing,) = (each for each in recorded(engine) if each["action"] == "accounts.close")
    assert (closing["actor"]["login"], closing["request"]["login"]) == ("admin", "gone")


@ON_SQLITE
@pytest.mark.policy("C-3b")
def test_it_is_said_when_the_last_administrator_of_an_agency_leaves(accounts: Accounts) -> None:
    employ(accounts, "away", ADMINISTRATOR, agency="boston-pd")
    for login in ("one", "two"):
        employ(accounts, login, ADMINISTRATOR)
    employ(accounts, "jdoe", R.OFFICER)
    assert accounts.close_account("one", OPERATOR, "here").unadministered is None
    assert accounts.close_account("two", OPERATOR, "here").unadministered == "salem-pd"
    assert accounts.close_account("jdoe", OPERATOR, "here").unadministered is None


def _give(engine: Engine, user: User, clock: Clock) -> tuple[int, int]:
    """A token, a proposal that waits, and one that is approved."""
    common = {
        "agency_id": user.agency_id,
        "kind": "search",
        "digest": "0" * 64,
        "request": "{}",
        "why": "broad",
        "reason": "needed",
        "proposed_by": user.id,
        "proposed_at": clock(),
        "runs_used": 0,
    }
    later = clock().replace(year=2027)
    with engine.begin() as connection:
        case = connection.execute(
            insert(cases)
            .values(agency_id=user.agency_id, number="24-1", opened_by=user.id, opened_at=clock())
            .returning(cases.c.id)
        ).scalar_one()
        made = [
            connection.execute(
                insert(search_approvals)
                .values(**common, case_id=case, **more)
                .returning(search_approvals.c.id)
            ).scalar_one()
            for more in ({}, {"decision": "approved", "valid_until": later, "runs_allowed": 3})
        ]
        connection.execute(
            insert(api_tokens).values(
                id=user.id,
                token_digest=b"\1" * 32,
                name="a service",
                user_id=user.id,
                scopes="statistics:read",
                made_by="Person admin",
                created_at=clock(),
                expires_at=later,
            )
        )
    return made[0], made[1]


@pytest.mark.policy("C-3b")
def test_only_an_account_that_nobody_uses_is_closed(accounts: Accounts, clock: Clock) -> None:
    employ(accounts, "idle", R.OFFICER)
    hire(accounts, "busy")
    days = accounts.settings.disuse_days
    clock.pass_(days=days - 1)
    assert disuse.close_unused(accounts) == []
    sign_in(accounts, "busy")
    clock.pass_(days=1, seconds=1)
    assert disuse.close_unused(accounts) == ["idle"]
    assert disuse.close_unused(accounts) == []
    assert (state(accounts, "idle"), state(accounts, "busy")) == ("not used", None)
    closing = recorded(accounts.engine)[-3]
    assert (closing["action"], closing["actor"]["login"]) == ("accounts.close", "system")
    clock.pass_(days=days + 1)
    assert disuse.close_unused(accounts) == ["busy"]


@ON_SQLITE
@pytest.mark.parametrize("by_role", [ADMINISTRATOR, OPERATES])
def test_accounts_are_closed_and_released_within_reach(accounts: Accounts, by_role: Role) -> None:
    by: By = employ(accounts, "by", by_role)
    employ(accounts, "jdoe", R.OFFICER)
    employ(accounts, "away", R.OFFICER, agency="boston-pd")
    employ(accounts, "root", OPERATES)
    jdoe = as_now(accounts, "jdoe").id
    with accounts.engine.begin() as connection:
        users.count_failure(connection, jdoe, accounts.now(), 1, timedelta(minutes=1))
    accounts.unlock("jdoe", by, "here")
    accounts.close_account("jdoe", by, "here", why="Moved to other duties")
    assert state(accounts, "jdoe") == "Moved to other duties"
    with pytest.raises(AccountError, match="say why"):
        accounts.close_account("by", by, "here", why=" ")
    if by_role is OPERATES:
        accounts.close_account("away", by, "here")
        return
    for beyond in ("away", "nobody", "root"):
        with pytest.raises(AccountError, match=r"no such user|an operator's"):
            accounts.close_account(beyond, by, "here")
