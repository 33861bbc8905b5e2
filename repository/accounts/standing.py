"""What still stands between a signed-in person and the system, in the order of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import Connection

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
    done = {
        Step.PASSWORD: by_provider or not user.must_change_password,
        Step.ACKNOWLEDGEMENT: acknowledgements.is_good(
            connection, user.id, rule.words_sha256, rule.signature_valid, now
        ),
        Step.SECOND_FACTOR: by_provider or second_factors.enrolled(connection, user.id),
        Step.BULLETINS: not bulletins.unread(connection, user),
    }
    return [step for step in Step if not done[step]]


def lacking(
    connection: Connection,
    user: User,
    rule: Rule,
    now: datetime,
    *,
    before: Step | None = None,
    by_provider: bool = False,
) -> Step | None:
    """The first step that is not taken, among those that come before ``before`` or among all."""
    for step in outstanding(connection, user, rule, now, by_provider=by_provider):
        if before is None or step < before:
            return step
    return None


def require_for_search(connection: Connection, user: User, now: datetime) -> None:
    """Let nobody search or see pictures who is not trained, or whose agency has not signed.

    Raises:
        NotYetOpenError: saying which it is.
    """
    if not training.is_trained(connection, user.id, now):
        raise NotYetOpenError(
            "your training is missing or out of date, and searches stay closed until your "
            "agency's ALPR administrator, representative or head, or an operator, records a new one"
        )
    if not agreements.in_force(connection, user.agency_id, now):
        raise NotYetOpenError(
            f"agency {user.agency} has no agreement in force, and searches stay closed until its "
            "head signs one"
        )
