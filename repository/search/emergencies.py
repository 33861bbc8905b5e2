"""Searches made in an emergency, before their approval, and the review that follows them.

The factual basis stands in the search itself. A supervisor, who is another person, looks at it
within a set time: the search was justified, or it was not, and is then reported as misuse.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from repository.accounts.user import User
from repository.search import review_rows
from repository.units.findings import raise_finding, settle_finding

MADE = "emergency_search"
OVERDUE = "emergency_unreviewed"


def raise_review(
    connection: Connection,
    user: User,
    case_id: int,
    ledger_index: int,
    due_at: datetime,
    now: datetime,
) -> int:
    """Have the search of that entry reviewed, and tell of it at once; the review's number."""
    number = review_rows.add(
        connection, "emergency", user, case_id, ledger_index, now=now, due_at=due_at
    )
    raise_finding(
        connection,
        MADE,
        None,
        f"{user.agency}: {user.name} searched in an emergency, before any "
        f"approval; a supervisor reviews it until {due_at:%Y-%m-%d %H:%M} UTC "
        f"(review {number}, ledger entry {ledger_index})",
        now,
        subject=_subject(number),
    )
    return number


def find_overdue(connection: Connection, now: datetime) -> None:
    """Raise a finding for each emergency whose review is late."""
    for each in review_rows.overdue(connection, now):
        raise_finding(
            connection,
            OVERDUE,
            None,
            f"{each.agency}: the emergency search of {each.searched_by_name} (ledger entry "
            f"{each.ledger_index}) was to be reviewed by now; a supervisor concludes review "
            f"{each.number}",
            now,
            subject=_subject(each.number),
        )


def settle(connection: Connection, number: int, now: datetime) -> None:
    """Close what told of it, now that it is reviewed."""
    for kind in (MADE, OVERDUE):
        settle_finding(connection, kind, None, "reviewed", now, subject=_subject(number))


def _subject(number: int) -> str:
    return f"review {number}"
