"""Using, listing, locking and ending sessions: each use case one transaction, on the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import Connection

from repository.accounts import sessions, sharing, users
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError, NoSuchUserError
from repository.accounts.roles import REPOSITORY_WIDE, Power
from repository.accounts.sessions import Held, Opening
from repository.accounts.sessions_gate import SessionGate
from repository.accounts.sharing import SharedUse
from repository.accounts.user import User, check_login
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed

_READERS = (
    Power.MANAGE_USERS,
    Power.AUDIT_OWN_AGENCY,
    Power.AUDIT_ALL,
    Power.SEE_TRANSACTIONS,
)


class NoSuchSessionError(AccountError):
    """There is no such session, or it is another person's."""

    def __init__(self) -> None:
        super().__init__("session: you have none of that id; GET /api/v1/sessions lists yours")


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
class SessionUse(SessionGate):
    """What is done with sessions that are open."""

    def begin_session(self, connection: Connection, user: User, opening: Opening) -> Session:
        """A session for a person who has signed in, their row locked."""
        if self.settings.sessions.one_session_per_person:
            sessions.end_all(connection, user.id)
        now = self.now()
        token = sessions.start(connection, user.id, opening, now, self.terms)
        return Session(token, user, sharing.untold(connection, user.id, now))

    def own_sessions(self, token: str, origin: str) -> Sequence[Listed]:
        """The person's sessions, the newest first.

        Raises:
            SessionEndedError: if the token opens none, or one that is bound to another address.
            TooMuchAskedError: if too much was asked by the person, or from there, just now.
        """
        inside = self.in_session(token, origin, locked_too=True)
        with self.engine.begin() as connection:
            found = sessions.of_user(connection, inside.user.id, self.terms, self.now())
        return [
            Listed(each, each.locked(self.terms, self.now()), each.id == inside.held.id)
            for each in found
        ]

    def lock_session(self, token: str, origin: str) -> None:
        """Lock the session at once, as for leaving the desk.

        Raises:
            SessionEndedError: if the token opens none.
            TooMuchAskedError: if too much was asked from there just now.
        """
        self.rates.admit_address(origin)
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            held = sessions.find(connection, token, self.terms, self.now())
            sessions.lock(connection, held.id, self.now())
            self._log(connection, "accounts.lock_session", user.actor, origin, held)

    def sign_out(self, token: str, origin: str) -> None:
        """End this session, locked or not.

        Raises:
            SessionEndedError: if the token opens none.
            TooMuchAskedError: if too much was asked from there just now.
        """
        self.rates.admit_address(origin)
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
        """End every session of another person; how many there were.

        Raises:
            NotAllowedError: if one's roles do not let one manage users.
            AccountError: if there is no such user, or they are of an agency that is not one's own.
        """
        return self._end_sessions_of(login, by.actor, origin, by)

    def operator_ends_sessions_of(self, login: str, by: Actor, origin: str) -> int:
        """The same for the operator of the machine.

        Raises:
            AccountError: if there is no such user.
        """
        return self._end_sessions_of(login, by, origin, None)

    def shared_uses(self, by: User, origin: str) -> Sequence[SharedUse]:
        """Logins used in two places, of one's agency; of all, where one's role reaches so far.

        Raises:
            NotAllowedError: if one neither manages users nor audits.
        """
        return self._shared_uses(by.actor, origin, by)

    def operator_lists_shared_uses(self, by: Actor, origin: str) -> Sequence[SharedUse]:
        """The same for the operator of the machine, of all agencies."""
        return self._shared_uses(by, origin, None)

    def _shared_uses(self, actor: Actor, origin: str, by: User | None) -> Sequence[SharedUse]:
        entry = Entry("accounts.list_shared_uses", actor, self.now(), origin)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            reader = None if by is None else enter(connection, by, *_READERS)
            agency_id = None
            if reader is not None and REPOSITORY_WIDE.isdisjoint(reader.roles):
                agency_id = reader.agency_id
            found = sharing.of_agency(connection, agency_id)
            log.append(connection, replace(entry, count=len(found)))
        return found

    def _end_sessions_of(self, login: str, actor: Actor, origin: str, by: User | None) -> int:
        entry = Entry(
            "accounts.end_sessions", actor, self.now(), origin, {"login": as_typed(login)}
        )
        with attempt(self.engine, entry, AccountError):
            found = self._find(check_login(login))
            with self.engine.begin() as connection:
                ids = [] if found is None else [found.user.id]
                lock_in_order(connection, [*ids, *([] if by is None else [by.id])])
                if by is not None:
                    by = enter(connection, by, Power.MANAGE_USERS)
                if found is None or (by is not None and not _reaches(by, found.user)):
                    raise NoSuchUserError(login)
                count = sessions.end_all(connection, found.user.id)
                log.append(connection, replace(entry, count=count))
        return count

    def _log(
        self, connection: Connection, action: str, actor: Actor, origin: str, held: Held
    ) -> None:
        request: dict[str, JSON] = {"session": str(held.id), "kind": held.kind.value}
        log.append(connection, Entry(action, actor, self.now(), origin, request))


def _reaches(by: User, other: User) -> bool:
    return by.agency_id == other.agency_id or not REPOSITORY_WIDE.isdisjoint(by.roles)


def lock_in_order(connection: Connection, user_ids: Sequence[UUID]) -> None:
    """Lock several accounts in one order, so that nobody waits for somebody who waits for them."""
    for each in sorted(user_ids):
        users.lock(connection, each)
