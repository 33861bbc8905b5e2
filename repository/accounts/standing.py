"""What still stands between a signed-in person and the system, in the order of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum
from uuid import UUID

from sqlalchemy import BigInteger, BindParameter, Connection, Date, String, Uuid, bindparam, select

from repository import business_days
from repository.accounts import acknowledgements, bulletins, second_factors, training
from repository.accounts.errors import (
    AcknowledgementRequiredError,
    BulletinsUnreadError,
    NotYetOpenError,
    PasswordChangeRequiredError,
    SecondFactorRequiredError,
)
from repository.accounts.user import User
from repository.agencies import agreements
from repository.store.tables.base import UtcDateTime

_USER: BindParameter[UUID] = bindparam("user_id", type_=Uuid())
_AGENCY: BindParameter[int] = bindparam("agency_id", type_=BigInteger())
_DAY: BindParameter[date] = bindparam("day", type_=Date())
# Run with every request and every search, so built once, and one question each.
_TAKEN = select(
    acknowledgements.is_signed(
        _USER,
        bindparam("words_sha256", type_=String()),
        bindparam("signed_after", type_=UtcDateTime()),
    ).label("signed"),
    second_factors.is_enrolled(_USER).label("enrolled"),
    bulletins.any_unread(_USER, _AGENCY).label("unread"),
)
_FIT_FOR_SEARCH = select(
    training.is_trained(_USER, _DAY).label("trained"),
    agreements.is_in_force(_AGENCY, _DAY).label("agreed"),
)

_CLOSED = "searches, pictures, alerts, case files, holds and hot-list entries"


class Step(IntEnum):
    """What a person does before the system is open, in this order."""

    PASSWORD = 1
    ACKNOWLEDGEMENT = 2
    SECOND_FACTOR = 3
    BULLETINS = 4

    @property
    def words(self) -> str:
        """Why a person is refused who has not taken it, for the ledger."""
        return _WORDS[self]

    def refusal(self) -> NotYetOpenError:
        """What to tell that person."""
        return _REFUSALS[self]()


_WORDS: Mapping[Step, str] = {
    Step.PASSWORD: "one-time password",
    Step.ACKNOWLEDGEMENT: "acknowledgement not signed",
    Step.SECOND_FACTOR: "no second factor yet",
    Step.BULLETINS: "bulletins not read",
}
_REFUSALS: Mapping[Step, Callable[[], NotYetOpenError]] = {
    Step.PASSWORD: PasswordChangeRequiredError,
    Step.ACKNOWLEDGEMENT: AcknowledgementRequiredError,
    Step.SECOND_FACTOR: SecondFactorRequiredError,
    Step.BULLETINS: BulletinsUnreadError,
}


@dataclass(frozen=True, slots=True)
class Rule:
    """The digest of the words that must be signed, and for how long a signature is good."""

    words_sha256: str
    signature_valid: timedelta


def outstanding(
    connection: Connection, user: User, rule: Rule, now: datetime, *, by_provider: bool = False
) -> list[Step]:
    """The steps that the person has not taken.

    Whom their agency's own provider knows (``by_provider``) needs neither a password nor a second
    factor here.
    """
    found = connection.execute(
        _TAKEN,
        {
            "user_id": user.id,
            "agency_id": user.agency_id,
            "words_sha256": rule.words_sha256,
            "signed_after": now - rule.signature_valid,
        },
    ).one()
    done = {
        Step.PASSWORD: by_provider or not user.must_change_password,
        Step.ACKNOWLEDGEMENT: found.signed,
        Step.SECOND_FACTOR: by_provider or found.enrolled,
        Step.BULLETINS: not found.unread,
    }
    return [step for step in Step if not done[step]]


def lacking(
    connection: Connection,
    user: User,
    rule: Rule,
    now: datetime,
    *,
    before: Step | None = None,
) -> Step | None:
    """The first step that is not taken, among those that come before ``before`` or among all."""
    return first(outstanding(connection, user, rule, now), before)


def first(steps: Iterable[Step], before: Step | None) -> Step | None:
    """The first of these steps that comes before ``before``, or of all."""
    return next((each for each in steps if before is None or each < before), None)


def require_for_search(connection: Connection, user: User, now: datetime) -> None:
    """Let nobody see or change what tells of plates untrained, or before their agency has signed.

    Raises:
        NotYetOpenError: saying which it is.
    """
    found = connection.execute(
        _FIT_FOR_SEARCH,
        {"user_id": user.id, "agency_id": user.agency_id, "day": business_days.day_of(now)},
    ).one()
    if not found.trained:
        raise NotYetOpenError(
            f"your training is missing or out of date, and {_CLOSED} stay closed until your "
            "agency's ALPR administrator, representative or head, or an operator, records a new one"
        )
    if not found.agreed:
        raise NotYetOpenError(
            f"agency {user.agency} has no agreement in force, and {_CLOSED} stay closed until its "
            "head signs one"
        )
