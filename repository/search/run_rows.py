"""Every answered search with what is reported of it; in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, insert, select

from repository.accounts.user import User
from repository.search.asking import Asked
from repository.search.criteria import Criteria
from repository.search.errors import SearchRefusedError
from repository.search.permits import Permit
from repository.store.tables.cases import case_search_reads, cases
from repository.store.tables.search import search_reviews, search_runs

DATABASE = "licence plate reads"
"""What is searched, as quarterly reports name it."""
_SAME_EMERGENCY = timedelta(hours=24)
_ADD = insert(search_runs)


def add(
    connection: Connection,
    user: User,
    case_id: int,
    asked: Asked,
    given: Permit,
    *,
    ledger_index: int,
    returned: int,
    at: datetime,
) -> None:
    """Record a search that is about to be shown."""
    connection.execute(
        _ADD,
        {
            "ledger_index": ledger_index,
            "agency_id": user.agency_id,
            "case_id": case_id,
            "user_id": user.id,
            "user_name": user.name,
            "user_position": user.position,
            "searched_at": at,
            "kind": asked.kind,
            "database": DATABASE,
            "characteristics": characteristics(asked.criteria.as_json()),
            "purpose": asked.purpose.kind.value,
            "facts": asked.purpose.facts,
            "offence": asked.purpose.offence,
            "returned": returned,
            "request_id": asked.on_request,
            "approval_id": given.approval,
            "emergency": given.emergency,
        },
    )


def check_page(connection: Connection, user: User, asked: Asked) -> None:
    """See that a search which goes on does so where an answer to it ended.

    That answer was this person's, to the same criteria in the same case. Pages count neither
    against an approval nor as an emergency of their own, so one made up would look anew, uncounted.

    Raises:
        SearchRefusedError: if no such answer showed the read that the page goes on after.
    """
    criteria = asked.criteria
    if not isinstance(criteria, Criteria) or criteria.after is None:
        return
    last = criteria.after
    gave = exists().where(
        search_runs.c.user_id == user.id,
        search_runs.c.characteristics == characteristics(criteria.as_json()),
        cases.c.id == search_runs.c.case_id,
        cases.c.number == asked.purpose.case_number,
        case_search_reads.c.ledger_index == search_runs.c.ledger_index,
        case_search_reads.c.unit_id == last.unit_id,
        case_search_reads.c.captured_at == last.captured_at,
        case_search_reads.c.read_id == last.read_id,
    )
    if not connection.scalar(select(gave)):
        raise SearchRefusedError(
            "after: expected what an answer to this very search, by you in this case, gave as its "
            "next; or leave it out"
        )


def is_page_of_emergency(
    connection: Connection, user: User, asked: Asked, case_id: int, now: datetime
) -> bool:
    """Whether a search goes on with one that is under review as an emergency already."""
    if asked.first_page:
        return False
    begun = exists().where(
        search_runs.c.user_id == user.id,
        search_runs.c.case_id == case_id,
        search_runs.c.emergency == asked.emergency,
        search_runs.c.characteristics == characteristics(asked.criteria.as_json()),
        search_runs.c.searched_at > now - _SAME_EMERGENCY,
        search_reviews.c.ledger_index == search_runs.c.ledger_index,
        search_reviews.c.kind == "emergency",
    )
    return bool(connection.scalar(select(begun)))


def characteristics(criteria: Mapping[str, Any]) -> str:
    """What was searched for, as JSON without the page."""
    asked = {key: each for key, each in criteria.items() if key not in ("limit", "after")}
    return json.dumps(asked, sort_keys=True)
