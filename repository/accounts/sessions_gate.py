"""Who comes in by a session's token: counted, looked up, and seen where it is used from."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from repository.accounts import sessions, sharing, standing, users
from repository.accounts.base import AccountsBase
from repository.accounts.errors import SessionEndedError
from repository.accounts.sessions import Held, Terms
from repository.accounts.sessions_rates import Asked, Rates
from repository.accounts.standing import Step
from repository.accounts.throttle import site
from repository.accounts.user import User
from repository.ledger import log
from repository.ledger.attempt import record
from repository.ledger.entry import JSON, Entry


@dataclass(frozen=True, slots=True)
class InSession:
    """Who asks, the session that their token opened as it was before, and what stands before them.

    ``outstanding`` are the steps that the person has still to take (see `standing`).
    """

    user: User
    held: Held
    outstanding: Sequence[Step]


@dataclass(frozen=True)
class SessionGate(AccountsBase):
    """What every request that bears a session's token passes."""

    @property
    def terms(self) -> Terms:
        """How long sessions are good, by the settings."""
        chosen = self.settings
        return Terms(
            timedelta(minutes=chosen.idle_lock_min),
            timedelta(hours=chosen.sign_in_every_h),
            chosen.idle_exempt_units,
        )

    @functools.cached_property
    def rates(self) -> Rates:
        """What counts requests, by the settings."""
        chosen = self.settings.sessions
        return Rates(
            chosen.requests_per_min, chosen.searches_per_min, chosen.requests_per_min_and_address
        )

    def count_search(self, user: User) -> None:
        """Count a search that a person is about to make.

        Raises:
            TooMuchAskedError: if they made too many just now.
        """
        self.rates.admit(user.actor, Asked.SEARCH, self.now())

    def searching(self, user: User) -> AbstractContextManager[None]:
        """Count a search as long as it is under way.

        Raises:
            TooMuchAskedError: on entering, if the person has too many under way, or all have.
        """
        return self.rates.searching(user.actor, self.now())

    def record_dropped_requests(self) -> None:
        """One entry for all that was dropped of a person or token, once its minute is over."""
        for each in self.rates.take_ended(self.now()):
            request: dict[str, JSON] = {
                "reason": "too many in a minute or at once",
                "what": each.asked.value,
                "since": each.since.isoformat(),
            }
            entry = Entry(
                "accounts.dropped_requests", each.actor, self.now(), "web", request, "refused",
                count=each.count,
            )  # fmt: skip
            record(self.engine, entry)

    def in_session(self, token: str, origin: str, *, locked_too: bool = False) -> InSession:
        """The person whose session the token opens; a use from two places at once is flagged.

        ``locked_too`` is for what a locked session answers to: it is no use that keeps one open.

        Raises:
            SessionEndedError: if it opens none, or no longer, or is bound to another address.
            SessionLockedError: if the session is locked.
            TooMuchAskedError: if too much was asked by the person, or from there, just now.
        """
        self.record_dropped_requests()
        self.rates.admit_address(origin)
        origin = origin[: sessions.MAX_ORIGIN]
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            self.rates.admit(user.actor, Asked.REQUEST, self.now())
            if locked_too:
                held = sessions.find(connection, token, self.terms, self.now())
            else:
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
            outstanding = standing.outstanding(
                connection, user, self.rule, self.now(), by_provider=held.by_provider
            )
        if away:
            raise SessionEndedError
        return InSession(user, held, outstanding)

    def _holder(self, connection: Connection, token: str) -> User:
        """Whose session the token opens or opened, their row locked and their account open."""
        account = users.lock_bearer(connection, sessions.digest(token))
        if account is None or not account.open:
            raise SessionEndedError
        return account.user
