"""Making, listing, revoking and using tokens of services: each on the ledger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from repository.accounts import api_tokens, users
from repository.accounts.api_tokens import ApiToken, Scope, Service
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError, NoSuchUserError, SessionEndedError
from repository.accounts.roles import REPOSITORY_WIDE, Power
from repository.accounts.sessions_rates import Asked
from repository.accounts.sessions_use import SessionUse, lock_in_order
from repository.accounts.user import User, check_login
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed


class NoSuchTokenError(AccountError):
    """There is no such token, or it is another agency's."""

    def __init__(self) -> None:
        super().__init__("token: none of that id; the list of tokens shows them")


class OutOfScopeError(AccountError):
    """A service asked for something that its token is not for."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"this needs a service's token with the scope {scope.value}")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; it is shown this once."""

    id: UUID
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """A token to be made, for ``days``, with the login of the person who answers for it."""

    name: str
    responsible: str
    scopes: Collection[str]
    days: int


@dataclass(frozen=True)
class ApiTokenDesk(SessionUse):
    """What administrators do with tokens, and services by them.

    Administrators are people who manage users, of their own agency unless their role reaches all;
    or the operator of the machine, for whom ``by`` is an `Actor`.
    """

    def make_token(self, wanted: Wanted, by: User | Actor, origin: str) -> NewToken:
        """A new token.

        Raises:
            NotAllowedError: if one's roles do not let one manage users.
            AccountError: if something of it is wrong, or the person is not one's agency's.
        """
        now = self.now()
        request: dict[str, JSON] = {
            "name": as_typed(wanted.name),
            "responsible": as_typed(wanted.responsible),
            "scopes": [as_typed(each) for each in wanted.scopes],
            "days": min(wanted.days, 10**6),
        }
        entry = Entry("accounts.make_token", _actor(by), now, origin, request)
        with attempt(self.engine, entry, AccountError):
            name, scopes = (
                api_tokens.check_name(wanted.name),
                api_tokens.parse_scopes(wanted.scopes),
            )
            longest = self.settings.sessions.tokens_valid_days
            if not 1 <= wanted.days <= longest:
                raise AccountError(f"days: a token is good for 1 to {longest} days")
            found = self._find(check_login(wanted.responsible))
            with self.engine.begin() as connection:
                ids = [each.id for each in (found and found.user, by) if isinstance(each, User)]
                lock_in_order(connection, ids)
                agency_id = self._reach(connection, by)
                account = None if found is None else users.lock(connection, found.user.id)
                if account is None or agency_id not in (None, account.user.agency_id):
                    raise NoSuchUserError(wanted.responsible)
                if not account.open:
                    raise AccountError(f"login {wanted.responsible!r}: the account is closed")
                expires_at = now + timedelta(days=wanted.days)
                token_id, token = api_tokens.add(
                    connection, name, account.user.id, scopes, _actor(by).name, now, expires_at
                )
                log.append(connection, replace(entry, request=request | {"token": str(token_id)}))
        return NewToken(token_id, token, expires_at)

    def list_tokens(self, by: User | Actor, origin: str) -> Sequence[ApiToken]:
        """The tokens that one may see, the newest first, revoked and ended ones too.

        Raises:
            NotAllowedError: if one's roles do not let one manage users.
        """
        entry = Entry("accounts.list_tokens", _actor(by), self.now(), origin)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            found = api_tokens.of_agency(connection, self._reach(connection, by))
            log.append(connection, replace(entry, count=len(found)))
        return found

    def revoke_token(self, token_id: UUID, by: User | Actor, origin: str) -> None:
        """End a token at once.

        Raises:
            NotAllowedError: if one's roles do not let one manage users.
            NoSuchTokenError: if there is none of that id that is not revoked.
        """
        request: dict[str, JSON] = {"token": str(token_id)}
        entry = Entry("accounts.revoke_token", _actor(by), self.now(), origin, request)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            found = api_tokens.find(connection, token_id, self._reach(connection, by))
            if found is None or not api_tokens.revoke(connection, token_id, self.now()):
                raise NoSuchTokenError
            log.append(connection, replace(entry, request=request | {"name": found.name}))

    def service_of(self, token: str, scope: Scope, origin: str) -> Service:
        """The service that bears the token, for something of that scope.

        Raises:
            SessionEndedError: if it is no service's, or revoked, or has ended.
            OutOfScopeError: if it is for other things.
            TooMuchAskedError: if too much was asked by the token, or from there, just now.
        """
        self.record_dropped_requests()
        self.rates.admit_address(origin)
        with self.engine.begin() as connection:
            service = api_tokens.use(connection, token, origin, self.now())
        if service is None:
            raise SessionEndedError
        self.rates.admit(service.actor, Asked.REQUEST, self.now())
        request: dict[str, JSON] = {"token": str(service.token_id), "scope": scope.value}
        entry = Entry("accounts.use_token", service.actor, self.now(), origin, request)
        with attempt(self.engine, entry, OutOfScopeError):
            if scope not in service.scopes:
                raise OutOfScopeError(scope)
        return service

    def remind_of_tokens(self) -> None:
        """Raise a finding for each token that ends soon."""
        with self.engine.begin() as connection:
            before = timedelta(days=self.settings.sessions.tokens_remind_days)
            api_tokens.remind(connection, before, self.now())

    def _reach(self, connection: Connection, by: User | Actor) -> int | None:
        """The agency whose tokens one may manage, or None for all."""
        if isinstance(by, Actor):
            return None
        manager = enter(connection, by, Power.MANAGE_USERS)
        return manager.agency_id if REPOSITORY_WIDE.isdisjoint(manager.roles) else None


def _actor(by: User | Actor) -> Actor:
    return by if isinstance(by, Actor) else by.actor
