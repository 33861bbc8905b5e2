"""Signing in, one's own password and sessions: each use case one transaction, on the ledger.

Passwords are hashed and checked outside any transaction, since that takes long; the transaction
that follows makes sure that the account is still the one that was checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy import Connection

from repository.accounts import sessions, users
from repository.accounts.errors import (
    AccountError,
    PasswordChangeRequiredError,
    SignInRefusedError,
    TooManySignInsError,
)
from repository.accounts.password_rule import check_password
from repository.accounts.sessions import Opening
from repository.accounts.sessions_use import Session, SessionUse
from repository.accounts.throttle import Throttle
from repository.accounts.user import User, fold_login
from repository.accounts.users import SecretAccount
from repository.ledger import log
from repository.ledger.attempt import attempt, record
from repository.ledger.entry import JSON, Actor, Entry, Outcome

# A mistyped login may well be a password, so the ledger does not keep what was typed.
_NOBODY = Actor(user_id="", login="", name="nobody with an account", agency="")
_ONE_TIME = "one-time password"

_T = TypeVar("_T")


@dataclass(frozen=True)
class SigningIn(SessionUse):
    """What a person does with their own account."""

    throttle: Throttle = field(default_factory=Throttle)

    def sign_in(self, login: str, password: str, origin: str) -> User:
        """The user, for one command.

        Raises:
            SignInRefusedError: whatever was wrong; the ledger says what.
            TooManySignInsError: if too many failed from there before.
            PasswordChangeRequiredError: if it is a one-time password.
        """
        account = self._sign_in(login, password, origin, _itself, one_time=False)
        return account.user

    def open_session(
        self, login: str, password: str, origin: str, *, browser: bool = False
    ) -> Session:
        """A session for the user; with a one-time password it is good for changing it alone.

        Raises:
            SignInRefusedError: whatever was wrong; the ledger says what.
            TooManySignInsError: if too many failed from there before.
        """

        def start(connection: Connection, account: SecretAccount) -> Session:
            opening = Opening(origin, browser=browser)
            return self.begin_session(connection, account.user, opening)

        return self._sign_in(login, password, origin, start, one_time=True)

    def user_of(self, token: str, origin: str) -> User:
        """The user whose session the token opens.

        Raises:
            SessionEndedError: if it opens none, or no longer.
            SessionLockedError: if the session is locked.
            PasswordChangeRequiredError: if it was opened with a one-time password.
        """
        user = self.user_changing_password(token, origin)
        entry = Entry("accounts.use_session", user.actor, self.now(), origin)
        with attempt(self.engine, entry, PasswordChangeRequiredError):
            if user.must_change_password:
                raise PasswordChangeRequiredError
        return user

    def user_changing_password(self, token: str, origin: str) -> User:
        """The same, for what one may also do with a one-time password: change it, or sign out.

        Raises:
            SessionEndedError: if it opens none, or no longer.
            SessionLockedError: if the session is locked.
        """
        return self.in_session(token, origin).user

    def change_password(self, login: str, current: str, new: str, origin: str) -> None:
        """Replace the user's own password; every session of theirs ends.

        Raises:
            SignInRefusedError: if the current password is not right.
            PasswordRefusedError: if the new one breaks the rule.
        """
        account = self._sign_in(login, current, origin, _itself, one_time=True)
        user = account.user
        entry = Entry("accounts.change_password", user.actor, self.now(), origin)
        with attempt(self.engine, entry, AccountError):
            check_password(new, user.login, lambda tried: self._was_used(account, tried))
            hashed = self.passwords.hash(new)
            with self.engine.begin() as connection:
                locked = users.lock_secret(connection, user.id)
                if locked is None or not locked.open or _password_differs(locked, account):
                    raise SignInRefusedError
                users.set_password(connection, locked, hashed, must_change=False)
                sessions.end_all(connection, user.id)
                log.append(connection, replace(entry, at=self.now()))

    def _sign_in(
        self,
        login: str,
        password: str,
        origin: str,
        then: Callable[[Connection, SecretAccount], _T],
        *,
        one_time: bool,
    ) -> _T:
        """Check a login and do ``then``; a one-time password will do only if ``one_time``."""
        self._record_dropped()
        if not self.throttle.admit(origin, self.now()):
            raise TooManySignInsError
        known = fold_login(login)
        found = None if known is None else self._find(known)
        right = self.passwords.verify(None if found is None else found.password_hash, password)
        with self.engine.begin() as connection:
            account = None if found is None else users.lock_secret(connection, found.user.id)
            reason = _reason(found, account, right, one_time)
            if account is not None and reason is None:
                users.forget_failures(connection, account.user.id)
                result = then(connection, account)
                self._record(connection, "accounts.sign_in", account.user.actor, origin)
                return result
            request: dict[str, JSON] = {"reason": reason}
            if reason != _ONE_TIME and self.throttle.fail(origin, self.now()):
                request["then"] = "further sign-ins from this address are counted, not looked at"
            if account is not None and reason == "wrong password":
                request["locked"] = users.count_failure(connection, account.user.id, self.now())
            actor = _NOBODY if account is None else account.user.actor
            self._record(connection, "accounts.sign_in", actor, origin, request, "refused")
        raise PasswordChangeRequiredError if reason == _ONE_TIME else SignInRefusedError

    def _record_dropped(self) -> None:
        """One entry for all that was dropped from an address, once its window is over."""
        for each in self.throttle.take_ended(self.now()):
            request = {"reason": "too many failures", "since": each.since.isoformat()}
            entry = Entry("accounts.sign_in", _NOBODY, self.now(), each.address, request, "refused")
            record(self.engine, replace(entry, count=each.count))

    def _was_used(self, account: SecretAccount, tried: str) -> bool:
        old = (account.password_hash, account.previous_hash)
        return any(self.passwords.verify(each, tried) for each in old if each is not None)

    def _record(
        self,
        connection: Connection,
        action: str,
        actor: Actor,
        origin: str,
        request: dict[str, JSON] | None = None,
        outcome: Outcome = "done",
    ) -> None:
        entry = Entry(action, actor, self.now(), origin, request or {}, outcome)
        log.append(connection, entry)


def _itself(_connection: Connection, account: SecretAccount) -> SecretAccount:
    return account


def _password_differs(one: SecretAccount, other: SecretAccount) -> bool:
    return one.password_hash != other.password_hash


def _reason(
    found: SecretAccount | None, account: SecretAccount | None, right: bool, one_time: bool
) -> str | None:
    """Why a sign-in is refused, for the ledger alone; None lets it through."""
    if found is None or account is None:
        return "unknown login"
    if account.disabled_at is not None:
        return "account disabled"
    if account.locked_at is not None:
        return "account locked"
    if account.agency_access is not None:
        return f"agency's access {account.agency_access}"
    if not right or _password_differs(account, found):
        return "wrong password"
    return _ONE_TIME if account.user.must_change_password and not one_time else None
