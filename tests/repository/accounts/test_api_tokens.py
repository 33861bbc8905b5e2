"""Tokens of services: made for a scope and a person, shown once, and ended at once."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, select, update

from repository.accounts.api_tokens import Scope
from repository.accounts.api_tokens_desk import NoSuchTokenError, OutOfScopeError, Wanted
from repository.accounts.errors import AccountError, NotAllowedError, SessionEndedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.sessions_rates import TooMuchAskedError
from repository.accounts.sessions_settings import SessionSettings
from repository.accounts.settings import AccountSettings
from repository.accounts.user import User
from repository.agencies.statistics import Statistics
from repository.hotlists.desk import ListDesk
from repository.hotlists.importing import Imports
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import HotlistSettings
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store.tables.fleet import agencies
from repository.store.tables.sessions import api_tokens
from repository.units.findings import list_findings
from repository.web.guard import MAX_BODY_BYTES
from tests.repository.accounts.test_sessions import HERE, on_sqlite, opened
from tests.repository.people import (
    LEDGER_KEY,
    LEDGER_ORIGIN,
    OPERATOR,
    Clock,
    hire,
    recorded,
)
from tests.repository.web.test_app import serving

READ = Wanted("state-website", "jdoe", ["statistics:read"], 30)


@on_sqlite
@pytest.mark.policy("G-10a")
@pytest.mark.policy("C-4a")
def test_a_token_is_shown_once_and_each_use_bears_its_name(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    made = accounts.make_token(READ, officer, HERE)
    service = accounts.service_of(made.token, Scope.STATISTICS_READ, "10.1.1.1")
    assert service.actor.name == "Officer jdoe, by token state-website"
    assert (service.actor.user_id, service.actor.login) == (str(officer.id), "jdoe")
    (shown,) = accounts.list_tokens(officer, HERE)
    assert (shown.last_used_at, shown.last_origin) == (clock(), "10.1.1.1")
    assert shown.expires_at == made.expires_at
    with engine.begin() as connection:
        row = connection.execute(select(api_tokens)).one()
    for kept in (repr(row), repr(shown), repr(recorded(engine))):
        assert made.token not in kept
    making = next(each for each in recorded(engine) if each["action"] == "accounts.make_token")
    assert making["request"]["responsible"] == "jdoe"
    assert making["actor"]["login"] == "jdoe"


@on_sqlite
@pytest.mark.policy("C-1a")
def test_what_no_token_can_be_is_refused_on_the_record(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    hire(accounts, "roe", "boston-pd")
    hire(accounts, "gone")
    accounts.close_account("gone", OPERATOR, "here")
    changes: list[tuple[dict[str, Any], str]] = [
        ({"scopes": ["search"]}, "no token can search"),
        ({"scopes": ["statistics:read", "search:run"]}, "no token can search"),
        ({"scopes": []}, "scope: expected some of"),
        ({"days": 366}, "1 to 365 days"),
        ({"days": 0}, "1 to 365 days"),
        ({"name": "State website"}, "name: 2 to 63"),
        ({"responsible": "nobody"}, "no such user"),
        ({"responsible": "roe"}, "no such user"),
        ({"responsible": "gone"}, "the account is closed"),
    ]
    for change, message in changes:
        with pytest.raises(AccountError, match=message):
            accounts.make_token(replace(READ, **change), officer, HERE)
    last = recorded(engine)[-len(changes) :]
    assert {(each["action"], each["outcome"]) for each in last} == {
        ("accounts.make_token", "refused")
    }
    assert list(accounts.list_tokens(officer, HERE)) == []


@on_sqlite
@pytest.mark.policy("G-12")
def test_only_who_manages_users_has_tokens_and_of_their_agency_alone(
    accounts: Accounts, officer: User
) -> None:
    plain = hire(accounts, "poe", roles={Role.OFFICER, Role.AUDITOR})
    boston = hire(accounts, "roe", "boston-pd")
    made = accounts.make_token(READ, officer, HERE)
    for refused in (
        lambda: accounts.make_token(READ, plain, HERE),
        lambda: accounts.list_tokens(plain, HERE),
        lambda: accounts.revoke_token(made.id, plain, HERE),
    ):
        with pytest.raises(NotAllowedError):
            refused()
    assert list(accounts.list_tokens(boston, HERE)) == []
    for token_id in (made.id, uuid.uuid4()):
        with pytest.raises(NoSuchTokenError):
            accounts.revoke_token(token_id, boston, HERE)
    accounts.service_of(made.token, Scope.STATISTICS_READ, HERE)
    other = accounts.make_token(replace(READ, responsible="roe"), OPERATOR, "command line")
    assert accounts.service_of(other.token, Scope.STATISTICS_READ, HERE).agency == "boston-pd"
    assert len(accounts.list_tokens(OPERATOR, "command line")) == 2


@pytest.mark.policy("C-3b")
@pytest.mark.policy("C-conf")
def test_a_token_opens_nothing_once_it_or_what_is_behind_it_ended(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    hire(accounts, "poe")
    hire(accounts, "roe", "boston-pd")
    revoked = accounts.make_token(READ, officer, HERE)
    expired = accounts.make_token(replace(READ, name="short", days=1), officer, HERE)
    left = accounts.make_token(replace(READ, responsible="poe"), officer, HERE)
    ended = accounts.make_token(replace(READ, responsible="roe"), OPERATOR, "here")
    tokens = [each.token for each in (revoked, expired, left, ended)]
    for token in tokens:
        accounts.service_of(token, Scope.STATISTICS_READ, HERE)
    with pytest.raises(AccountError, match="there is such a token"):
        accounts.make_token(READ, officer, HERE)
    accounts.revoke_token(revoked.id, officer, HERE)
    clock.pass_(days=1)
    accounts.close_account("poe", OPERATOR, "here")
    with engine.begin() as connection:
        connection.execute(
            update(agencies).where(agencies.c.name == "boston-pd").values(access="suspended")
        )
    for token in (*tokens, "pws_service_guess", ""):
        with pytest.raises(SessionEndedError):
            accounts.service_of(token, Scope.STATISTICS_READ, HERE)
    with pytest.raises(NoSuchTokenError):
        accounts.revoke_token(revoked.id, officer, HERE)
    accounts.make_token(READ, officer, HERE)


@on_sqlite
def test_a_token_is_for_its_scopes_alone_and_for_so_many_requests(
    accounts: Accounts, officer: User, engine: Engine
) -> None:
    chosen = SessionSettings(requests_per_min=2)
    bounded = replace(accounts, settings=AccountSettings(sessions=chosen))
    made = bounded.make_token(READ, officer, HERE)
    with pytest.raises(OutOfScopeError, match="hotlists:write"):
        bounded.service_of(made.token, Scope.HOTLISTS_WRITE, HERE)
    last = recorded(engine)[-1]
    assert (last["action"], last["outcome"]) == ("accounts.use_token", "refused")
    assert last["actor"]["name"].endswith("by token state-website")
    bounded.service_of(made.token, Scope.STATISTICS_READ, HERE)
    with pytest.raises(TooMuchAskedError):
        bounded.service_of(made.token, Scope.STATISTICS_READ, HERE)
    person = opened(bounded, officer)
    assert bounded.user_of(person, HERE) == officer


@on_sqlite
def test_a_token_that_ends_soon_is_a_finding_until_it_is_dealt_with(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    def findings() -> list[str]:
        accounts.remind_of_tokens()
        with engine.begin() as connection:
            return [each.subject for each in list_findings(connection)]

    first = accounts.make_token(replace(READ, days=60), officer, HERE)
    second = accounts.make_token(replace(READ, name="other", days=61), officer, HERE)
    clock.pass_(days=29, hours=23)
    assert findings() == []
    clock.pass_(hours=1)
    assert findings() == [str(first.id)]
    accounts.revoke_token(first.id, officer, HERE)
    clock.pass_(days=1)
    assert findings() == [str(second.id)]
    clock.pass_(days=30)
    assert findings() == []


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    ledger: Ledger
    statistics: Statistics
    hotlist_desk: ListDesk
    hotlist_imports: Imports


@pytest.fixture
def client(engine: Engine, accounts: Accounts, clock: Clock) -> Iterator[httpx.Client]:
    publisher = Publisher(Ed25519PrivateKey.from_private_bytes(bytes(range(32))), 10)
    rooms = Rooms(
        accounts,
        Ledger(engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), clock),
        Statistics(engine, clock, 10),
        ListDesk(engine, lambda: publisher, HotlistSettings(), clock),
        Imports(engine, publisher, clock),
    )
    with serving(rooms) as opened:
        yield opened


def bearing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@on_sqlite
@pytest.mark.policy("C-1a")
@pytest.mark.policy("C-conf")
def test_no_token_of_a_service_opens_what_is_a_persons(
    client: httpx.Client, accounts: Accounts, officer: User
) -> None:
    wanted = replace(READ, scopes=[each.value for each in Scope])
    token = accounts.make_token(wanted, officer, HERE).token
    for method, path in (
        ("POST", "search"),
        ("POST", "picture"),
        ("GET", "alerts?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"),
        ("GET", "sessions"),
        ("GET", "api-tokens"),
        ("GET", "users"),
    ):
        answer = client.request(method, f"/api/v1/{path}", headers=bearing(token))
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "session_ended"), path
    person = opened(accounts, officer, "127.0.0.1")
    months = "/api/v1/statistics?first=2026-01&last=2026-01"
    assert client.get(months, headers=bearing(person)).status_code == 401
    assert client.get(months, headers=bearing(token)).json() == {"smallest_shown": 10, "lines": []}


@on_sqlite
def test_an_administrator_makes_and_revokes_a_token_that_brings_a_list(
    client: httpx.Client, accounts: Accounts, officer: User, engine: Engine
) -> None:
    person = bearing(opened(accounts, officer, "127.0.0.1"))
    scopes = ["hotlists:write", "ledger:read"]
    asked = {"name": "rms", "responsible": "jdoe", "scopes": scopes, "days": 90}
    made = client.post("/api/v1/api-tokens", json=asked, headers=person)
    assert made.status_code == 201, made.text
    service = bearing(made.json()["token"])
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["plate", "entry", "state", "kind", "priority"])
    for number in range(4000):
        writer.writerow([f"1ABC{number:04}", str(number), "MA", "stolen_vehicle", "2"])
    content = rows.getvalue().encode()
    assert len(content) > MAX_BODY_BYTES
    address = "/api/v1/hotlist-sources/stolen/rms"
    assert client.put(address, content=content, headers=person).status_code == 401
    taken = client.put(address, content=content, headers=service)
    assert taken.status_code == 200, taken.text
    assert (taken.json()["entries"], taken.json()["rejected"]) == (4000, 0)
    imported = recorded(engine)[-1]
    assert imported["actor"]["name"] == "Officer jdoe, by token rms"
    assert imported["request"]["agency"] == "salem-pd"
    refused = client.put("/api/v1/hotlist-sources/stolen/manual", content=content, headers=service)
    assert refused.status_code == 422
    cut = client.put(address, content=content[:2000], headers=service)
    assert (cut.status_code, cut.json()["error"]["code"]) == (422, "refused")
    entry = f"/api/v1/ledger/entries/{imported['index']}/proof"
    assert client.get(entry, headers=service).status_code == 404
    ledger = Ledger(engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), accounts.now)
    Signer(ledger, LEDGER_KEY).sign_checkpoint()
    proof = client.get(entry, headers=service).json()
    assert proof["index"] == imported["index"]
    assert "body" not in proof
    (shown,) = client.get("/api/v1/api-tokens", headers=person).json()["tokens"]
    assert shown["last_origin"] == "127.0.0.1"
    revoked = client.delete(f"/api/v1/api-tokens/{shown['id']}", headers=person)
    assert revoked.status_code == 204
    assert client.get(entry, headers=service).status_code == 401
