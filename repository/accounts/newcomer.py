"""A person who is to have an account, and how it is made. Runs in the caller's transaction."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from repository.accounts import users
from repository.accounts.authority import By, reaches, require_grant
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power, Role
from repository.accounts.user import User, check_login, check_name, check_position
from repository.ledger.entry import JSON, as_typed

_PHONE = re.compile(r"\+?[0-9][0-9 ().x-]{5,30}")
_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,180}\.[A-Za-z]{2,24}")


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What is typed of a new person."""

    login: str
    name: str
    agency: str
    position: str
    roles: frozenset[Role]
    email: str | None = None
    phone: str | None = None

    def as_typed(self) -> dict[str, JSON]:
        """The same for the ledger, as long as it may be refused."""
        return {
            "login": as_typed(self.login),
            "name": as_typed(self.name),
            "agency": as_typed(self.agency),
            "roles": sorted(self.roles),
        }

    def checked(self) -> Newcomer:
        """The same as accounts have it.

        Raises:
            AccountError: if the login, name or position is not in form.
        """
        return replace(
            self,
            login=check_login(self.login),
            name=check_name(self.name),
            position=check_position(self.position),
        )


def make(
    connection: Connection,
    person: Newcomer,
    by: By,
    hashed: str,
    now: datetime,
    *,
    must_change: bool,
) -> User:
    """Store a new user, checked, with the hash of the one-time password that is theirs to replace.

    Where they are told none, and so ``must_change`` nothing, the hash is of what nobody knows.

    Raises:
        AccountError: if the login is taken, or the agency is none that ``by`` acts for.
        NotAllowedError: if a role is not theirs to give.
    """
    users.take_turn(connection)
    agency_id = users.agency_id(connection, person.agency)
    if agency_id is None or not reaches(by, person.agency, Power.MANAGE_USERS):
        raise AccountError(
            f"agency {person.agency!r}: not known; 'alpr-repository agencies add' makes it"
        )
    require_grant(by, person.agency, None, (), person.roles)
    if users.find(connection, person.login) is not None:
        raise AccountError(
            f"login {person.login!r}: taken, by a person who may have left; who returns to the "
            "agency gets theirs again by 'logins reopen'"
        )
    user = User(
        id=uuid.uuid4(),
        login=person.login,
        name=person.name,
        agency_id=agency_id,
        agency=person.agency,
        must_change_password=must_change,
        roles=person.roles,
        position=person.position,
    )
    users.add(connection, user, hashed, now, email=person.email, phone=person.phone)
    return user


def check_phone(typed: str) -> str:
    """A telephone number.

    Raises:
        AccountError: if it is none.
    """
    phone = " ".join(typed.split())
    if not _PHONE.fullmatch(phone):
        raise AccountError("phone: 7 to 32 digits, spaces, and ( ) . - + or x for an extension")
    return phone


def check_email(typed: str) -> str:
    """An address for e-mail.

    Raises:
        AccountError: if it is none.
    """
    email = typed.strip()
    if not _EMAIL.fullmatch(email):
        raise AccountError("email: an address such as jdoe@example.gov")
    return email
