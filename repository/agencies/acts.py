"""One act for an agency: a transaction of somebody who may do it, on the ledger with its outcome.

Who acts is a signed-in person, or the operator at the repository's own command line, who may do
everything here. A person reaches their own agency alone, unless a role of theirs reaches all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, Engine, select

from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.operator import operator
from repository.accounts.roles import REPOSITORY_WIDE, Power
from repository.accounts.user import User
from repository.agencies.errors import AgencyError
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.store import locks
from repository.store.tables.fleet import units
from repository.units.enrolment import Agency, EnrolmentError, find_agency

By: TypeAlias = User | None
"""Who acts: a person, or None for the operator at the repository's own command line."""


@dataclass(slots=True)
class Act:
    """An act under way: ``facts`` and ``count`` go into its entry, in the same transaction."""

    connection: Connection
    user: User | None
    name: str
    now: datetime
    facts: dict[str, JSON] = field(default_factory=dict)
    count: int | None = None

    @property
    def reaches_all(self) -> bool:
        """Whether whoever acts may act for every agency."""
        return self.user is None or not REPOSITORY_WIDE.isdisjoint(self.user.roles)

    def agency(self, name: str | None) -> Agency:
        """The agency of that name, or the person's own where none is named.

        Raises:
            AgencyError: if there is none, or the person does not act for it.
        """
        if self.user is None and not name:
            raise AgencyError("agency: say which one with --agency")
        named = name or (self.user.agency if self.user is not None else "")
        if self.user is None or self.reaches_all or named == self.user.agency:
            found = find_agency(self.connection, named)
            if found is not None:
                self.facts["agency"] = found.name
                return found
        raise AgencyError(f"agency {named!r}: not one that you act for")

    def any_agency(self, name: str) -> Agency:
        """The agency of that name, whoever acts; the entry says nothing of it.

        Raises:
            AgencyError: if there is none.
        """
        found = find_agency(self.connection, name)
        if found is None:
            raise AgencyError(f"agency {name!r}: not known")
        return found

    def take_turn(self) -> None:
        """Let nobody else change agencies' papers and posts until the transaction ends."""
        locks.take(self.connection, locks.Turn.AGENCIES)

    def unit(self, agency_name: str | None, name: str) -> int:
        """The id of the agency's unit of that name.

        Raises:
            AgencyError: if there is none, or the person does not act for the agency.
        """
        agency = self.agency(agency_name)
        found: int | None = self.connection.scalar(
            select(units.c.id).where(units.c.agency_id == agency.id, units.c.name == name)
        )
        if found is None:
            raise AgencyError(f"unit {agency.name}/{name}: not enrolled")
        self.facts["unit"] = name
        return found


@dataclass(frozen=True, slots=True)
class Acts:
    """Begins acts."""

    engine: Engine
    now: Callable[[], datetime]

    @contextmanager
    def begin(
        self, by: By, action: str, origin: str, asked: Mapping[str, JSON], *powers: Power
    ) -> Iterator[Act]:
        """A transaction of somebody who has one of the powers.

        Raises:
            SessionEndedError: if the person's account was closed meanwhile.
            NotAllowedError: if they have none of the powers.
        """
        actor = operator() if by is None else by.actor
        entry = Entry(action, actor, self.now(), origin, asked)
        with (
            attempt(self.engine, entry, (AgencyError, AccountError, EnrolmentError)),
            self.engine.begin() as connection,
        ):
            user = None if by is None else enter(connection, by, *powers)
            act = Act(connection, user, actor.name, self.now())
            yield act
            recorded = {**asked, **act.facts}
            log.append(connection, replace(entry, at=act.now, request=recorded, count=act.count))
