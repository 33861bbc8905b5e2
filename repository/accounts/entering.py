"""How every use case of a signed-in person begins."""

from __future__ import annotations

from sqlalchemy import Connection

from repository.accounts import users
from repository.accounts.errors import NotAllowedError, SessionEndedError
from repository.accounts.roles import REPOSITORY_WIDE, Power, powers_of, require
from repository.accounts.user import User


def enter(connection: Connection, user: User, *powers: Power) -> User:
    """Lock the user's account for the transaction, and let them go on if they may do one of these.

    Without a power it is what everybody does for themselves. Gives the user as they are now: roles
    that were taken meanwhile no longer count.

    Raises:
        SessionEndedError: if the account was closed meanwhile.
        NotAllowedError: if none of their roles gives any of the powers.
    """
    account = users.lock(connection, user.id)
    if account is None or not account.open:
        raise SessionEndedError
    if powers:
        require(account.user, *powers)
    return account.user


def require_own_agency(user: User, agency: str, *powers: Power) -> None:
    """Let a person act for their own agency, and for any whose role gives such a power in all.

    Raises:
        NotAllowedError: if it is another's.
    """
    wide = powers_of(user.roles & REPOSITORY_WIDE)
    if user.agency != agency and wide.isdisjoint(powers):
        raise NotAllowedError(f"agency {agency!r}: you act for {user.agency} alone")
