"""The API over a real server on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text

from edge.contract import merkle
from repository.accounts import throttle
from repository.accounts.service import Accounts
from repository.accounts.sessions_settings import SessionSettings
from repository.accounts.settings import AccountSettings
from repository.accounts.user import User
from repository.ledger import checkpoints
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.search.result import LEAD_ONLY
from repository.search.service import Searches
from repository.web.app import create_app
from repository.web.guard import MAX_BODY_BYTES, SECURITY_HEADERS
from repository.web.server import make_server
from tests.repository.people import (
    AGENCY_ROLES,
    LEDGER_KEY,
    LEDGER_ORIGIN,
    OPERATOR,
    PASSWORD,
    Clock,
    code_of,
    recorded,
)
from tests.repository.sightings import FOLD, RULE, add_units, sight


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    searches: Searches
    ledger: Ledger


class Visitor(httpx.Client):
    """A client that has everybody's authenticator app at hand."""

    accounts: Accounts


@contextmanager
def serving(rooms: Rooms, *proxies: str) -> Iterator[Visitor]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(create_app(rooms), proxies)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web")
    thread.start()
    port = listener.getsockname()[1]
    try:
        with Visitor(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as opened:
            opened.accounts = rooms.accounts
            yield opened
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture
def rooms(engine: Engine, accounts: Accounts, clock: Clock) -> Rooms:
    ledger = Ledger(engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), clock)
    return Rooms(accounts, Searches(engine, clock, FOLD, RULE), ledger)


@pytest.fixture
def client(rooms: Rooms) -> Iterator[Visitor]:
    with serving(rooms) as opened:
        yield opened


def credentials(client: Visitor, login: str = "jdoe") -> dict[str, str]:
    code = code_of(client.accounts, login).code
    return {"login": login, "password": PASSWORD, "code": code}


def sign_in(client: Visitor, login: str = "jdoe") -> dict[str, str]:
    answer = client.post("/api/v1/login", json=credentials(client, login))
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def question(clock: Clock, **changes: Any) -> dict[str, Any]:
    return {
        "plate": "1ABC20",
        "from": (clock() - timedelta(days=1)).isoformat(),
        "to": clock().isoformat(),
        "purpose": "criminal_investigation",
        "facts": "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk",
        "case": "24-1187",
        "affirmed": True,
    } | changes


def error_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"code", "message"}
    return answer.status_code, error["code"], error["message"]


def test_a_search_by_part_and_place_goes_on_where_it_ended(
    client: Visitor, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    for hours in (1, 2, 3):
        sight(engine, f"1ABC2{hours}", clock() - timedelta(hours=hours))
    asked = question(clock, plate="*ABC*", near="42.5195,-70.8967", radius_m=50, limit=2)
    headers = sign_in(client)
    first = client.post("/api/v1/search", json=asked, headers=headers).json()
    assert [read["plate"] for read in first["reads"]] == ["1ABC21", "1ABC22"]
    rest = client.post("/api/v1/search", json=asked | {"after": first["next"]}, headers=headers)
    assert [read["plate"] for read in rest.json()["reads"]] == ["1ABC23"]
    assert recorded(engine)[-1]["request"]["criteria"]["after"] == first["next"]


@pytest.mark.policy("F-lead")
@pytest.mark.policy("C-4a")
def test_a_search_from_sign_in_to_answer(
    client: Visitor, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    read_id = sight(engine, "1ABC20", clock() - timedelta(hours=1), unit=2)
    found = client.post("/api/v1/search", json=question(clock), headers=sign_in(client))
    assert found.status_code == 200
    content = found.json()
    assert content["notice"] == LEAD_ONLY
    assert [each["id"] for each in content["reads"]] == [str(read_id)]
    entry = recorded(engine)[-1]
    assert entry["index"] == content["ledger_entry"]
    assert (entry["origin"], entry["count"]) == ("127.0.0.1", 1)


@pytest.mark.policy("C-3a")
def test_a_one_time_password_opens_only_its_change(
    client: Visitor, accounts: Accounts, clock: Clock
) -> None:
    once = accounts.bootstrap("jdoe", "Jane Doe", "salem-pd", OPERATOR, "here", roles=AGENCY_ROLES)
    answer = client.post("/api/v1/login", json={"login": "jdoe", "password": once})
    assert answer.json()["must_change_password"] is True
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    refused = client.post("/api/v1/search", json=question(clock), headers=headers)
    assert error_of(refused)[:2] == (403, "password_change_required")
    weak = client.post(
        "/api/v1/password", json={"current": once, "new": "Password1"}, headers=headers
    )
    assert error_of(weak) == (
        422,
        "refused",
        "password: is a word of signing in, and is among the first that are tried",
    )
    changed = client.post(
        "/api/v1/password", json={"current": once, "new": PASSWORD}, headers=headers
    )
    assert changed.status_code == 204
    ended = client.post("/api/v1/search", json=question(clock), headers=headers)
    assert error_of(ended)[:2] == (401, "session_ended")
    refused = client.post("/api/v1/search", json=question(clock), headers=sign_in(client))
    assert error_of(refused)[:2] == (403, "acknowledgement_required")


@pytest.mark.policy("C-4a")
def test_nobody_forges_where_a_request_came_from(
    client: Visitor, officer: User, engine: Engine
) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    answer = client.post("/api/v1/login", json=credentials(client), headers=forged)
    assert answer.status_code == 200
    assert recorded(engine)[-1]["origin"] == "127.0.0.1"
    assert "Server" not in answer.headers


def test_a_proxy_that_is_named_says_where_a_request_came_from(
    rooms: Rooms, officer: User, engine: Engine
) -> None:
    said = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}  # the first by the client itself
    for proxy, origin in (("127.0.0.1", "203.0.113.9"), ("192.0.2.1", "127.0.0.1")):
        with serving(rooms, proxy) as client:
            client.post("/api/v1/login", json=credentials(client), headers=said)
        assert recorded(engine)[-1]["origin"] == origin


def test_sign_in_failures_tell_nothing(client: Visitor, officer: User) -> None:
    known = client.post("/api/v1/login", json={"login": "jdoe", "password": "wrong"})
    unknown = client.post("/api/v1/login", json={"login": "nobody", "password": "wrong"})
    assert error_of(known) == error_of(unknown)
    assert error_of(known)[:2] == (401, "sign_in_refused")
    assert known.headers["WWW-Authenticate"] == "Bearer"


def test_too_many_failures_from_an_address_are_said(
    client: Visitor, officer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "LIMIT", 1)
    wrong = {"login": "jdoe", "password": "wrong"}
    assert client.post("/api/v1/login", json=wrong).status_code == 401
    status, code, sentence = error_of(client.post("/api/v1/login", json=wrong))
    assert (status, code) == (429, "too_many_sign_ins")
    assert sentence.startswith("too many failed sign-ins from this address")


@pytest.mark.policy("C-conf")
@pytest.mark.policy("G-12")
@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer x", "Basic amRvZTp4", "Bearer \xff"]
)
def test_without_a_session_nothing_opens(
    client: Visitor, officer: User, clock: Clock, authorization: str | None
) -> None:
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin1"))]
    for address in ("/api/v1/search", "/api/v1/password", "/api/v1/logout"):
        body = question(clock) if "search" in address else {"current": "a", "new": "b"}
        answer = client.post(address, json=body, headers=headers)
        assert error_of(answer)[:2] == (401, "session_ended")


@pytest.mark.policy("C-conf")
@pytest.mark.parametrize("address", ["/docs", "/redoc", "/openapi.json", "/", "/api/v1"])
def test_strangers_find_no_description(client: Visitor, address: str) -> None:
    assert error_of(client.get(address)) == (404, "http", "there is nothing at this address")


def test_signing_out_ends_the_session(client: Visitor, officer: User, clock: Clock) -> None:
    headers = sign_in(client)
    assert client.post("/api/v1/logout", headers=headers).status_code == 204
    answer = client.post("/api/v1/search", json=question(clock), headers=headers)
    assert answer.status_code == 401


@pytest.mark.policy("C-1a")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"purpose": "curiosity"}, "purpose: expected one of"),
        ({"facts": ""}, "facts: say in words"),
        ({"case": ""}, "case: missing"),
        ({"affirmed": False}, "affirm: the search needs your word"),
        ({"from": "2026-03-01T00:00:00"}, "from: needs its offset"),
        ({"plate": ""}, "plate: expected"),
        ({"from": ""}, "from: expected a moment"),
        ({"to": "tomorrow"}, "to: expected a moment"),
        ({"to": 7}, "to: Input should be a valid string"),
        ({"limit": "many"}, "limit: Input should be a valid integer"),
        ({"near": "42.5,-70.9"}, "radius: expected"),
        ({"within": ["42.5,-70.9"]}, "within: expected 3 to"),
        ({"unit": "car-99"}, "unit: none of that name"),
        ({"where": "Salem"}, "where: Extra inputs are not permitted"),
    ],
)
def test_refused_searches_say_why_and_are_recorded(
    client: Visitor,
    officer: User,
    clock: Clock,
    engine: Engine,
    change: dict[str, Any],
    message: str,
) -> None:
    answer = client.post("/api/v1/search", json=question(clock, **change), headers=sign_in(client))
    status, code, sentence = error_of(answer)
    assert (status, code) == (422, "refused")
    assert sentence.startswith(message)
    assert recorded(engine)[-1]["outcome"] == "refused"


@pytest.mark.policy("C-4a")
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"plate": "1ABC20", "plates": ["1ABC20"]}', b"\xff\x00"]
)
def test_what_is_no_search_is_recorded_too(
    client: Visitor, officer: User, engine: Engine, body: bytes
) -> None:
    answer = client.post("/api/v1/search", content=body, headers=sign_in(client))
    status, code, sentence = error_of(answer)
    assert (status, code) == (422, "refused")
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("search.run", "refused")
    assert (entry["actor"]["login"], entry["request"]["reason"]) == ("jdoe", sentence)


def test_a_search_that_is_too_large_is_refused_as_it_arrives(
    client: Visitor, officer: User
) -> None:
    content = b" " * (MAX_BODY_BYTES + 1)
    answer = client.post("/api/v1/search", content=content, headers=sign_in(client))
    assert error_of(answer)[:2] == (413, "http")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body: "),
        (b"{", "1: "),
        (b"[]", "body: "),
        (b'{"login": "jdoe"}', "password: "),
        (b'{"login": "jdoe", "password": "x", "admin": true}', "admin: "),
        (b'{"login": "jdoe", "password": 7}', "password: "),
    ],
)
def test_what_is_not_understood_is_said_in_one_shape(
    client: Visitor, body: bytes, message: str
) -> None:
    answer = client.post(
        "/api/v1/login", content=body, headers={"Content-Type": "application/json"}
    )
    status, code, sentence = error_of(answer)
    assert (status, code) == (422, "invalid")
    assert sentence.startswith(message)


def test_a_large_body_is_refused_as_it_arrives(client: Visitor) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 1):
            yield b" " * 1024

    for content in (endless(), b" " * (MAX_BODY_BYTES + 1)):
        answer = client.post(
            "/api/v1/login", content=content, headers={"Content-Type": "application/json"}
        )
        assert error_of(answer) == (413, "http", "the body is too large")


def test_every_answer_carries_the_headers(client: Visitor, engine: Engine) -> None:
    answers = [
        client.get("/healthz"),
        client.get("/nothing"),
        client.put("/api/v1/login"),
        client.post("/api/v1/login", content=b" " * (MAX_BODY_BYTES + 1)),
    ]
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE users RENAME COLUMN name TO name_away"))
    answers.append(client.post("/api/v1/login", json={"login": "jdoe", "password": "x"}))
    assert [answer.status_code for answer in answers] == [200, 404, 405, 413, 500]
    for answer in answers:
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value


def test_an_unforeseen_error_shows_and_logs_nothing_personal(
    client: Visitor,
    officer: User,
    engine: Engine,
    clock: Clock,
    capfd: pytest.CaptureFixture[str],
) -> None:
    headers = sign_in(client)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE reads RENAME COLUMN camera TO reads_away"))
    answer = client.post("/api/v1/search", json=question(clock), headers=headers)
    assert error_of(answer)[:2] == (500, "internal")
    shown = "".join(capfd.readouterr()) + answer.text
    for personal in ("1ABC20", "jdoe", "24-1187", "Essex", "reads_away"):
        assert personal not in shown
    assert "Error" in shown


@pytest.mark.policy("C-4c")
def test_witnesses_fetch_the_checkpoint_without_a_token(
    client: Visitor, rooms: Rooms, officer: User
) -> None:
    assert error_of(client.get("/api/v1/ledger/checkpoint"))[:2] == (404, "no_checkpoint")
    Signer(rooms.ledger, LEDGER_KEY).sign_checkpoint()
    answer = client.get("/api/v1/ledger/checkpoint")
    assert answer.headers["content-type"].startswith("text/plain")
    opened = checkpoints.open_note(answer.text, LEDGER_ORIGIN, LEDGER_KEY.public_key())
    assert opened.size == len(recorded(rooms.ledger.engine))


@pytest.mark.policy("C-4c")
def test_growth_is_proven_without_a_token(client: Visitor, rooms: Rooms, officer: User) -> None:
    at = "/api/v1/ledger/consistency"
    assert error_of(client.get(f"{at}/1"))[:2] == (404, "no_checkpoint")
    note = Signer(rooms.ledger, LEDGER_KEY).sign_checkpoint()
    signed = checkpoints.open_note(note, LEDGER_ORIGIN, LEDGER_KEY.public_key())
    proof = client.get(f"{at}/1").json()
    assert proof["checkpoint"] == note
    path = [bytes.fromhex(each) for each in proof["path"]]
    old_root = bytes.fromhex(proof["old_root"])
    merkle.verify_consistency(1, signed.size, old_root, signed.root, path)
    for size in (0, -1, signed.size + 1, 10**30):
        assert error_of(client.get(f"{at}/{size}"))[0] == 404
    assert client.get(f"{at}/x").status_code == 422


@pytest.mark.parametrize("path", ["checkpoint", "consistency/1"])
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_needs_no_token_is_bounded_by_address(rooms: Rooms, path: str) -> None:
    sessions = SessionSettings(requests_per_min_and_address=1)
    accounts = replace(rooms.accounts, settings=AccountSettings(sessions=sessions))
    with serving(replace(rooms, accounts=accounts)) as client:
        assert error_of(client.get(f"/api/v1/ledger/{path}"))[0] == 404
        refused = client.get(f"/api/v1/ledger/{path}")
    assert error_of(refused)[:2] == (429, "too_much_asked")


def test_health_says_that_the_process_answers(client: Visitor) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
