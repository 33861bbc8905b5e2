"""A vehicle's console signs its officer in over HTTP, and nothing else can in its name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, update

from edge.contract.batch import key_id
from edge.contract.unit_request import sign_request
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.hotlists.service import UnitHotlists
from repository.store.tables.fleet import units
from repository.units.requests import UnitRequests
from tests.repository.accounts.test_sessions import on_sqlite
from tests.repository.people import PASSWORD, Clock, code_of
from tests.repository.sightings import add_units
from tests.repository.web.test_app import error_of, serving

ADDRESS = "/api/v1/units/sign-in"
KEY, OTHER_KEY = (Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (1, 2))


@dataclass(frozen=True)
class Rooms:
    accounts: Accounts
    hotlists: UnitHotlists


@on_sqlite
@pytest.mark.policy("C-3c")
@pytest.mark.policy("C-conf")
def test_the_consoles_signature_and_the_officers_password_open_it_together(
    accounts: Accounts, officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    with engine.begin() as connection:
        public = KEY.public_key().public_bytes_raw()
        connection.execute(
            update(units)
            .where(units.c.id == 1)
            .values(public_key=public, key_id=key_id(KEY.public_key()))
        )
    typed = {"login": "jdoe", "password": PASSWORD, "code": code_of(accounts, "jdoe").code}

    def signed(key: Ed25519PrivateKey, path: str = ADDRESS) -> dict[str, str]:
        header = sign_request(
            agency="salem-pd", unit="car-7", method="POST", path=path, at=clock(), private_key=key
        )
        return {"Authorization": header}

    rooms = Rooms(accounts, UnitHotlists(engine, UnitRequests(engine, clock), clock))
    with serving(rooms) as client:
        for headers in ({}, signed(OTHER_KEY), signed(KEY, "/api/v1/hotlists/stolen/manifest")):
            refused = client.post(ADDRESS, json=typed, headers=headers)
            assert error_of(refused)[:2] == (401, "unit_refused")
        wrong = client.post(ADDRESS, json=typed | {"password": "wrong"}, headers=signed(KEY))
        assert error_of(wrong)[:2] == (401, "sign_in_refused")
        opened = client.post(ADDRESS, json=typed, headers=signed(KEY))
        assert opened.status_code == 200, opened.text
        held = {"Authorization": f"Bearer {opened.json()['token']}"}
        clock.pass_(hours=2)
        (mine,) = client.get("/api/v1/sessions", headers=held).json()["sessions"]
        assert (mine["kind"], mine["locked"], mine["current"]) == ("vehicle", False, True)
