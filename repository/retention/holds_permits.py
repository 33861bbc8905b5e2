"""What a hold asks of its person: as much as a search, since its answer tells of reads.

Whoever may not search may still have reads kept because of a court's letter or order, of their own
agency and without being told of any read. Runs in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.ledger.entry import JSON
from repository.retention.duties import Duties
from repository.retention.holds_request import HoldError
from repository.search import permits
from repository.search.errors import SearchRefusedError
from repository.search.facts import Earlier, check_not_pasted, check_words
from repository.search.permits import Law
from repository.search.purpose import (
    MAX_COURT_ORDER,
    Act,
    Purpose,
    PurposeKind,
    case_number_of,
    check_line,
)
from repository.search.run import Sight
from repository.store.tables.retention import holds

_MAX_EARLIER = 500


@dataclass(frozen=True, slots=True)
class Why:
    """What a person types to be told of reads, beside a case and the reason in words."""

    purpose: str = PurposeKind.CRIMINAL_INVESTIGATION
    affirmed: bool = False
    court_order: str | None = None
    offence: str | None = None

    def stated(self, act: Act, case_number: str, reason: str) -> Purpose:
        """The purpose that this states, of placing a hold or of looking at one.

        Raises:
            SearchRefusedError: naming what is missing or says nothing.
        """
        return Purpose.of(
            self.purpose,
            reason,
            case_number,
            affirmed=self.affirmed,
            court_order=self.court_order,
            offence=self.offence,
            act=act,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """A look at reads that is allowed: for what, and what the person may see."""

    purpose: Purpose
    sight: Sight

    def as_json(self, criteria: Mapping[str, JSON]) -> dict[str, JSON]:
        """What the entry of the ledger says, so that audits count it among the searches."""
        return {"criteria": criteria, "purpose": self.purpose.as_json()}


def look(
    connection: Connection,
    user: User,
    purpose: Purpose,
    law: Law,
    duties: Duties,
    now: datetime,
    *,
    but: int | None = None,
) -> Look:
    """Let the person be told of reads, as a search would; ``but`` is a hold they look at.

    Raises:
        AccountError: if they may not search, or not yet.
        SearchRefusedError: if the purpose is not their agency's, or they give the same reason in
            one case after another.
    """
    permits.check_person(connection, user, law, purpose, Power.SEARCH, now)
    limits = law.limits(user)
    check_not_pasted(
        purpose.facts,
        purpose.case_number,
        _earlier(connection, user, now - timedelta(days=limits.pasted_days), but),
        cases=limits.pasted_cases,
        likeness_percent=limits.pasted_likeness_percent,
        act=purpose.act,
    )
    closed = law.closed(purpose.kind, now, together=False)
    return Look(purpose, Sight(user.agency_id, duties, now, closed))


def by_process(user: User, case_number: str, reason: str, process: str) -> tuple[str, str]:
    """Let the person have their agency's reads kept; the number of the case, and the paper's.

    Raises:
        NotAllowedError: if their roles do not let them.
        SearchRefusedError: naming what is missing or says nothing.
    """
    require(user, Power.HOLD_BY_PROCESS)
    paper = " ".join(process.split())
    check_line("legal process", paper, MAX_COURT_ORDER, "the letter's or order's court and number")
    check_words("facts", reason, "what the court's letter or order asks to be kept")
    return case_number_of("case", case_number), paper


@contextmanager
def of_the_reason() -> Iterator[None]:
    """Have what is said of a search's facts said of the hold's reason, where that was typed."""
    try:
        yield
    except SearchRefusedError as error:
        said = str(error)
        if not said.startswith("facts:"):
            raise
        raise HoldError(said.replace("facts:", "reason:", 1)) from error


def _earlier(connection: Connection, user: User, since: datetime, but: int | None) -> list[Earlier]:
    """The reasons of holds that the user placed."""
    query = (
        select(holds.c.case_number, holds.c.reason)
        .where(
            holds.c.placed_by == str(user.id),
            holds.c.placed_at >= since,
            holds.c.id != (but or 0),
        )
        .order_by(holds.c.placed_at.desc())
        .limit(_MAX_EARLIER)
    )
    return [Earlier(number, reason) for number, reason in connection.execute(query)]
