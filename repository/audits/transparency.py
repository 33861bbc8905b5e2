"""The public report of how the repository is used (policy G-13): numbers alone, by quarter.

It holds no plate, person, case or place of a read. Numbers below the smallest allowed are hidden,
with as many others as it takes that nobody can work them out (`repository.agencies.suppression`).
What is parted into kinds is parted once: searches by purpose, requests by who asked, requests for
faces by whom they went to. No other part of the same sum is published, so that two tables cannot be
subtracted from each other. Of audits, which are of agencies and not of people, nothing is hidden.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, FromClause, func, select

from repository.agencies.suppression import suppress
from repository.audits import periods
from repository.audits.errors import AuditError
from repository.audits.periods import Period
from repository.documents import csv
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed
from repository.store.tables.audits import audits, face_requests
from repository.store.tables.fleet import agencies
from repository.store.tables.search import search_requests, search_runs

COLUMNS = ("quarter", "agency", "what", "kind", "number", "hidden")
ALL = "all"
SEARCHES = "searches by purpose"
REQUESTS = "searches asked for by others"
FACES = "requests to others who search faces"
AUDITS = "audits due in the quarter"
ACTION = "transparency.release"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``number`` is None where it is hidden, ``kind`` is ``all`` where it is the sum."""

    quarter: str
    agency: str
    what: str
    kind: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Transparency:
    """Releasing the report; numbers below ``smallest`` are hidden."""

    engine: Engine
    now: Callable[[], datetime]
    smallest: int

    def release(self, quarter: str, by: Actor, origin: str) -> list[Line]:
        """The lines of a quarter that is over; the ledger keeps their digest.

        Raises:
            AuditError: if the quarter is none, or not over: its numbers still grow, and two
                releases of it could be subtracted.
        """
        asked: dict[str, JSON] = {"quarter": as_typed(quarter), "smallest_shown": self.smallest}
        entry = Entry(ACTION, by, self.now(), origin, asked)
        with attempt(self.engine, entry, AuditError):
            period = periods.quarter_over(quarter, self.now())
            with self.engine.begin() as connection:
                lines = list(_lines(connection, period, self.smallest))
                digest = hashlib.sha256(as_csv(lines).encode()).hexdigest()
                done = Entry(
                    ACTION,
                    by,
                    self.now(),
                    origin,
                    asked,
                    count=len(lines),
                    result_digest=digest,
                )
                log.append(connection, done)
        return lines


def as_csv(lines: Iterable[Line]) -> str:
    """The report for a spreadsheet; a hidden number is empty and says so beside it."""
    rows = (
        (each.quarter, each.agency, each.what, each.kind, each.number, each.number is None)
        for each in lines
    )
    return csv.render(COLUMNS, rows)


def as_json(lines: Iterable[Line], smallest: int) -> str:
    """The same as one JSON object; a hidden number is null."""
    rows = [
        {
            "quarter": each.quarter,
            "agency": each.agency,
            "what": each.what,
            "kind": each.kind,
            "number": each.number,
        }
        for each in lines
    ]
    return json.dumps({"smallest_shown": smallest, "lines": rows})


def as_paper(quarter: str, lines: Iterable[Line], smallest: int) -> bytes:
    """The report as a PDF."""
    from repository.documents.pdf import Document  # late: most commands print nothing

    paper = Document("How the repository of licence plate reads is used", quarter)
    paper.paragraph(
        f"Numbers below {smallest} are hidden, and with them as many others as it takes that "
        "nobody can work them out. No plate, person, case or place stands in this report."
    )
    by_what: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for each in lines:
        number = "hidden" if each.number is None else str(each.number)
        by_what[each.what].append((each.agency, each.kind, number))
    for what, rows in by_what.items():
        paper.heading(what.capitalize())
        paper.table(("agency", "kind", "number"), rows, (3, 3, 1))
    return paper.render()


def public_lines(
    quarter: str,
    what: str,
    numbers: Mapping[str, Mapping[str, int]],
    smallest: int,
) -> Iterator[Line]:
    """The numbers of each agency by kind, none of them nought, as they may be shown."""
    for agency, cells in sorted(numbers.items()):
        shown = suppress(cells, smallest)
        yield Line(quarter, agency, what, ALL, shown.total)
        for kind, number in sorted(shown.cells.items()):
            yield Line(quarter, agency, what, kind, number)


def _lines(connection: Connection, period: Period, smallest: int) -> Iterator[Line]:
    for what, table, moment, kind in (
        (SEARCHES, search_runs, search_runs.c.searched_at, search_runs.c.purpose),
        (REQUESTS, search_requests, search_requests.c.received_at, search_requests.c.asker_kind),
        (FACES, face_requests, face_requests.c.requested_at, face_requests.c.entity),
    ):
        inside = (moment >= period.start) & (moment < period.end)
        numbers = _numbers(connection, table, kind, inside)
        yield from public_lines(period.name, what, numbers, smallest)
    for agency, cells in sorted(_audits(connection, period).items()):
        for how, number in sorted(cells.items()):
            yield Line(period.name, agency, AUDITS, how, number)


def _numbers(
    connection: Connection,
    table: FromClause,
    kind: ColumnElement[Any],
    condition: ColumnElement[bool],
) -> dict[str, dict[str, int]]:
    query = (
        select(agencies.c.name, kind, func.count())
        .select_from(table)
        .join(agencies, agencies.c.id == table.c.agency_id)
        .where(condition)
        .group_by(agencies.c.name, kind)
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for agency, each, number in connection.execute(query):
        found[agency][each] = number
    return found


def _audits(connection: Connection, period: Period) -> dict[str, dict[str, int]]:
    """By agency: how many that were due in the quarter were signed off by its end, and not."""
    query = (
        select(agencies.c.name, audits.c.signed_at)
        .join(agencies, agencies.c.id == audits.c.agency_id)
        .where(
            audits.c.kind.in_(("monthly", "triennial")),
            audits.c.due_at >= period.start,
            audits.c.due_at < period.end,
        )
    )
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for agency, signed_at in connection.execute(query):
        in_time = signed_at is not None and signed_at < period.end
        found[agency]["signed off" if in_time else "not signed off"] += 1
    return found
