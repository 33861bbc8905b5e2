"""Looking into case files; each look is itself on the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from repository.cases import files
from repository.cases.errors import CaseError
from repository.cases.files import CaseFile, CaseSummary
from repository.ledger import log
from repository.ledger.entry import Actor, Entry


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """The case files of every agency."""

    engine: Engine
    now: Callable[[], datetime]

    def list(self, agency: str, by: Actor, origin: str) -> list[CaseSummary]:
        """The agency's cases by number."""
        with self.engine.begin() as connection:
            found = files.summaries(connection, agency)
            entry = Entry(
                "cases.list", by, self.now(), origin, {"agency": agency}, count=len(found)
            )
            log.append(connection, entry)
            return found

    def show(self, agency: str, number: str, by: Actor, origin: str) -> CaseFile:
        """One case file with its searches.

        Raises:
            CaseError: if the agency has no such case.
        """
        with self.engine.begin() as connection:
            found = files.find(connection, agency, number)
            count = 0 if found is None else len(found.searches)
            request = {"agency": agency, "case": number}
            log.append(
                connection, Entry("cases.show", by, self.now(), origin, request, count=count)
            )
        if found is None:
            raise CaseError(f"case {number!r}: agency {agency!r} has no case of that number")
        return found
