"""What people do with audits: see them, start them, conduct them. Each step is on the ledger.

The monthly audits of an agency, and those that its head starts, are its own people's to conduct;
the triennial ones, those of the repository and those that the security officer starts are for those
who audit all. Nobody answers for a search of their own.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.audits import drawing, opening, records
from repository.audits.base import REFUSALS
from repository.audits.conduct import Conduct
from repository.audits.errors import AuditError, require_text
from repository.audits.opening import Opening
from repository.audits.records import Audit, AuditFile, Kind
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, as_typed, digest_of_ids
from repository.store.engine import reading
from repository.store.tables.fleet import agencies


class AuditDesk(Conduct):
    """All of it."""

    __slots__ = ()

    def list(self, user: User, origin: str, *, open_only: bool) -> list[Audit]:
        """The audits that the user may see, the newest first: their agency's, or all.

        Raises:
            NotAllowedError: if their roles let them see none.
        """
        with self._acting(user, "audits.list", {"open_only": open_only}, origin) as (connection, _):
            require(user, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)
            found = records.listed(
                connection,
                user.agency,
                everywhere=may(user, Power.AUDIT_ALL),
                open_only=open_only,
            )
            digest = digest_of_ids(str(each.id) for each in found)
            self._append(
                connection,
                user,
                "audits.list",
                {"open_only": open_only},
                origin,
                len(found),
                digest,
            )
        return found

    def show(self, user: User, number: int, origin: str) -> AuditFile:
        """One audit with all that belongs to it.

        Raises:
            NoSuchAuditError: if there is none of that number for the user.
            NotAllowedError: if their roles let them see none.
        """
        request: dict[str, JSON] = {"audit": number}
        self._draw_if_due(user, number)
        with self._acting(user, "audits.show", request, origin) as (connection, _):
            found = records.whole(connection, self._audit(connection, user, number))
            digest = digest_of_ids(str(each.index) for each in found.searches)
            shown = len(found.searches)
            self._append(connection, user, "audits.show", request, origin, shown, digest)
        return found

    def drawn_again(self, user: User, number: int, origin: str) -> bool:
        """Whether the ledger as it is now gives the sample that the audit has.

        Raises:
            AuditError: if nothing was drawn yet, or the seed itself does not fit the ledger.
        """
        request: dict[str, JSON] = {"audit": number}
        self._draw_if_due(user, number)
        with attempt(self.engine, self._entry(user, "audits.redraw", request, origin), REFUSALS):
            with reading(self.engine) as connection:
                audit = self._audit(connection, user, number)
                again = drawing.drawn_again(connection, audit)
                had = [each.ledger_index for each in records.samples(connection, number)]
            with self.engine.begin() as connection:
                self._append(
                    connection, user, "audits.redraw", {**request, "same": again == had}, origin
                )
        return again == had

    def start(
        self,
        user: User,
        agency: str | None,
        start: datetime,
        end: datetime,
        reason: str,
        origin: str,
    ) -> int:
        """Start an audit at will: of the user's own agency, of any, or with None of the repository.

        Raises:
            AuditError: if the period is none or ends after now, the agency not known or no reason
                given.
            NotAllowedError: if their roles do not let them.
        """
        asked: dict[str, JSON] = {
            "agency": None if agency is None else as_typed(agency),
            "from": start.isoformat(),
            "to": end.isoformat(),
            "reason_given": as_typed(reason),
        }
        with self._acting(user, opening.ACTION, asked, origin) as (connection, _):
            now = self.now()
            kind = _kind(user, agency)
            agency_id = None if agency is None else _agency_id(connection, agency)
            if not start < end:
                raise AuditError("period: it must begin before it ends")
            if end > now:
                raise AuditError(
                    "period: its end may be any moment up to now, which is "
                    f"{now:%Y-%m-%dT%H:%M}Z; give that moment for all until now"
                )
            due_at = now + timedelta(days=self.settings.monthly_due_days)
            reason = require_text("reason", reason)
            number = opening.open_audit(
                connection,
                Opening(kind, agency_id, agency, start, end, due_at, reason),
                user.actor,
                origin,
                now,
            )
            if number is None:
                raise AuditError("there is such an audit already")
            return number


def _kind(user: User, agency: str | None) -> Kind:
    if agency == user.agency and may(user, Power.AUDIT_OWN_AGENCY):
        return "at_will"
    require(user, Power.AUDIT_ALL)
    return "system" if agency is None else "authorized"


def _agency_id(connection: Connection, agency: str) -> int:
    found: int | None = connection.scalar(select(agencies.c.id).where(agencies.c.name == agency))
    if found is None:
        raise AuditError(f"agency {agency!r}: not known")
    return found
