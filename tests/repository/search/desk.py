"""Two agencies, their people, and everything that they do around searches."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert

from repository.accounts import users
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.cases import files
from repository.cases.files import CaseFile
from repository.retention.duties import Duties
from repository.retention.rules import shipped_rule
from repository.search import local_rule_rows
from repository.search.approval_rows import Approval
from repository.search.approvals import Approvals
from repository.search.asking import SearchRequest, TogetherRequest
from repository.search.confirmations import Confirmations
from repository.search.local_rules import LocalSearchRule
from repository.search.request_form import RequestForm
from repository.search.requests import SearchRequests
from repository.search.result import SearchResult
from repository.search.reviews import Reviews
from repository.search.service import Searches
from repository.search.settings import SearchSettings
from repository.store.engine import open_engine
from repository.store.tables.fleet import agencies
from repository.units.findings import list_findings
from tests.repository.people import OPERATOR, Clock, sign_agreement, train
from tests.repository.sightings import FOLD, RULE, add_units

FACTS = "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"
REASON = "No witness saw the plate, and every road out of Salem is in question"
DECISION = "One hour in one town, and two clerks saw the car leave"
BEGAN = datetime(2026, 1, 2, tzinfo=UTC)
FORM = RequestForm(
    agency="Nahant Police",
    ori="MA0052000",
    sector="criminal_justice",
    name="Ruth Roe",
    position="Detective",
    phone="781-555-0100",
    email="roe@example.gov",
    case_number="26-78",
    reason="The driver of a blue sedan fled a crash on Nahant Road at noon",
    offence="leaving the scene",
    characteristics="plate 1ABC20",
    source="a witness wrote the plate down",
)


@dataclass
class Desk:
    """What the rooms offer, and whoever a test hires."""

    engine: Engine
    clock: Clock
    settings: SearchSettings

    def __post_init__(self) -> None:
        rows = [
            {"id": 1, "name": "salem-pd", "title": "Salem Police", "ori": "MA0051600"},
            {"id": 2, "name": "boston-pd", "title": "Boston Police", "ori": None},
        ]
        with self.engine.begin() as connection:
            connection.execute(insert(agencies), [row | {"created_at": BEGAN} for row in rows])
        for row in rows:
            sign_agreement(self.engine, str(row["name"]), self.clock())
        add_units(self.engine, self.clock())
        self.officer = self.hire("jdoe", Role.OFFICER)
        self.supervisor = self.hire("sroe", Role.SUPERVISOR)

    def hire(
        self, login: str, *roles: Role, agency: str = "salem-pd", trained: bool = True
    ) -> User:
        """A person who is there already; their password is nobody's concern here."""
        user = User(
            uuid.uuid4(), login, f"Officer {login}", {"salem-pd": 1, "boston-pd": 2}[agency],
            agency, must_change_password=False, roles=frozenset(roles), position="Sergeant",
        )  # fmt: skip
        with self.engine.begin() as connection:
            users.add(connection, user, "no hash", BEGAN)
        if trained:
            train(self.engine, user, self.clock())
        return user

    @property
    def searches(self) -> Searches:
        return Searches(self.engine, self.clock, FOLD, RULE, settings=self.settings)

    @property
    def approvals(self) -> Approvals:
        return Approvals(self.engine, self.clock, self.searches)

    @property
    def reviews(self) -> Reviews:
        return Reviews(self.engine, self.clock, lambda _: Duties(RULE, (1, 2), {}))

    @property
    def requests(self) -> SearchRequests:
        return SearchRequests(self.engine, self.clock)

    @property
    def confirmations(self) -> Confirmations:
        return Confirmations(self.engine, self.clock, RULE, shipped_rule, self.settings)

    def asked(self, **changes: Any) -> SearchRequest:
        """By a whole plate, in the two days before now, unless the test changes it."""
        narrow = SearchRequest(
            plate="1ABC20",
            start=(self.clock() - timedelta(days=2)).isoformat(),
            end=self.clock().isoformat(),
            purpose="criminal_investigation",
            facts=FACTS,
            case_number="24-1187",
            affirmed=True,
        )
        return replace(narrow, **changes)

    def broad(self, **changes: Any) -> SearchRequest:
        """Over 78 square kilometres, without a plate."""
        wide = {"plate": None, "near": "42.5195,-70.8967", "radius_m": 5000.0}
        return self.asked(**wide | changes)

    def association(self, **changes: Any) -> TogetherRequest:
        asked = self.asked()
        question = TogetherRequest(
            plate="1ABC20",
            start=(self.clock() - timedelta(days=20)).isoformat(),
            end=asked.end or "",
            purpose=asked.purpose,
            facts=asked.facts,
            case_number=asked.case_number,
            affirmed=True,
        )
        return replace(question, **changes)

    def search(self, user: User | None = None, **changes: Any) -> SearchResult:
        return self.searches.search(user or self.officer, self.asked(**changes), "here")

    def approve(self, request: SearchRequest | TogetherRequest) -> Approval:
        """Proposed by the officer and approved by the supervisor."""
        made = self.approvals.propose(self.officer, request, REASON, "here")
        return self.approvals.decide(
            self.supervisor, made.number, approve=True, reason=DECISION, origin="here"
        )

    def rule(self, agency: str = "salem-pd", **own: Any) -> None:
        """Put an agency under a rule of its own."""
        rule = LocalSearchRule(name="Ordinance 12", source="Ordinance 12-2026", **own)
        with self.engine.begin() as connection:
            local_rule_rows.change(
                connection, agency, rule, reason="Voted", actor=OPERATOR, origin="here",
                now=self.clock(),
            )  # fmt: skip

    def case(self, number: str) -> CaseFile:
        """A case file of Salem's."""
        duties = Duties(RULE, (1, 2), {})
        with self.engine.begin() as connection:
            found = files.find(connection, "salem-pd", number, duties, self.clock())
        assert found is not None
        return found

    def findings(self) -> list[tuple[str, str]]:
        """Kind and subject of the open ones that are about searches."""
        with self.engine.begin() as connection:
            found = list_findings(connection)
        kinds = ("emergency_search", "emergency_unreviewed", "approval_waiting")
        return [(each.kind, each.subject) for each in found if each.kind in kinds]


@pytest.fixture
def desk(engine: Engine, clock: Clock) -> Desk:
    """A desk over each database in turn."""
    return Desk(engine, clock, SearchSettings())


@pytest.fixture
def small_desk(migrated_sqlite: Path, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """A desk over SQLite alone, for what is not the database's matter."""
    path = tmp_path / "small.sqlite"
    path.write_bytes(migrated_sqlite.read_bytes())
    opened = open_engine(f"sqlite:///{path}")
    yield Desk(opened, clock, SearchSettings())
    opened.dispose()
