"""The quarterly report of documented searches, and what a running quarter has of them so far.

The report of a quarter that is over is on the ledger with the SHA-256 of its CSV, which stays what
it is: nothing can come into that quarter any more. A look at a running one is on the ledger like
every look, as an action of its own, so that no entry of a report is of half a quarter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, Engine, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.audits import documented, periods
from repository.audits.documented import MAX_ROWS, Register
from repository.audits.errors import AuditError, of_another
from repository.audits.quarterly_report import Report
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed
from repository.store.tables.fleet import agencies

REPORT = "audits.quarterly"
SO_FAR = "audits.quarter_so_far"


@dataclass(frozen=True, slots=True)
class Quarterly:
    """Quarterly reports, each with its entry in the ledger."""

    engine: Engine
    now: Callable[[], datetime]

    def report(
        self,
        register: Register,
        quarter: str,
        agency: str | None,
        by: Actor,
        origin: str,
        *,
        so_far: bool = False,
    ) -> Report:
        """The documented searches of a quarter that is over, of one agency or of all.

        With ``so_far`` those of one that still runs, until now.

        Raises:
            AuditError: if the quarter is none, not over, or over where ``so_far`` was asked for,
                the agency not known, or it is too much.
        """
        entry = self._entry(register, quarter, agency, by, origin, so_far=so_far)
        with attempt(self.engine, entry, AuditError):
            asked = periods.quarter_so_far if so_far else periods.quarter_over
            period = asked(quarter, entry.at)
            with self.engine.begin() as connection:
                agency_id = None if agency is None else _agency_id(connection, agency)
                found = tuple(documented.read(connection, register, period, agency_id))
                if len(found) > MAX_ROWS:
                    raise AuditError(f"more than {MAX_ROWS} searches: report one agency at a time")
                until = period.end if so_far else None
                report = Report(register, quarter, agency, found, until)
                digest = hashlib.sha256(report.as_csv().encode()).hexdigest()
                done = replace(entry, at=self.now(), count=len(found), result_digest=digest)
                log.append(connection, done)
        return report

    def allow(
        self,
        user: User,
        register: Register,
        quarter: str,
        agency: str | None,
        origin: str,
        *,
        so_far: bool = False,
    ) -> None:
        """Let a person go on who may have the report: of their own agency, or of any.

        Raises:
            NotAllowedError: if their roles do not let them.
            AuditError: if it is another's agency.
        """
        entry = self._entry(register, quarter, agency, user.actor, origin, so_far=so_far)
        with attempt(self.engine, entry, (NotAllowedError, AuditError)):
            require(user, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)
            if agency != user.agency and not may(user, Power.AUDIT_ALL):
                raise of_another(agency, user.agency)

    def _entry(
        self,
        register: Register,
        quarter: str,
        agency: str | None,
        by: Actor,
        origin: str,
        *,
        so_far: bool,
    ) -> Entry:
        request: dict[str, JSON] = {
            "register": register,
            "quarter": as_typed(quarter),
            "agency": None if agency is None else as_typed(agency),
        }
        return Entry(SO_FAR if so_far else REPORT, by, self.now(), origin, request)


def _agency_id(connection: Connection, agency: str) -> int:
    found: int | None = connection.scalar(select(agencies.c.id).where(agencies.c.name == agency))
    if found is None:
        raise AuditError(f"agency {agency!r}: not known")
    return found
