"""People of agencies' offices, and papers as they hand them in."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import Connection, Engine, select

from edge.contract.batch import GENESIS_ROOT
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.agencies.agreements import Signing
from repository.agencies.representatives import Person
from repository.store.engine import reading
from repository.store.rows import put
from repository.store.tables.accounts import users
from repository.store.tables.fleet import chains
from repository.units.findings import list_findings
from tests.repository.people import keep_user

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""Where what is tested asks nothing of the database that the others do not."""
TEXT = b"Who signs this keeps to the policy, and says so to everybody."
SCAN = b"%PDF-1.7 the signature of a chief"
_AGENCIES = {1: "salem-pd", 2: "boston-pd"}


def employ(engine: Engine, login: str, *roles: Role, agency_id: int = 1) -> User:
    """A person with these roles and no password."""
    user = User(
        uuid.uuid4(), login, f"Officer {login}", agency_id, _AGENCIES[agency_id], False,
        frozenset(roles), "Officer",
    )  # fmt: skip
    keep_user(engine, user, datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    return user


def signing(day: date, by: str = "Ruth Roe", version: str = "2026-1") -> Signing:
    """An agreement as it was signed on that day."""
    return Signing(version, TEXT + version.encode(), SCAN, by, "Chief of Police", day)


def person(name: str = "Ruth Roe", **changed: str) -> Person:
    """Somebody who may hold a post."""
    reached = Person(name, "Chief of Police", "978-555-0100", "rroe@salem.example")
    return replace(reached, **changed) if changed else reached


def open_findings(engine: Engine, kind: str) -> list[str]:
    """The subjects of the open findings of that kind, or their units where they have none."""
    with reading(engine) as connection:
        found = [each for each in list_findings(connection) if each.kind == kind]
    return [each.subject or f"{each.agency}/{each.unit}" for each in found]


def captured(connection: Connection, unit_id: int, at: datetime) -> None:
    """Have the unit have captured something at that moment."""
    row = {"unit_id": unit_id, "committed_through": 1, "chain_root": GENESIS_ROOT}
    put(connection, chains, row | {"updated_at": at, "captured_through": at})


def locked(engine: Engine, user: User) -> tuple[bool, bool]:
    """Whether the account is locked, and whether it is closed."""
    query = select(users.c.locked_at, users.c.disabled_at).where(users.c.id == user.id)
    with reading(engine) as connection:
        row = connection.execute(query).one()
    return row.locked_at is not None, row.disabled_at is not None
