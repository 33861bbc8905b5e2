"""A picture over the API."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.retention.rules import shipped_rule
from repository.search.picture import Pictures
from tests.repository.people import Clock, recorded
from tests.repository.picture_files import pictures_in
from tests.repository.search.test_picture import FACTS, JPEG, photograph
from tests.repository.sightings import RULE, add_units
from tests.repository.web.test_app import Visitor, error_of, serving, sign_in


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    shown_pictures: Pictures


@pytest.fixture
def rooms(engine: Engine, accounts: Accounts, clock: Clock, tmp_path: Path) -> Rooms:
    store = pictures_in(tmp_path / "pictures", secrets.token_bytes(32))
    return Rooms(accounts, Pictures(engine, clock, store, RULE, shipped_rule))


@pytest.fixture
def client(rooms: Rooms) -> Iterator[Visitor]:
    with serving(rooms) as opened:  # type: ignore[arg-type]
        yield opened


@pytest.mark.policy("C-4a")
def test_a_picture_from_sign_in_to_its_bytes(
    client: Visitor, officer: User, engine: Engine, clock: Clock, rooms: Rooms
) -> None:
    add_units(engine, clock())
    at = clock() - timedelta(hours=1)
    read_id = photograph(engine, rooms.shown_pictures.store, at)
    wish = {
        "read": str(read_id),
        "kind": "plate",
        "purpose": "criminal_investigation",
        "facts": FACTS,
        "case": "24-1187",
        "affirmed": True,
    }
    assert error_of(client.post("/api/v1/picture", json=wish))[0] == 401
    headers = sign_in(client)
    answer = client.post("/api/v1/picture", json=wish, headers=headers)
    assert (answer.status_code, answer.content) == (200, JPEG)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Picture-SHA256"] == hashlib.sha256(JPEG).hexdigest()
    entry = recorded(engine)[-1]
    assert (entry["action"], str(entry["index"])) == (
        "picture.show",
        answer.headers["X-Ledger-Entry"],
    )
    for bad, said in (
        (wish | {"read": "x"}, "read: "),
        (wish | {"path": "/etc/passwd"}, "path: "),
        ({}, "read: "),
    ):
        refused = client.post("/api/v1/picture", json=bad, headers=headers)
        status, code, message = error_of(refused)
        assert (status, code) == (422, "refused")
        assert message.startswith(said)
        assert recorded(engine)[-1]["outcome"] == "refused"
    assert client.get("/api/v1/picture", headers=headers).status_code == 405
