"""Searches of a period as the ledger has them, for `patterns`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, Engine, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.audits import drawing, entries, patterns
from repository.audits.entries import Which
from repository.audits.errors import AuditError, of_another
from repository.audits.patterns import Pattern, Search
from repository.audits.private_plates import PrivatePlates
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, Recorded, as_typed, digest_of_ids
from repository.search import breadth
from repository.search.asking import recorded_criteria
from repository.search.run_rows import characteristics
from repository.search.settings import SearchSettings
from repository.store.engine import reading
from repository.store.tables.cases import case_events, cases
from repository.store.tables.fleet import agencies
from repository.store.tables.retention import holds
from repository.store.tables.search import search_runs

MAX_PERIOD = timedelta(days=93)
MAX_SEARCHES = 200_000
_SOMETHING_CAME = ("note", "disposition", "dissemination", "evidence_package")


@dataclass(frozen=True, slots=True)
class Patterns:
    """What is worth a look, for those who audit; ``zone`` is that of the people's clocks.

    ``limits`` say what is broad.
    """

    engine: Engine
    now: Callable[[], datetime]
    plates: PrivatePlates
    zone: tzinfo
    limits: SearchSettings = field(default_factory=SearchSettings)

    def find(
        self, user: User, agency: str | None, start: datetime, end: datetime, origin: str
    ) -> list[Pattern]:
        """The patterns in the searches of an agency's people, or with None of everybody's.

        Raises:
            NotAllowedError: if the user's roles do not let them.
            AuditError: if the agency is not one for them, or the period is too long or too full.
        """
        asked: dict[str, JSON] = {
            "agency": None if agency is None else as_typed(agency),
            "from": start.isoformat(),
            "to": end.isoformat(),
        }
        entry = Entry("audits.patterns", user.actor, self.now(), origin, asked)
        with attempt(self.engine, entry, (AuditError, NotAllowedError)):
            require(user, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)
            if not timedelta() < end - start <= MAX_PERIOD:
                raise AuditError(f"period: at most {MAX_PERIOD.days} days, and from before to")
            with reading(self.engine) as connection:
                known = set(connection.scalars(select(agencies.c.name)))
                everywhere = may(user, Power.AUDIT_ALL)
                if agency not in ({None} | known if everywhere else {user.agency}):
                    raise of_another(agency, user.agency)
                found = patterns.find(
                    self._searches(connection, sorted(known), start, end),
                    agency=agency,
                    agency_of=self.plates.agencies(connection),
                    led_somewhere=_led_somewhere(connection),
                )
            with self.engine.begin() as connection:
                shown = Entry(
                    entry.action,
                    entry.actor,
                    self.now(),
                    origin,
                    asked,
                    count=len(found),
                    result_digest=digest_of_ids(str(i) for each in found for i in each.entries),
                )
                log.append(connection, shown)
        return found

    def _searches(
        self, connection: Connection, names: Sequence[str], start: datetime, end: datetime
    ) -> list[Search]:
        which = Which(names, start, end, actions=drawing.SEARCHES)
        wide = _wide(connection, start, end)
        owners = self.plates.owners(connection)
        found: list[Search] = []
        for each in entries.every(connection, which):
            made = self._search(each, wide, owners)
            if made is not None:
                found.append(made)
            if len(found) > MAX_SEARCHES:
                raise AuditError(
                    f"period: holds more than {MAX_SEARCHES} searches; ask for a shorter one"
                )
        return sorted(found, key=lambda each: (each.local_at, each.index))

    def _search(
        self,
        recorded: Recorded,
        wide: Mapping[int, tuple[bool, bool]],
        owners: Callable[[str], frozenset[str]],
    ) -> Search | None:
        entry = recorded.entry
        criteria, purpose = entry.request.get("criteria"), entry.request.get("purpose")
        if not drawing.is_search(recorded):
            return None
        if not isinstance(criteria, Mapping) or not isinstance(purpose, Mapping):
            return None
        if "after" in criteria:
            return None
        plate = _whole_plate(criteria)
        broad, association = wide.get(recorded.index, (False, False))
        unapproved, piece = False, None
        if not broad and not association:
            unapproved, piece = self._unapproved(criteria)
        return Search(
            index=recorded.index,
            local_at=entry.at.astimezone(self.zone),
            user_id=entry.actor.user_id,
            name=entry.actor.name,
            agency=entry.actor.agency,
            case_number=str(purpose.get("case") or ""),
            facts=str(purpose.get("facts") or ""),
            returned=entry.count or 0,
            plate=plate,
            owners=frozenset() if plate is None else owners(plate),
            broad=broad,
            association=association,
            unapproved=unapproved,
            piece=piece,
        )

    def _unapproved(self, criteria: Mapping[str, Any]) -> tuple[bool, tuple[str, str] | None]:
        """Whether a search that nobody approved is broad, and else what it may be a piece of."""
        asked = recorded_criteria(criteria)
        if asked is None:
            return False, None
        if breadth.by_itself(asked, self.limits):
            return True, None
        if breadth.is_of_one_plate(asked):
            return False, None
        fragment = str(criteria["plate"]) if breadth.is_led_by_plate(asked) else ""
        return False, (fragment, characteristics(criteria))


def _whole_plate(criteria: Mapping[str, Any]) -> str | None:
    plate = criteria.get("plate")
    return plate if isinstance(plate, str) and plate.isalnum() else None


def _wide(
    connection: Connection, start: datetime, end: datetime
) -> Mapping[int, tuple[bool, bool]]:
    """Of the searches that needed an approval, or asked what was seen together: which it is."""
    columns = search_runs.c
    query = select(columns.ledger_index, columns.kind, columns.approval_id, columns.emergency)
    query = query.where(columns.searched_at >= start, columns.searched_at < end)
    return {
        row.ledger_index: (
            row.kind == "search" and (row.approval_id is not None or row.emergency is not None),
            row.kind != "search",
        )
        for row in connection.execute(query)
    }


def _led_somewhere(connection: Connection) -> set[tuple[str, str]]:
    """Cases in which something came of a search, by agency and number."""
    written = (
        select(agencies.c.name, cases.c.number)
        .join(cases, cases.c.agency_id == agencies.c.id)
        .join(case_events, case_events.c.case_id == cases.c.id)
        .where(case_events.c.kind.in_(_SOMETHING_CAME))
        .distinct()
    )
    held = (
        select(agencies.c.name, holds.c.case_number)
        .join(holds, holds.c.agency_id == agencies.c.id)
        .distinct()
    )
    return {(agency, number) for agency, number in connection.execute(written.union(held))}
