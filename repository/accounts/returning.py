"""A person who left and returns: the account that was theirs, as if it were new.

Their id stays, and with it all that the ledger says of them, what they signed and what they were
taught. Nothing that they could come in by does. Runs in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from repository.accounts import second_factors, users
from repository.accounts.authority import By, require_grant, require_reach
from repository.accounts.errors import AccountError
from repository.accounts.newcomer import Newcomer
from repository.accounts.user import User


@dataclass(frozen=True, slots=True)
class Reopened:
    """An account that was closed, then and for that reason; the password is shown this once.

    It is empty where people of the agency sign in by its own provider alone.
    """

    login: str
    one_time_password: str
    closed_at: datetime
    closed_because: str


@dataclass(frozen=True, slots=True)
class Returned:
    """The person as they are now, and when and why their account was closed."""

    user: User
    closed_at: datetime
    closed_because: str


def reopen(
    connection: Connection,
    person: Newcomer,
    by: By,
    hashed: str,
    history: int,
    *,
    must_change: bool,
) -> Returned:
    """Open the closed account of that login, checked, for the person whose it was.

    ``hashed`` is of the one-time password that is theirs to replace, or of what nobody knows where
    they are told none and so ``must_change`` nothing; ``history`` says how many of their passwords
    before are remembered.

    Raises:
        AccountError: if that agency has no closed account of the login, or it was another person's.
        NotAllowedError: if a role is not theirs to give, or the person's reached further.
    """
    found = users.find(connection, person.login)
    account = None if found is None else users.lock_secret(connection, found.user.id)
    if account is None or account.user.agency != person.agency:
        raise AccountError(f"login {person.login!r}: none of {person.agency} has it or had it")
    if account.disabled_at is None:
        raise AccountError(
            f"login {person.login!r}: is open; 'users unlock' and 'users reset' let its person in"
        )
    if _folded(account.user.name) != _folded(person.name):
        raise AccountError(
            f"login {person.login!r}: was {account.user.name}'s; another person gets a login of "
            "their own by 'logins grant', and so does who has another name by now"
        )
    require_reach(by, account.user)
    require_grant(by, person.agency, account.user.id, (), person.roles)
    users.set_password(connection, account, hashed, must_change=must_change, history=history)
    second_factors.remove_all(connection, account.user.id)
    users.forget_failures(connection, account.user.id)
    user = replace(
        account.user,
        roles=person.roles,
        position=person.position,
        must_change_password=must_change,
    )
    users.reopen(connection, user, email=person.email, phone=person.phone)
    return Returned(user, account.disabled_at, account.disabled_why or "")


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
