"""Confirming a read with the agency that made it, before anything is enforced (policy C-6b)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import Connection, Engine, insert, select

from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.agencies import own
from repository.cases import files
from repository.ledger.entry import JSON, as_typed
from repository.retention.duties import Duties, Shipped
from repository.retention.rules import RetentionRule
from repository.search.acts import acting
from repository.search.errors import SearchRefusedError
from repository.search.permits import Law
from repository.search.purpose import case_number_of, check_line
from repository.search.request_form import check_text
from repository.search.run import Sight
from repository.search.settings import SearchSettings
from repository.store.tables.accounts import users
from repository.store.tables.cases import cases
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from repository.store.tables.search import read_confirmations

Answer = Literal["confirmed", "wrong", "no_answer"]
ANSWERS = get_args(Answer)
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the source agency said of a read, when it was asked and by whom."""

    number: int
    read_id: UUID
    source_agency: str
    agency: str
    case_number: str
    confirmed_by_name: str
    confirmed_at: datetime
    spoke_with: str
    answer: Answer
    note: str


@dataclass(frozen=True, slots=True)
class Confirmations:
    """Confirmations of reads, for users who have signed in."""

    engine: Engine
    now: Callable[[], datetime]
    rule: RetentionRule
    shipped: Shipped
    settings: SearchSettings

    def confirm(
        self,
        user: User,
        read: UUID,
        case_number: str,
        *,
        spoke_with: str,
        answer: str,
        note: str,
        origin: str,
    ) -> Confirmation:
        """Record what the source agency answered.

        Raises:
            SearchRefusedError: if a field does not do, or there is no such read that the user may
                see.
            AccountError: if the user may not search.
        """
        asked: dict[str, JSON] = {
            "read": str(read),
            "case": as_typed(case_number),
            "spoke_with": as_typed(spoke_with),
            "answer": as_typed(answer),
        }
        with acting(
            self.engine, self.now, user, "read.confirm", asked, origin, Power.SEARCH
        ) as act:
            number = case_number_of("case", case_number)
            who = " ".join(spoke_with.split())
            check_line("spoke_with", who, _MAX_NAME, "whom you spoke with at the source agency")
            said = next((each for each in ANSWERS if each == answer), None)
            if said is None:
                raise SearchRefusedError(f"answer: expected {', '.join(ANSWERS)}")
            told = check_text("note", note) if note.strip() else ""
            seen = self._find(act.connection, user, read, act.now)
            case_id = files.open_case(act.connection, user, number, act.now)
            made: int = act.connection.execute(
                insert(read_confirmations)
                .values(
                    **seen.key,
                    source_agency_id=seen.agency_id,
                    agency_id=user.agency_id,
                    case_id=case_id,
                    confirmed_by=user.id,
                    confirmed_at=act.now,
                    spoke_with=who,
                    answer=said,
                    note=told,
                )
                .returning(read_confirmations.c.id)
            ).scalar_one()
            index = act.record({"confirmation": made, "source_agency": seen.agency})
            files.add_event(
                act.connection,
                case_id,
                "note",
                by=user,
                at=act.now,
                detail={
                    "confirmation": made,
                    "read": str(read),
                    "source_agency": seen.agency,
                    "spoke_with": who,
                    "answer": said,
                },
                ledger_index=index,
            )
            return Confirmation(
                made, read, seen.agency, user.agency, number, user.name, act.now, who, said, told
            )

    def of_read(self, user: User, read: UUID, origin: str) -> list[Confirmation]:
        """What the user's agency was told of a read, the newest first.

        Raises:
            AccountError: if the user may not search.
        """
        with acting(
            self.engine,
            self.now,
            user,
            "read.confirmations",
            {"read": str(read)},
            origin,
            Power.SEARCH,
        ) as act:
            found = _of_read(act.connection, user, read)
            act.record(count=len(found))
            return found

    def _find(self, connection: Connection, user: User, read: UUID, now: datetime) -> own.SeenRead:
        duties = Duties.load(connection, self.rule, self.shipped)
        # A rule closes an agency's reads to searches for a purpose; a read that somebody has seen
        # is confirmed whatever the purpose was.
        rules = Law.load(connection, self.settings)
        sight = Sight(user.agency_id, duties, now, rules.too_old(now))
        for each in own.find(connection, [read]):
            there = select(reads.c.read_id).where(
                *(reads.c[name] == value for name, value in each.key.items()), sight.of(reads)
            )
            if connection.scalar(there) is not None:
                return each
        raise SearchRefusedError("read: there is none of that id that may be shown")


def _of_read(connection: Connection, user: User, read: UUID) -> list[Confirmation]:
    source = agencies.alias("source")
    query = (
        select(
            read_confirmations.c.id.label("number"),
            read_confirmations.c.read_id,
            source.c.name.label("source_agency"),
            agencies.c.name.label("agency"),
            cases.c.number.label("case_number"),
            users.c.name.label("confirmed_by_name"),
            read_confirmations.c.confirmed_at,
            read_confirmations.c.spoke_with,
            read_confirmations.c.answer,
            read_confirmations.c.note,
        )
        .join(source, source.c.id == read_confirmations.c.source_agency_id)
        .join(agencies, agencies.c.id == read_confirmations.c.agency_id)
        .join(cases, cases.c.id == read_confirmations.c.case_id)
        .join(users, users.c.id == read_confirmations.c.confirmed_by)
        .where(
            read_confirmations.c.read_id == read,
            read_confirmations.c.agency_id == user.agency_id,
        )
        .order_by(read_confirmations.c.id.desc())
        .limit(200)
    )
    return [Confirmation(**row) for row in connection.execute(query).mappings()]
