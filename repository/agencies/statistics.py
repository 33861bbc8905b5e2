"""Statistics for public records (policy G-13): numbers by agency, month and list kind.

They hold no plate, person or place. Small numbers are hidden, with as many others as it takes that
nobody can work them out (see `suppression`). Each release is on the ledger with the digest of what
was released.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import Engine

from repository.agencies import counts
from repository.agencies.counts import READS, Count
from repository.agencies.errors import AgencyError
from repository.agencies.suppression import suppress
from repository.documents import csv
from repository.ledger import log
from repository.ledger.entry import JSON, Actor, Entry

HITS = "hits"
"""The sum of an agency's hits of all kinds in a month."""

_COLUMNS = ("month", "agency", "what", "number", "hidden")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table; ``what`` is ``reads``, ``hits`` or a kind of list.

    ``number`` is None where it is hidden.
    """

    month: str
    agency: str
    what: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Releasing statistics; numbers below ``smallest`` are hidden."""

    engine: Engine
    now: Callable[[], datetime]
    smallest: int

    def release(self, first: date, last: date, by: Actor, origin: str) -> list[Line]:
        """The lines of these months, both included.

        Raises:
            AgencyError: if the first month is after the last, or the last is not over: its
                numbers still grow, and two releases of it could be subtracted.
        """
        if first > last:
            raise AgencyError("months: the first is after the last")
        now = self.now()
        if (last.year, last.month) >= (now.year, now.month):
            raise AgencyError("months: only months that are over are released")
        with self.engine.begin() as connection:
            lines = list(public_lines(counts.count(connection, first, last), self.smallest))
            request: dict[str, JSON] = {
                "first_month": f"{first:%Y-%m}",
                "last_month": f"{last:%Y-%m}",
                "smallest_shown": self.smallest,
            }
            digest = hashlib.sha256(as_csv(lines).encode()).hexdigest()
            entry = Entry(
                "statistics.release",
                by,
                now,
                origin,
                request,
                count=len(lines),
                result_digest=digest,
            )
            log.append(connection, entry)
        return lines


def public_lines(found: Iterable[Count], smallest: int) -> Iterator[Line]:
    """The numbers, given in order of month and agency, as they may be shown."""
    for (month, agency), group in groupby(found, key=lambda each: (each.month, each.agency)):
        numbers = {each.kind: each.number for each in group}
        all_reads = numbers.pop(READS, 0)
        written = f"{month:%Y-%m}"
        if all_reads:
            yield Line(written, agency, READS, all_reads if all_reads >= smallest else None)
        if numbers:
            shown = suppress(numbers, smallest)
            yield Line(written, agency, HITS, shown.total)
            for kind, number in sorted(shown.cells.items()):
                yield Line(written, agency, kind, number)


def as_csv(lines: Iterable[Line]) -> str:
    """The table with a header; a hidden number is empty and says so beside it."""
    rows = (
        (each.month, each.agency, each.what, each.number, each.number is None) for each in lines
    )
    return csv.render(_COLUMNS, rows)


def as_json(lines: Iterable[Line], smallest: int) -> str:
    """The same as one JSON object; a hidden number is null."""
    rows = [
        {"month": each.month, "agency": each.agency, "what": each.what, "number": each.number}
        for each in lines
    ]
    return json.dumps({"smallest_shown": smallest, "lines": rows})
