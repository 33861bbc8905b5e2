"""Signing in, one's own password and sessions: each use case one transaction, on the ledger.

Passwords are hashed and checked outside any transaction, since that takes long; the transaction
that follows makes sure that the account is still the one that was checked. Password and second
factor are looked at together: whichever is wrong, the same is done, counted and answered.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import Connection

from repository.accounts import second_factors, sessions, standing, users
from repository.accounts.errors import AccountError, SignInRefusedError, TooManySignInsError
from repository.accounts.password_rule import check_password
from repository.accounts.second_factors import Matched, Offered
from repository.accounts.sessions import Opening
from repository.accounts.sessions_use import Session, SessionUse
from repository.accounts.standing import Step
from repository.accounts.throttle import Throttle
from repository.accounts.user import User, fold_login
from repository.accounts.users import SecretAccount
from repository.ledger import log
from repository.ledger.attempt import attempt, record
from repository.ledger.entry import JSON, Actor, Entry, Outcome
from repository.store.engine import reading

# A mistyped login may well be a password, so the ledger does not keep what was typed.
_NOBODY = Actor(user_id="", login="", name="nobody with an account", agency="")
_WRONG = ("wrong password", "second factor wrong or missing")

NOTHING = Offered()
"""No second factor, as of a person who has none yet."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class SigningIn(SessionUse):
    """What a person does to come in."""

    throttle: Throttle = field(default_factory=Throttle)

    def sign_in(
        self,
        login: str,
        password: str,
        origin: str,
        offered: Offered = NOTHING,
        *,
        before: Step | None = None,
    ) -> User:
        """The user, for one command; ``before`` names the step that the command is for.

        Raises:
            SignInRefusedError: whatever was wrong; the ledger says what.
            TooManySignInsError: if too many failed from there before.
            NotYetOpenError: if something stands before what they want (see `standing`).
        """
        account = self._sign_in(login, password, origin, offered, _itself, before=before)
        return account.user

    def open_session(
        self,
        login: str,
        password: str,
        origin: str,
        offered: Offered = NOTHING,
        *,
        browser: bool = False,
    ) -> Session:
        """A session for the user; while something stands before it opens that alone.

        Raises:
            SignInRefusedError: whatever was wrong; the ledger says what.
            TooManySignInsError: if too many failed from there before.
        """

        def start(
            connection: Connection, account: SecretAccount, matched: Matched | None
        ) -> Session:
            opening = Opening(origin, browser=browser, second_factor=matched is not None)
            return self.begin_session(connection, account.user, opening)

        return self._sign_in(login, password, origin, offered, start, before=Step.PASSWORD)

    def user_of(self, token: str, origin: str, *, before: Step | None = None) -> User:
        """The user whose session the token opens, for what comes ``before`` no further step.

        Raises:
            SessionEndedError: if it opens none, or no longer.
            SessionLockedError: if the session is locked.
            NotYetOpenError: if something stands before what they want.
        """
        inside = self.in_session(token, origin)
        user = inside.user
        step = standing.first(inside.outstanding, before)
        if step is not None:
            request: dict[str, JSON] = {"reason": step.words}
            entry = Entry("accounts.use_session", user.actor, self.now(), origin, request)
            record(self.engine, replace(entry, outcome="refused"))
            raise step.refusal()
        return user

    def outstanding(self, user: User) -> list[Step]:
        """What still stands before the system is open to them."""
        with reading(self.engine) as connection:
            return standing.outstanding(connection, user, self.rule, self.now())

    def change_password(
        self,
        login: str,
        current: str,
        new: str,
        origin: str,
        offered: Offered = NOTHING,
        *,
        in_session: bool = False,
    ) -> None:
        """Replace the user's own password; every session of theirs ends.

        ``in_session`` says that a session, which took the second factor, is behind it.

        Raises:
            SignInRefusedError: if the current password or the second factor is not right.
            PasswordRefusedError: if the new one breaks the rule.
        """
        account = self._sign_in(
            login, current, origin, offered, _itself, before=Step.PASSWORD, in_session=in_session
        )
        user = account.user
        history = self.settings.password_history - 1
        entry = Entry("accounts.change_password", user.actor, self.now(), origin)
        with attempt(self.engine, entry, AccountError):
            with reading(self.engine) as connection:
                old = [account.password_hash, *users.old_hashes(connection, user.id, history)]
            check_password(
                new,
                user.login,
                lambda tried: any(self.passwords.verify(each, tried) for each in old),
                min_length=self.settings.min_length,
                history=self.settings.password_history,
            )
            hashed = self.passwords.hash(new)
            with self.engine.begin() as connection:
                locked = users.lock_secret(connection, user.id)
                if locked is None or not locked.open or _password_differs(locked, account):
                    raise SignInRefusedError
                users.set_password(connection, locked, hashed, must_change=False, history=history)
                sessions.end_all(connection, user.id)
                log.append(connection, replace(entry, at=self.now()))

    def _sign_in(
        self,
        login: str,
        password: str,
        origin: str,
        offered: Offered,
        then: Callable[[Connection, SecretAccount, Matched | None], _T],
        *,
        before: Step | None,
        in_session: bool = False,
    ) -> _T:
        """Check a login and do ``then``, if nothing stands before ``before``."""
        self._record_dropped()
        if not self.throttle.admit(origin, self.now()):
            raise TooManySignInsError
        known = fold_login(login)
        found = None if known is None else self._find(known)
        right = offered.alone or self.passwords.verify(
            None if found is None else found.password_hash, password
        )
        who = _NOBODY if found is None else found.user.actor
        tried = Entry("accounts.sign_in", who, self.now(), origin)
        with attempt(self.engine, tried, AccountError), self.engine.begin() as connection:
            account = None if found is None else users.lock_secret(connection, found.user.id)
            # Looked at for nobody too, and before the password counts: the time it takes says
            # nothing of either.
            user_id = uuid.uuid4() if found is None else found.user.id
            matched = self._match(connection, user_id, offered, origin)
            spared = in_session or not second_factors.enrolled(connection, user_id)
            shown = matched is not None or (spared and not offered.alone)
            reason = _reason(found, account, right, shown, self.settings.by_provider_alone)
            if account is not None and reason is None:
                users.forget_failures(connection, account.user.id)
                users.came_in(connection, account.user.id, self.now())
                if matched is not None:
                    second_factors.use(connection, user_id, matched)
                request: dict[str, JSON] = {"second_factor": matched.kind if matched else None}
                step = standing.lacking(
                    connection, account.user, self.rule, self.now(), before=before
                )
                if step is None:
                    result = then(connection, account, matched)
                    self._record(
                        connection, "accounts.sign_in", account.user.actor, origin, request
                    )
                    return result
                refusal: Exception = step.refusal()
                reason = step.words
            else:
                refusal = SignInRefusedError()
                request = {}
                if self.throttle.fail(origin, self.now()):
                    request["then"] = (
                        "further sign-ins from this address are counted, not looked at"
                    )
                if account is not None and reason in _WRONG:
                    request["locked"] = self._count_failure(connection, account.user)
            request["reason"] = reason
            actor = _NOBODY if account is None else account.user.actor
            self._record(connection, "accounts.sign_in", actor, origin, request, "refused")
        raise refusal

    def _match(
        self, connection: Connection, user_id: uuid.UUID, offered: Offered, origin: str
    ) -> Matched | None:
        """Which second factor fits; what breaks the looking counts as a failure from there too."""
        try:
            return second_factors.match(
                connection, user_id, offered, self.factors_key, self.party, self.now()
            )
        except Exception:
            self.throttle.fail(origin, self.now())
            raise

    def _count_failure(self, connection: Connection, user: User) -> bool:
        chosen = self.settings
        within = timedelta(minutes=chosen.failure_window_min)
        return users.count_failure(connection, user.id, self.now(), chosen.max_failures, within)

    def _record_dropped(self) -> None:
        """One entry for all that was dropped from an address, once its window is over."""
        for each in self.throttle.take_ended(self.now()):
            request = {"reason": "too many failures", "since": each.since.isoformat()}
            entry = Entry("accounts.sign_in", _NOBODY, self.now(), each.address, request, "refused")
            record(self.engine, replace(entry, count=each.count))

    def _record(
        self,
        connection: Connection,
        action: str,
        actor: Actor,
        origin: str,
        request: dict[str, JSON],
        outcome: Outcome = "done",
    ) -> None:
        log.append(connection, Entry(action, actor, self.now(), origin, request, outcome))


def _itself(
    _connection: Connection, account: SecretAccount, _matched: Matched | None
) -> SecretAccount:
    return account


def _password_differs(one: SecretAccount, other: SecretAccount) -> bool:
    return one.password_hash != other.password_hash


def _reason(
    found: SecretAccount | None,
    account: SecretAccount | None,
    right: bool,
    shown: bool,
    elsewhere: Collection[str],
) -> str | None:
    """Why a sign-in is refused, for the ledger alone; None lets it through."""
    if found is None or account is None:
        return "unknown login"
    if account.disabled_at is not None:
        return "account closed"
    if account.locked_at is not None:
        return "account locked"
    if account.agency_access is not None:
        return f"agency's access {account.agency_access}"
    if account.user.agency in elsewhere:
        return "agency's people sign in by its provider alone"
    if not right or _password_differs(account, found):
        return _WRONG[0]
    return None if shown else _WRONG[1]
