"""A person with an account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from repository.accounts.errors import AccountError
from repository.accounts.roles import Role
from repository.ledger.entry import Actor

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_MAX_NAME = 200
_MAX_POSITION = 100


@dataclass(frozen=True, slots=True)
class User:
    """One person of one agency, as they are after signing in."""

    id: UUID
    login: str
    name: str
    agency_id: int
    agency: str
    must_change_password: bool
    roles: frozenset[Role]
    position: str

    @property
    def actor(self) -> Actor:
        """The person as the ledger names them."""
        return Actor(str(self.id), self.login, self.name, self.agency)


def fold_login(typed: str) -> str | None:
    """The login that was meant, or None if no account can have it."""
    login = typed.strip()
    if not login.isascii():  # some letters of other alphabets fold to a-z, as the Kelvin sign does
        return None
    login = login.lower()
    return login if _LOGIN.fullmatch(login) else None


def check_login(typed: str) -> str:
    """The login for a new account.

    Raises:
        AccountError: if it is not of the form that logins have.
    """
    login = fold_login(typed)
    if login is None:
        raise AccountError(
            "login: 2 to 64 of the letters a-z, digits, dot, underscore and hyphen, "
            "beginning with a letter or digit"
        )
    return login


def check_name(typed: str) -> str:
    """The person's name for a new account.

    Raises:
        AccountError: if it is empty, too long, or not in one line of print.
    """
    name = " ".join(typed.split())
    if not name or len(name) > _MAX_NAME or not name.isprintable():
        raise AccountError(f"name: the person's full name, up to {_MAX_NAME} characters")
    return name


def check_position(typed: str) -> str:
    """What the person is at their agency, such as a rank; empty where nobody said.

    Raises:
        AccountError: if it is too long, or not in one line of print.
    """
    position = " ".join(typed.split())
    if len(position) > _MAX_POSITION or not position.isprintable():
        raise AccountError(f"position: one line of up to {_MAX_POSITION} characters")
    return position
