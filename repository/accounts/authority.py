"""Whose accounts an administrator may change, and how. Pure.

Who acts is a signed-in person, or the operator at the repository's own command line (an `Actor`),
who may do everything here. Nobody raises their own rights, nor takes over an account that may do
what they may not grant.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeAlias
from uuid import UUID

from repository.accounts.errors import NoSuchUserError, NotAllowedError
from repository.accounts.roles import GRANTED_BY, REPOSITORY_WIDE, Power, Role, gives
from repository.accounts.user import User
from repository.ledger.entry import Actor

By: TypeAlias = User | Actor
"""A signed-in person, or the operator at the repository's own command line."""


def actor_of(by: By) -> Actor:
    """Who acts, as the ledger names them."""
    return by.actor if isinstance(by, User) else by


def reaches_all(by: By, *powers: Power) -> bool:
    """Whether one of the powers comes to whoever acts by a role that reaches every agency."""
    return isinstance(by, Actor) or gives(by.roles & REPOSITORY_WIDE, *powers)


def reaches(by: By, agency: str, *powers: Power) -> bool:
    """Whether whoever acts has one of the powers in that agency."""
    if isinstance(by, Actor) or reaches_all(by, *powers):
        return True
    return by.agency == agency and gives(by.roles, *powers)


def grantable(by: By, agency: str) -> frozenset[Role]:
    """The roles that whoever acts may give to others of that agency, and take from them."""
    if isinstance(by, Actor):
        return frozenset(Role)
    givers = by.roles if by.agency == agency else by.roles & REPOSITORY_WIDE
    return frozenset().union(*(GRANTED_BY.get(each, frozenset()) for each in givers))


def require_grant(
    by: By, agency: str, person: UUID | None, before: Collection[Role], after: Collection[Role]
) -> None:
    """Let whoever acts change a person's roles; ``person`` is None for one who is yet to come.

    Raises:
        NotAllowedError: if it is themselves, or a role is not theirs to give or take.
    """
    if isinstance(by, User) and by.id == person:
        raise NotAllowedError("roles: nobody changes their own; another administrator does")
    beyond = frozenset(before) ^ frozenset(after)
    beyond -= grantable(by, agency)
    if beyond:
        raise NotAllowedError(f"role {', '.join(sorted(beyond))}: not yours to give or take")


def require_reach(by: By, target: User) -> None:
    """Let whoever acts close or release a person's account.

    Raises:
        AccountError: as for an unknown login, if the person is of an agency out of reach.
        NotAllowedError: if the person's roles reach further than those of who acts.
    """
    if not reaches(by, target.agency, Power.MANAGE_USERS):
        raise NoSuchUserError(target.login)
    wide = target.roles & REPOSITORY_WIDE
    if wide and isinstance(by, User) and Role.OPERATOR not in by.roles:
        raise NotAllowedError(f"login {target.login!r}: an operator's to change")


def require_takeover(by: By, target: User) -> None:
    """Let whoever acts give out what opens a person's account, such as a new password.

    Raises:
        AccountError: as for an unknown login, if the person is of an agency out of reach.
        NotAllowedError: if it is themselves, or the account may do what is not theirs to grant.
    """
    require_reach(by, target)
    if isinstance(by, Actor):
        return
    if by.id == target.id:
        raise NotAllowedError("account: nobody resets their own; another administrator does")
    if Role.OPERATOR not in by.roles and not target.roles <= grantable(by, target.agency):
        raise NotAllowedError(f"login {target.login!r}: has roles that are not yours to give")
