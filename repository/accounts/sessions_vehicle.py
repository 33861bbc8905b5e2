"""Signing in at a patrol vehicle's console: a session of its own kind, tied to the unit.

The unit's signature on the request is what shows that it comes from the console. Only officers of
the unit's agency may; what a session of this kind is spared is the lock for being left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.second_factors import Matched, Offered
from repository.accounts.sessions import Kind, Opening
from repository.accounts.sessions_use import Session
from repository.accounts.signing_in import SigningIn
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.accounts.users import SecretAccount
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.store.tables.fleet import units
from repository.units.requests import KnownUnit

_ACTION = "accounts.open_vehicle_session"


@dataclass(frozen=True)
class VehicleSignIn(SigningIn):
    """Sessions of patrol vehicles."""

    def open_vehicle_session(
        self, unit: KnownUnit, login: str, password: str, offered: Offered, origin: str
    ) -> Session:
        """A session in that unit.

        Raises:
            SignInRefusedError: whatever was wrong; the ledger says what.
            TooManySignInsError: if too many failed from there before.
            NotAllowedError: if the person is no officer of the unit's agency.
        """

        request: dict[str, JSON] = {"agency": unit.agency, "unit": unit.name}

        def start(
            connection: Connection, account: SecretAccount, matched: Matched | None
        ) -> Session | User:
            user = account.user
            if Role.OFFICER not in user.roles or user.agency != unit.agency:
                return user
            named = select(units.c.id).where(
                units.c.agency_id == user.agency_id, units.c.name == unit.name
            )
            opening = Opening(
                origin,
                kind=Kind.VEHICLE,
                unit_id=connection.scalars(named).one(),
                second_factor=matched is not None,
            )
            self._record(connection, _ACTION, user.actor, origin, request)
            return self.begin_session(connection, user, opening)

        opened = self._sign_in(login, password, origin, offered, start, before=Step.PASSWORD)
        if isinstance(opened, Session):
            return opened
        entry = Entry(_ACTION, opened.actor, self.now(), origin, request)
        with attempt(self.engine, entry, NotAllowedError):
            raise NotAllowedError("only officers of its own agency sign in at a vehicle's console")
