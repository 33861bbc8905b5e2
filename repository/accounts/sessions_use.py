"""Using, listing, locking and ending sessions: each use case one transaction, on the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from repository.accounts import sessions, sharing, users
from repository.accounts.base import AccountsBase
from repository.accounts.errors import AccountError, SessionEndedError
from repository.accounts.roles import Power, require
from repository.accounts.sessions import Held, Opening, Terms
from repository.accounts.sharing import SharedUse
from repository.accounts.throttle import site
from repository.accounts.user import User, check_login
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed


class NoSuchSessionError(AccountError):
    """There is no such session, or it is another person's."""

    def __init__(self) -> None:
        super().__init__("session: you have none of that id; GET /api/v1/sessions lists yours")


@dataclass(frozen=True, slots=True)
class InSession:
    """Who asks, and the session that their token opened as it was before."""

    user: User
    held: Held


@dataclass(frozen=True, slots=True)
class Session:
    """A session just opened; the token is shown this once.

    ``shared`` is what its person must be told: that their login was used in two places.
    """

    token: str
    user: User
    shared: Sequence[SharedUse] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a person's sessions, and whether it is locked or the one that asks."""

    held: Held
    locked: bool
    current: bool


@dataclass(frozen=True)
class SessionUse(AccountsBase):
    """What is done with sessions that are open."""

    @property
    def terms(self) -> Terms:
        """How long sessions are good, by the settings."""
        chosen = self.settings
        return Terms(
            timedelta(minutes=chosen.idle_lock_min),
            timedelta(hours=chosen.sign_in_every_h),
            chosen.idle_exempt_units,
        )

    def begin_session(self, connection: Connection, user: User, opening: Opening) -> Session:
        """A session for a person who has signed in, their row locked."""
        if self.settings.sessions.one_session_per_person:
            sessions.end_all(connection, user.id)
        now = self.now()
        token = sessions.start(connection, user.id, opening, now, self.terms)
        return Session(token, user, sharing.untold(connection, user.id, now))

    def in_session(self, token: str, origin: str) -> InSession:
        """The person whose session the token opens; a use from two places at once is flagged.

        Raises:
            SessionEndedError: if it opens none, or no longer, or is bound to another address.
            SessionLockedError: if the session is locked.
        """
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            held = sessions.use(connection, token, origin, self.terms, self.now())
            away = held.kind in self.settings.sessions.bound_to_address and site(origin) != site(
                held.origin
            )
            if away:
                sessions.end(connection, user.id, held.id)
                request: dict[str, JSON] = {
                    "reason": "used from another address than it is bound to",
                    "session": str(held.id),
                    "opened_from": held.origin,
                }
                entry = Entry(
                    "accounts.use_session", user.actor, self.now(), origin, request, "refused"
                )
                log.append(connection, entry)
            within = timedelta(minutes=self.settings.sessions.sharing_within_min)
            sharing.look(connection, user, held, origin, within, self.now())
        if away:
            raise SessionEndedError
        return InSession(user, held)

    def own_sessions(self, token: str) -> Sequence[Listed]:
        """The person's sessions, the newest first."""
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            current = sessions.find(connection, token, self.terms, self.now())
            found = sessions.of_user(connection, user.id, self.terms, self.now())
        return [
            Listed(each, each.locked(self.terms, self.now()), each.id == current.id)
            for each in found
        ]

    def lock_session(self, token: str, origin: str) -> None:
        """Lock the session at once, as for leaving the desk.

        Raises:
            SessionEndedError: if the token opens none.
        """
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            held = sessions.find(connection, token, self.terms, self.now())
            sessions.lock(connection, held.id, self.now())
            self._log(connection, "accounts.lock_session", user.actor, origin, held)

    def sign_out(self, token: str, origin: str) -> None:
        """End this session, locked or not.

        Raises:
            SessionEndedError: if the token opens none.
        """
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            held = sessions.find(connection, token, self.terms, self.now())
            sessions.end(connection, user.id, held.id)
            self._log(connection, "accounts.sign_out", user.actor, origin, held)

    def end_session(self, user: User, session_id: UUID, origin: str) -> None:
        """End one of the person's own sessions.

        Raises:
            NoSuchSessionError: if they have none of that id.
        """
        request: dict[str, JSON] = {"session": str(session_id)}
        entry = Entry("accounts.end_session", user.actor, self.now(), origin, request)
        with attempt(self.engine, entry, NoSuchSessionError), self.engine.begin() as connection:
            users.lock(connection, user.id)
            if not sessions.end(connection, user.id, session_id):
                raise NoSuchSessionError
            log.append(connection, entry)

    def close_sessions(self, user: User, origin: str) -> None:
        """Sign the person out everywhere."""
        with self.engine.begin() as connection:
            users.lock(connection, user.id)
            count = sessions.end_all(connection, user.id)
            entry = Entry("accounts.sign_out", user.actor, self.now(), origin, {"all": True})
            log.append(connection, replace(entry, count=count))

    def end_sessions_of(self, login: str, by: User, origin: str) -> int:
        """End every session of another person of one's own agency; how many there were.

        Raises:
            NotAllowedError: if one's roles do not let one manage users.
            AccountError: if there is no such user in one's agency.
        """
        return self._end_sessions_of(login, by.actor, origin, by)

    def operator_ends_sessions_of(self, login: str, by: Actor, origin: str) -> int:
        """The same for the machine's operator, of any agency.

        Raises:
            AccountError: if there is no such user.
        """
        return self._end_sessions_of(login, by, origin, None)

    def _end_sessions_of(self, login: str, actor: Actor, origin: str, by: User | None) -> int:
        entry = Entry(
            "accounts.end_sessions", actor, self.now(), origin, {"login": as_typed(login)}
        )
        with attempt(self.engine, entry, AccountError):
            if by is not None:
                require(by, Power.MANAGE_USERS)
            found = self._find(check_login(login))
            if found is None or (by is not None and found.user.agency_id != by.agency_id):
                raise AccountError(f"login {login!r}: no such user")
            with self.engine.begin() as connection:
                users.lock(connection, found.user.id)
                count = sessions.end_all(connection, found.user.id)
                log.append(connection, replace(entry, count=count))
        return count

    def _holder(self, connection: Connection, token: str) -> User:
        """Whose session the token opens or opened, their row locked and their account open."""
        user_id = sessions.holder(connection, token)
        account = None if user_id is None else users.lock(connection, user_id)
        if account is None or not account.open:
            raise SessionEndedError
        return account.user

    def _log(
        self, connection: Connection, action: str, actor: Actor, origin: str, held: Held
    ) -> None:
        request: dict[str, JSON] = {"session": str(held.id), "kind": held.kind.value}
        log.append(connection, Entry(action, actor, self.now(), origin, request))
