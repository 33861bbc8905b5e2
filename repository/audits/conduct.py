"""Conducting an audit: answers, findings, follow-up, sign-off."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import insert, update

from repository.accounts.user import User
from repository.audits import periods, records
from repository.audits.base import Base, reaches, require_auditor, require_conduct
from repository.audits.errors import AuditError, NoSuchAuditError, require_text
from repository.audits.records import QUESTIONS, AuditFile
from repository.audits.reminders import settle_audit, settle_found
from repository.ledger.entry import JSON, as_typed
from repository.store.tables.audits import audit_findings, audit_samples, audits

ANSWERS = ("yes", "no", "unclear")
OUTCOMES = ("clean", "findings")
_MAX_DUE = timedelta(days=366)


class Conduct(Base):
    """The steps from the first answer to the sign-off, and the follow-up after it."""

    __slots__ = ()

    def answer(
        self,
        user: User,
        number: int,
        place: int,
        answers: Mapping[str, str],
        note: str,
        origin: str,
    ) -> None:
        """Answer the questions about one search of the sample; ``answers`` has one for each.

        Who answered may answer anew until the sign-off; nobody writes over another's answer.

        Raises:
            AuditError: if an answer is missing or none, the search is the user's own, somebody else
                answered before, or the audit is signed off.
        """
        request: dict[str, JSON] = {
            "audit": number,
            "sample": place,
            "answers": {as_typed(key): as_typed(value) for key, value in answers.items()},
        }
        self._draw_if_due(user, number)
        with self._acting(user, "audits.answer", request, origin) as (connection, finish):
            self._conducting(connection, user, number)
            if set(answers) != set(QUESTIONS):
                raise AuditError(f"answers: one to each of {', '.join(QUESTIONS)}")
            for question, given in answers.items():
                if given not in ANSWERS:
                    raise AuditError(f"{question}: expected one of {', '.join(ANSWERS)}")
            note = require_text("note", note) if note.strip() else ""
            found = next(
                (each for each in records.samples(connection, number) if each.place == place), None
            )
            if found is None:
                raise AuditError(f"sample {place}: audit {number} has none of that number")
            if found.user_id == str(user.id):
                raise AuditError(f"sample {place}: is your own search; somebody else answers it")
            if found.answered_at is not None and found.answered_by != str(user.id):
                raise AuditError(
                    f"sample {place}: was answered by {found.answered_by_name} on "
                    f"{found.answered_at:%Y-%m-%d %H:%M} UTC; they alone may change it. If you see "
                    "it otherwise, add a finding that says so"
                )
            connection.execute(
                update(audit_samples)
                .where(audit_samples.c.audit_id == number, audit_samples.c.place == place)
                .values(
                    **answers,
                    note=note,
                    answered_by=str(user.id),
                    answered_by_name=user.name,
                    answered_at=self.now(),
                )
            )
            finish()

    def find(self, user: User, number: int, text: str, due_on: date, origin: str) -> int:
        """Add a finding that is to be mended by that day; gives its number.

        Raises:
            AuditError: if it says nothing, the day is past or far, or the audit is signed off.
        """
        request: dict[str, JSON] = {"audit": number, "finding": as_typed(text)}
        self._draw_if_due(user, number)
        with self._acting(user, "audits.find", request, origin) as (connection, finish):
            self._conducting(connection, user, number)
            now = self.now()
            if not now.date() <= due_on <= (now + _MAX_DUE).date():
                raise AuditError("due: a day from today on, within a year")
            found: int = connection.execute(
                insert(audit_findings)
                .values(
                    audit_id=number,
                    text=require_text("finding", text),
                    raised_by=str(user.id),
                    raised_by_name=user.name,
                    raised_at=now,
                    due_on=due_on,
                )
                .returning(audit_findings.c.id)
            ).scalar_one()
            finish()
            return found

    def follow_up(self, user: User, number: int, text: str, origin: str) -> None:
        """Close a finding with what was done about it, whether the audit is signed off or not.

        Raises:
            AuditError: if there is none of that number for the user, it is closed, or nothing said.
        """
        request: dict[str, JSON] = {"finding": number, "follow_up": as_typed(text)}
        with self._acting(user, "audits.follow_up", request, origin) as (connection, finish):
            require_auditor(user)
            found = records.findings(connection, audit_findings.c.id == number)
            audit = records.find(connection, found[0].audit_id) if found else None
            if audit is None or not reaches(user, audit):
                raise NoSuchAuditError(f"finding {number}: there is none")
            require_conduct(user, audit)
            done = connection.execute(
                update(audit_findings)
                .where(audit_findings.c.id == number, audit_findings.c.closed_at.is_(None))
                .values(
                    follow_up=require_text("follow up", text),
                    closed_by=str(user.id),
                    closed_by_name=user.name,
                    closed_at=self.now(),
                )
            )
            if done.rowcount != 1:
                raise AuditError(f"finding {number}: is closed already")
            settle_found(connection, number, self.now())
            finish()

    def sign_off(self, user: User, number: int, outcome: str, summary: str, origin: str) -> None:
        """Sign an audit off: ``clean`` or with ``findings``.

        Raises:
            AuditError: if something of it is not done, or the outcome is not what it holds.
        """
        request: dict[str, JSON] = {
            "audit": number,
            "outcome": as_typed(outcome),
            "summary": as_typed(summary),
        }
        self._draw_if_due(user, number)
        with self._acting(user, "audits.sign_off", request, origin) as (connection, finish):
            audit = self._conducting(connection, user, number)
            summary = require_text("summary", summary)
            _require_done(records.whole(connection, audit), outcome)
            now = self.now()
            keep_until = periods.add_years(now, self.settings.keep_years) + timedelta(days=1)
            connection.execute(
                update(audits)
                .where(audits.c.id == number)
                .values(
                    outcome=outcome,
                    summary=summary,
                    signed_by=str(user.id),
                    signed_by_name=user.name,
                    signed_at=now,
                    keep_until=keep_until if audit.kind == "monthly" else None,
                )
            )
            settle_audit(connection, number, now)
            finish()


def _require_done(file: AuditFile, outcome: str) -> None:
    number = file.audit.id
    if outcome not in OUTCOMES:
        raise AuditError(f"outcome: expected one of {', '.join(OUTCOMES)}")
    unanswered = [str(each.place) for each in file.samples if each.answered_at is None]
    if unanswered:
        raise AuditError(f"audit {number}: not answered yet: sample {', '.join(unanswered)}")
    if file.audit.kind == "system" and not file.papers:
        raise AuditError(f"audit {number}: inspect the repository first; its state stands beside")
    if outcome == "findings" and not file.findings:
        raise AuditError(f"audit {number}: has no finding; say what was found")
    if outcome == "clean" and (file.findings or any(each.speaks_against for each in file.samples)):
        raise AuditError(
            f"audit {number}: is not clean: it has a finding, or an answer that asks for one"
        )
