"""What every step of an audit shares: a person, a transaction of theirs, an entry of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.audits import drawing, records
from repository.audits.errors import AuditError, NoSuchAuditError
from repository.audits.records import Audit, Kind
from repository.audits.settings import AuditSettings
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.store.engine import reading

REFUSALS = (AuditError, NotAllowedError)
_OWN_KINDS: frozenset[Kind] = frozenset({"monthly", "at_will"})


@dataclass(frozen=True, slots=True)
class Base:
    """Audits, for people who have signed in."""

    engine: Engine
    now: Callable[[], datetime]
    settings: AuditSettings

    @contextmanager
    def _acting(
        self, user: User, action: str, request: Mapping[str, JSON], origin: str
    ) -> Iterator[tuple[Connection, Callable[[], None]]]:
        """A transaction of the user's, and what records its end; a refusal is on the ledger."""
        entry = self._entry(user, action, request, origin)
        with attempt(self.engine, entry, REFUSALS), self.engine.begin() as connection:
            yield connection, lambda: self._append(connection, user, action, request, origin)

    def _entry(self, user: User, action: str, request: Mapping[str, JSON], origin: str) -> Entry:
        return Entry(action, user.actor, self.now(), origin, request)

    def _append(
        self,
        connection: Connection,
        user: User,
        action: str,
        request: Mapping[str, JSON],
        origin: str,
        count: int | None = None,
        digest: str | None = None,
    ) -> None:
        entry = Entry(
            action,
            user.actor,
            self.now(),
            origin,
            request,
            count=count,
            result_digest=digest,
        )
        log.append(connection, entry)

    def _audit(self, connection: Connection, user: User, number: int) -> Audit:
        """The audit, if it is one for the user."""
        require_auditor(user)
        found = records.find(connection, number)
        if found is None or not reaches(user, found):
            raise NoSuchAuditError(f"audit {number}: there is none")
        return found

    def _draw_if_due(self, user: User, number: int) -> None:
        """Draw the audit's sample if its checkpoint is signed, rather than wait for the jobs."""
        try:
            with reading(self.engine) as connection:
                audit = self._audit(connection, user, number)
        except REFUSALS:
            return  # the step that was asked for refuses by itself, on the ledger
        if audit.seed is None:
            size = self.settings.sample_size
            drawing.draw_due(self.engine, size, self.now(), only=number)

    def _conducting(self, connection: Connection, user: User, number: int) -> Audit:
        """The audit, locked until the transaction ends, if it is the user's to conduct now."""
        records.lock(connection, number)
        return self._to_conduct(connection, user, number)

    def _to_conduct(self, connection: Connection, user: User, number: int) -> Audit:
        audit = self._audit(connection, user, number)
        require_conduct(user, audit)
        if audit.signed_at is not None:
            raise AuditError(f"audit {number}: is signed off")
        if audit.seed is None:
            raise AuditError(
                f"audit {number}: its sample is drawn once the ledger's next checkpoint is signed"
            )
        return audit


def require_auditor(user: User) -> None:
    """Let a user go on who audits an agency or all.

    Raises:
        NotAllowedError: if their roles do not let them.
    """
    require(user, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)


def reaches(user: User, audit: Audit) -> bool:
    """Whether the audit is of what that auditor audits."""
    return may(user, Power.AUDIT_ALL) or audit.agency == user.agency


def require_conduct(user: User, audit: Audit) -> None:
    """Let a user go on who may conduct the audit.

    Raises:
        NotAllowedError: if their roles do not let them.
    """
    if audit.kind in _OWN_KINDS and audit.agency == user.agency:
        require(user, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)
    else:
        require(user, Power.AUDIT_ALL)
