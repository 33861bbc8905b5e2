"""Documented searches in the eight fields that the law names, as the database has them.

Each row holds: the request as it was written; its date and time; the number of matches; the
database searched; the requester's name, position and agency; the reason and the suspected crime;
the entity that was asked; the characteristics searched for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, select

from repository.audits.periods import Period
from repository.documents import csv
from repository.store.tables.accounts import users
from repository.store.tables.audits import face_requests
from repository.store.tables.cases import case_searches, cases
from repository.store.tables.fleet import agencies
from repository.store.tables.search import search_requests, search_runs

Register: TypeAlias = Literal["searches", "faces"]
FIELDS = (
    "request",
    "requested_at",
    "matches",
    "database",
    "requester_name",
    "requester_position",
    "requester_agency",
    "reason",
    "suspected_crime",
    "entity_asked",
    "characteristics",
)
"""The eight fields, three of them for the requester and two for the reason."""
MAX_ROWS = 50_000
ENTITIES = {
    "registry": "Registry of Motor Vehicles",
    "state_police": "Department of State Police",
    "fbi": "Federal Bureau of Investigation",
}


@dataclass(frozen=True, slots=True)
class Reported:
    """One documented search; ``matches`` is None where the answer is not there yet."""

    request: str
    requested_at: datetime
    matches: int | None
    database: str
    requester_name: str
    requester_position: str
    requester_agency: str
    reason: str
    suspected_crime: str
    entity_asked: str
    characteristics: str

    def row(self) -> list[csv.Cell]:
        """The fields in the order of ``FIELDS``."""
        return [getattr(self, field) for field in FIELDS]


def read(
    connection: Connection, register: Register, period: Period, agency_id: int | None
) -> list[Reported]:
    """Those of a period, of one agency or of all; of more than ``MAX_ROWS`` at least one more."""
    found = (_searches if register == "searches" else _faces)(connection, period, agency_id)
    return list(found)


def _searches(connection: Connection, period: Period, agency_id: int | None) -> Iterable[Reported]:
    runs, asked = search_runs.c, search_requests.c
    query = (
        select(
            search_runs,
            agencies.c.title,
            asked.received_at,
            asked.asker_name,
            asked.asker_position,
            asked.asker_agency,
            asked.reason.label("asked_reason"),
            asked.offence.label("asked_offence"),
            asked.source,
        )
        .join(agencies, agencies.c.id == runs.agency_id)
        .outerjoin(search_requests, asked.id == runs.request_id)
        .where(runs.searched_at >= period.start, runs.searched_at < period.end)
        .order_by(runs.ledger_index)
        .limit(MAX_ROWS + 1)
    )
    if agency_id is not None:
        query = query.where(runs.agency_id == agency_id)
    yield from _before_runs(connection, period, agency_id)
    for row in connection.execute(query).all():
        asked_for = row.request_id is not None
        yield Reported(
            request=(
                f"request {row.request_id}: {row.asked_reason}; source: {row.source}; "
                f"answered by ledger entry {row.ledger_index}"
                if asked_for
                else f"own search, ledger entry {row.ledger_index}"
            ),
            requested_at=row.received_at if asked_for else row.searched_at,
            matches=row.returned,
            database=row.database,
            requester_name=row.asker_name if asked_for else row.user_name,
            requester_position=row.asker_position if asked_for else row.user_position,
            requester_agency=row.asker_agency if asked_for else row.title,
            reason=row.asked_reason if asked_for else f"{row.purpose}: {row.facts}",
            suspected_crime=(row.asked_offence if asked_for else row.offence) or "",
            entity_asked=row.title if asked_for else "central repository",
            characteristics=row.characteristics,
        )


def _before_runs(
    connection: Connection, period: Period, agency_id: int | None
) -> Iterable[Reported]:
    """Searches from before all this was kept of each: what the case file has of them."""
    made = case_searches.c
    query = (
        select(case_searches, agencies.c.title, users.c.name, users.c.position)
        .join(cases, cases.c.id == made.case_id)
        .join(agencies, agencies.c.id == cases.c.agency_id)
        .join(users, users.c.id == made.user_id)
        .outerjoin(search_runs, search_runs.c.ledger_index == made.ledger_index)
        .where(
            search_runs.c.ledger_index.is_(None),
            made.searched_at >= period.start,
            made.searched_at < period.end,
        )
        .order_by(made.ledger_index)
        .limit(MAX_ROWS + 1)
    )
    if agency_id is not None:
        query = query.where(cases.c.agency_id == agency_id)
    for row in connection.execute(query).all():
        request = json.loads(row.request)
        if "criteria" not in request:
            continue
        purpose = request["purpose"]
        yield Reported(
            request=f"own search, ledger entry {row.ledger_index}",
            requested_at=row.searched_at,
            matches=row.returned,
            database="licence plate reads",
            requester_name=row.name,
            requester_position=row.position,
            requester_agency=row.title,
            reason=f"{purpose['purpose']}: {purpose['facts']}",
            suspected_crime="",
            entity_asked="central repository",
            characteristics=_listed(request["criteria"]),
        )


def _listed(criteria: dict[str, object]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in sorted(criteria.items()))


def _faces(connection: Connection, period: Period, agency_id: int | None) -> Iterable[Reported]:
    columns = face_requests.c
    query = (
        select(face_requests, agencies.c.title)
        .join(agencies, agencies.c.id == columns.agency_id)
        .where(columns.requested_at >= period.start, columns.requested_at < period.end)
        .order_by(columns.id)
        .limit(MAX_ROWS + 1)
    )
    if agency_id is not None:
        query = query.where(columns.agency_id == agency_id)
    for row in connection.execute(query).all():
        yield Reported(
            request=row.request,
            requested_at=row.requested_at,
            matches=row.matches,
            database=row.database_searched,
            requester_name=row.requester_name,
            requester_position=row.requester_position,
            requester_agency=row.title,
            reason=_basis(row.basis, row.court_order, row.emergency_facts, row.reason),
            suspected_crime=row.suspected_crime,
            entity_asked=ENTITIES[row.entity],
            characteristics=row.characteristics,
        )


def _basis(basis: str, court_order: str | None, emergency: str | None, reason: str) -> str:
    named: Sequence[str] = {
        "court_order": (f"court order {court_order}",),
        "emergency": (f"emergency: {emergency}",),
        "deceased": ("to identify a deceased person",),
    }[basis]
    return "; ".join((*named, reason))
