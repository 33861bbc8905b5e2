"""What people do about misuse: each use case one act, on the ledger.

The ledger's entries name the report and the digest of the words, never the words or the person: an
agency's head sees the transactions of its users, and must learn nothing there of a report about
themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal, TypeAlias

from sqlalchemy import select

from repository.accounts import closing, roles, suspension, users
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError, NotAllowedError
from repository.accounts.roles import Power, may
from repository.accounts.service import Accounts
from repository.accounts.user import User, fold_login
from repository.agencies import misuse
from repository.agencies.acts import Act, Acts, By
from repository.agencies.errors import AgencyError
from repository.agencies.misuse import Accused, Answer, FoundBy, Report
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.store.tables.accounts import users as table

Measure: TypeAlias = Literal["suspend", "revoke"]


@dataclass(frozen=True, slots=True)
class MisuseDesk:
    """Reports of misuse. ``accounts`` has the connections over which accounts are closed."""

    acts: Acts
    accounts: Callable[[], Accounts]

    def report(
        self,
        by: User,
        what: str,
        origin: str,
        *,
        agency: str | None = None,
        against: str | None = None,
        about_head: bool = False,
        found_by: FoundBy = "person",
    ) -> tuple[int, date]:
        """Report misuse by a colleague's login, or in words alone; in another agency, in words.

        Gives the report's number, and by when it is answered.

        Raises:
            AgencyError: if there is no such agency or login, or nothing is said.
            NotAllowedError: if they may not, or say that an audit found what they may not audit.
        """
        powers = [Power.REPORT_MISUSE]
        if found_by == "audit":
            powers = [Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL]
        asked: dict[str, JSON] = {"found_by": found_by, "words_sha256": _digest(what)}
        with self.acts.begin(by, "misuse.report", origin, asked, *powers) as act:
            agency_id = act.any_agency(agency or by.agency).id
            number, due_on = misuse.add(
                act.connection,
                agency_id,
                what,
                against=None if against is None else _colleague(act, agency_id, against),
                about_head=about_head,
                found_by=found_by,
                reporter=(str(by.id), by.name),
                now=act.now,
            )
            act.facts["report"] = number
        return number, due_on

    def show(self, by: By, origin: str) -> list[Report]:
        """The reports that the person investigates or made; to the operator and the security
        officer, all.

        Raises:
            NotAllowedError: if they may not.
        """
        with self.acts.begin(by, "misuse.list", origin, {}, Power.REPORT_MISUSE) as act:
            found = misuse.list_for(act.connection, act.user)
            act.count = len(found)
        return found

    def answer(self, by: User, number: int, given: Answer, origin: str) -> None:
        """Answer a report in writing, as who investigates it.

        Raises:
            AgencyError: if there is none of that number for them, it is answered, or something is
                left out.
        """
        words = "\n".join((given.circumstances, given.actions, given.prevention))
        asked: dict[str, JSON] = {
            "report": number,
            "misused": given.misused,
            "words_sha256": _digest(words),
        }
        with self.acts.begin(by, "misuse.answer", origin, asked, Power.REPORT_MISUSE) as act:
            report = _investigated(act, number)
            misuse.answer(act.connection, report, given, by=act.name, now=act.now)

    def close(self, by: By, number: int, reason: str, origin: str) -> None:
        """Close an answered report, as the security officer or operator.

        Raises:
            AgencyError: if there is none of that number, or it is not answered.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {"report": number, "words_sha256": _digest(reason)}
        with self.acts.begin(by, "misuse.close", origin, asked, Power.AUDIT_ALL) as act:
            report = _overseen(act, number)
            misuse.close(act.connection, report, reason, by=act.name, now=act.now)

    def measure(self, by: User, number: int, measure: Measure, origin: str) -> str:
        """Suspend, or revoke for good, the access of whom an open report is about; their login.

        An agency's head does so for a report that they investigate, the security officer for any.

        Raises:
            AgencyError: if there is no such report for them, it is closed, or it names no account.
            SessionEndedError: if their own account was closed meanwhile.
        """
        accounts = self.accounts()
        asked: dict[str, JSON] = {"report": number, "measure": measure}
        entry = Entry(f"misuse.{measure}", by.actor, self.acts.now(), origin, asked)
        with (
            attempt(self.acts.engine, entry, (AgencyError, AccountError)),
            self.acts.engine.begin() as connection,
        ):
            user = enter(connection, by, Power.REPORT_MISUSE)
            report = misuse.find(connection, number)
            if report is None or not (misuse.investigates(user, report) or _oversees(user, report)):
                raise _no_report(number)
            if report.state == "closed":
                raise AgencyError(f"misuse report {number}: closed already")
            against = report.against_user_id
            if against is None:
                raise AgencyError(
                    f"misuse report {number}: names no account; `alpr-repository agencies suspend` "
                    "keeps a whole agency out"
                )
        # Over other connections: the database lets the web's own change no account.
        with accounts.engine.begin() as connection:
            account = users.lock(connection, against)
            if account is None:
                raise _no_report(number)
            if measure == "suspend":
                suspension.suspend(connection, against, self.acts.now())
            else:
                why = f"misuse report {number}"
                closing.close(connection, against, why, self.acts.now())
            log.append(connection, replace(entry, at=self.acts.now()))
        return account.user.login


def _colleague(act: Act, agency_id: int, login: str) -> Accused:
    """The account of a login of that agency; of another agency's, only to who audits all."""
    found = act.connection.execute(
        select(table.c.id, table.c.roles).where(
            table.c.login == fold_login(login), table.c.agency_id == agency_id
        )
    ).one_or_none()
    own = act.user is not None and (act.reaches_all or act.user.agency_id == agency_id)
    if not own or found is None:
        raise AgencyError(
            f"login {login!r}: not a colleague's; of another agency's people, say in words who it "
            "was"
        )
    return Accused(found.id, roles.from_text(found.roles))


def _investigated(act: Act, number: int) -> Report:
    report = misuse.lock(act.connection, number)
    if report is None or act.user is None or not misuse.investigates(act.user, report):
        raise _no_report(number)
    return report


def _overseen(act: Act, number: int) -> Report:
    report = misuse.lock(act.connection, number)
    if report is None:
        raise _no_report(number)
    if act.user is not None and report.against_user_id == act.user.id:
        raise NotAllowedError("nobody closes what is alleged of themselves")
    return report


def _oversees(user: User, report: Report) -> bool:
    return may(user, Power.AUDIT_ALL) and report.against_user_id != user.id


def _no_report(number: int) -> AgencyError:
    return AgencyError(f"misuse report {number}: none of that number that is yours to look into")


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()
