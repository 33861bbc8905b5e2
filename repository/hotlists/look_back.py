"""A listed plate in the reads of before: a search like any other, by a person and for a purpose.

There is no other way to it: this names the plate and the window and hands both to the room of
searches, which asks for the purpose, records the search and decides what is shown. The ledger has
both entries: for which listed plate somebody looked back, and the search.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from edge.contract.hotlist import decode_entry
from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.hotlists import entries, lines, versions
from repository.hotlists.errors import EntryRefusedError, HotlistError
from repository.hotlists.settings import MANUAL
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.search.asking import SearchRequest
from repository.search.result import SearchResult
from repository.search.service import Searches
from repository.store.engine import reading

MAX_DAYS = 31


@dataclass(frozen=True, slots=True)
class Purposeful:
    """Why somebody looks back, as a search wants it; nothing of it is checked here."""

    purpose: str
    facts: str
    case_number: str
    affirmed: bool
    court_order: str | None = None


@dataclass(frozen=True, slots=True)
class LookBacks:
    """Looks for entries of an agency's own lists in the reads of the days before."""

    engine: Engine
    searches: Searches
    clock: Callable[[], datetime]

    def look_back(
        self, user: User, name: str, label: str, days: int, why: Purposeful, origin: str
    ) -> SearchResult:
        """The reads of an entry's plate, and of what is easily taken for it, in these days.

        Raises:
            EntryRefusedError: if no list of the user's agency has the entry now, or the days are
                too many.
            SearchRefusedError: if the purpose does not do.
            NotAllowedError: if the user's roles do not let them search.
            SessionEndedError: if the account was closed meanwhile.
        """
        asked: dict[str, JSON] = {
            "list": as_typed(name),
            "id": as_typed(label),
            "days": as_typed(str(days)),
        }
        now = self.clock()
        entry = Entry("hotlist.look_back", user.actor, now, origin, asked)
        with attempt(self.engine, entry, (HotlistError, NotAllowedError)):
            require(user, Power.SEARCH)
            if not 1 <= days <= MAX_DAYS:
                raise EntryRefusedError(f"days: expected 1 to {MAX_DAYS}")
            with reading(self.engine) as connection:
                plate = _listed_plate(connection, user, name, label, now)
        with self.engine.begin() as connection:
            log.append(connection, replace(entry, request={**asked, "plate": plate}))
        request = SearchRequest(
            plate=plate,
            folded=True,
            start=(now - timedelta(days=days)).isoformat(),
            end=now.isoformat(),
            purpose=why.purpose,
            facts=why.facts,
            case_number=why.case_number,
            affirmed=why.affirmed,
            court_order=why.court_order,
        )
        return self.searches.search(user, request, origin)


def _listed_plate(connection: Connection, user: User, name: str, label: str, now: datetime) -> str:
    if label.startswith(f"{MANUAL}:"):
        number = label.removeprefix(f"{MANUAL}:")
        found = entries.find(connection, user.agency_id, int(number) if number.isdecimal() else 0)
        if found is not None and found.list == name and found.state(now) == "active":
            return found.plate
    else:
        newest = versions.newest(connection, user.agency, name)
        for line in lines.split(newest.file(connection)):
            if line.entry == label and (line.expires is None or line.expires > now):
                return decode_entry(line.raw[:-1], 1).plate
    raise EntryRefusedError(f"entry {label}: list {user.agency}/{name} does not have it now")
