"""What every act around searches shares: a power, an open account, one transaction, one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine

from repository.accounts.entering import enter
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.search.permits import REFUSALS


@dataclass(frozen=True, slots=True)
class Act:
    """A transaction of one person, and the entry that it will have."""

    connection: Connection
    entry: Entry

    @property
    def now(self) -> datetime:
        """The moment of it."""
        return self.entry.at

    def record(self, more: Mapping[str, JSON] | None = None, count: int | None = None) -> int:
        """Append the entry, last of all; its index."""
        request = {**self.entry.request, **(more or {})}
        return log.append(self.connection, replace(self.entry, request=request, count=count)).index


@contextmanager
def acting(
    engine: Engine,
    now: Callable[[], datetime],
    user: User,
    action: str,
    asked: Mapping[str, JSON],
    origin: str,
    *powers: Power,
) -> Iterator[Act]:
    """A transaction of somebody who has one of the powers; a refusal is on the ledger too.

    Raises:
        NotAllowedError: if they have none of them.
        SessionEndedError: if their account was closed meanwhile.
    """
    entry = Entry(action, user.actor, now(), origin, asked)
    with attempt(engine, entry, REFUSALS), engine.begin() as connection:
        enter(connection, user, *powers)
        yield Act(connection, entry)
