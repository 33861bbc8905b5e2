"""Keeping the record of courses: each use case one transaction, on the ledger."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import ColumnElement, insert, update

from repository import business_days
from repository.accounts.authority import By
from repository.accounts.errors import AccountError, NotAllowedError
from repository.accounts.people_acting import PeopleBase, require_text
from repository.accounts.roles import Power
from repository.accounts.training import Training, find, remind
from repository.accounts.user import User
from repository.ledger.entry import JSON, as_typed
from repository.store.tables.accounts import users
from repository.store.tables.people import trainings

_MAX_LINE = 200
_KEEPING = (Power.MANAGE_USERS, Power.CERTIFY_USERS)
_SEEING = (*_KEEPING, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)


class Trainings(PeopleBase):
    """Keeping the record of courses."""

    def record_training(
        self, by: By, login: str, course: str, taught_by: str, taken_on: date, origin: str
    ) -> Training:
        """Keep that a person was taught, by somebody else's word.

        Raises:
            AccountError: if there is no such person, or the day or a text does not do.
            NotAllowedError: if it is their own training.
        """
        asked: dict[str, JSON] = {
            "login": as_typed(login),
            "course": as_typed(course),
            "taken_on": taken_on.isoformat(),
        }
        with self._act(by, "training.record", asked, origin, *_KEEPING) as act:
            account = act.person(login)
            if isinstance(act.by, User) and act.by.id == account.user.id:
                raise NotAllowedError("training: nobody records their own; another person does")
            today = business_days.day_of(act.now)
            valid = timedelta(days=self.settings.training_valid_days)
            if taken_on > today:
                raise AccountError(
                    f"taken on: {taken_on.isoformat()} has not come; record the course once taken"
                )
            if not today - valid < taken_on:
                raise AccountError(
                    f"taken on: a day of the last {valid.days}, for which training is good"
                )
            until = taken_on + valid
            number: int = act.connection.execute(
                insert(trainings)
                .values(
                    user_id=account.user.id,
                    course=require_text("course", course, _MAX_LINE),
                    taught_by=require_text("taught by", taught_by, _MAX_LINE),
                    taken_on=taken_on,
                    good_until=until,
                    recorded_by=act.actor.user_id,
                    recorded_by_name=act.actor.name,
                    recorded_at=act.now,
                )
                .returning(trainings.c.id)
            ).scalar_one()
            act.facts |= {"training": number, "good_until": until.isoformat()}
            remind(act.connection, act.now, account.user.id)
            (made,) = find(act.connection, [trainings.c.id == number])
            return made

    def strike_training(self, by: By, number: int, reason: str, origin: str) -> None:
        """Have a course that was recorded by mistake count no more; it stays on record.

        Raises:
            AccountError: if there is none of people whom they act for, or it is struck already.
        """
        asked: dict[str, JSON] = {"training": number, "reason_given": as_typed(reason)}
        with self._act(by, "training.strike", asked, origin, *_KEEPING) as act:
            conditions: list[ColumnElement[bool]] = [trainings.c.id == number]
            if act.own_agency is not None:
                conditions.append(users.c.agency_id == act.own_agency)
            found = find(act.connection, conditions)
            if not found or found[0].struck_at is not None:
                raise AccountError(f"training {number}: there is none that counts")
            account = act.person(found[0].login)
            act.connection.execute(
                update(trainings)
                .where(trainings.c.id == number)
                .values(
                    struck_at=act.now,
                    struck_by_name=act.actor.name,
                    strike_reason=require_text("reason", reason),
                )
            )
            remind(act.connection, act.now, account.user.id)

    def list_trainings(self, by: By, origin: str, *, login: str | None = None) -> list[Training]:
        """The courses of the people whom they act for, or of one of them."""
        asked: dict[str, JSON] = {"login": None if login is None else as_typed(login)}
        with self._act(by, "training.list", asked, origin, *_SEEING) as act:
            conditions: list[ColumnElement[bool]] = []
            if act.own_agency is not None:
                conditions.append(users.c.agency_id == act.own_agency)
            if login is not None:
                conditions.append(users.c.login == act.person(login).user.login)
            found = find(act.connection, conditions)
            act.ids = [str(each.id) for each in found]
            return found
