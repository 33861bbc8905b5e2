"""One act about people: a transaction of somebody who may do it, on the ledger in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from repository.accounts import users
from repository.accounts.authority import By, actor_of, reaches, reaches_all
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError, NoSuchUserError
from repository.accounts.hashing import Passwords
from repository.accounts.roles import Power
from repository.accounts.service import Accounts
from repository.accounts.settings import AccountSettings
from repository.accounts.user import User, check_login
from repository.accounts.users import Account
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, digest_of_ids

_MAX_TEXT = 2000


@dataclass(slots=True)
class Act:
    """An act under way; ``facts``, ``count`` and ``ids`` go into its entry."""

    connection: Connection
    by: By
    powers: tuple[Power, ...]
    actor: Actor
    now: datetime
    facts: dict[str, JSON] = field(default_factory=dict)
    ids: list[str] | None = None

    @property
    def own_agency(self) -> int | None:
        """The id of the one agency that the person acts for; None where they act for all."""
        if isinstance(self.by, User) and not reaches_all(self.by, *self.powers):
            return self.by.agency_id
        return None

    def agency(self, name: str | None) -> tuple[int, str]:
        """The id and name of the agency that is meant; without a name, the person's own.

        Raises:
            AccountError: if there is none, or the person does not act for it.
        """
        named = name or (self.by.agency if isinstance(self.by, User) else "")
        found = users.agency_id(self.connection, named)
        if found is None or not reaches(self.by, named, *self.powers):
            raise AccountError(f"agency {named!r}: not one that you act for")
        self.facts["agency"] = named
        return found, named

    def person(self, login: str) -> Account:
        """The account of that login, locked.

        Raises:
            AccountError: if there is none, or the person who acts does not reach it.
        """
        found = users.find(self.connection, check_login(login))
        account = None if found is None else users.lock(self.connection, found.user.id)
        if account is None or not reaches(self.by, account.user.agency, *self.powers):
            raise NoSuchUserError(login)
        self.facts |= {"login": account.user.login, "agency": account.user.agency}
        return account


@dataclass(frozen=True)
class PeopleBase:
    """What all that is done about people stands on: the accounts, with their database and clock."""

    accounts: Accounts

    @property
    def engine(self) -> Engine:
        """The database."""
        return self.accounts.engine

    @property
    def settings(self) -> AccountSettings:
        """How long things are good."""
        return self.accounts.settings

    @property
    def passwords(self) -> Passwords:
        """What hashes one-time passwords."""
        return self.accounts.passwords

    def now(self) -> datetime:
        """The moment."""
        return self.accounts.now()

    @contextmanager
    def _act(
        self, by: By, action: str, asked: Mapping[str, JSON], origin: str, *powers: Power
    ) -> Iterator[Act]:
        """A transaction of somebody who has one of the powers; without any named, of anybody.

        Raises:
            SessionEndedError: if the person's account was closed meanwhile.
            NotAllowedError: if they have none of the powers.
        """
        actor = actor_of(by)
        entry = Entry(action, actor, self.now(), origin, asked)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            if isinstance(by, User):
                by = enter(connection, by, *powers)
            act = Act(connection, by, powers, actor, self.now())
            yield act
            recorded = replace(entry, at=act.now, request={**asked, **act.facts})
            if act.ids is not None:
                digest = digest_of_ids(act.ids)
                recorded = replace(recorded, count=len(act.ids), result_digest=digest)
            log.append(connection, recorded)


def require_text(what: str, typed: str, longest: int = _MAX_TEXT) -> str:
    """What a person wrote, in one paragraph or several.

    Raises:
        AccountError: if it is empty, too long, or holds what no page can show.
    """
    text = typed.strip()
    shown = text.replace("\n", "").replace("\t", "")
    if not text or len(text) > longest or not shown.isprintable():
        raise AccountError(f"{what}: say it in words, up to {longest} characters")
    return text
