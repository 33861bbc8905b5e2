"""An office for audits: people of two agencies, searches on the ledger, checkpoints."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert

from repository.accounts import users
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.audits import drawing, opening
from repository.audits.desk import AuditDesk
from repository.audits.settings import AuditSettings
from repository.ledger import log
from repository.ledger.entry import Entry, Outcome
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store.tables.fleet import agencies
from tests.repository.people import LEDGER_KEY, LEDGER_ORIGIN, Clock

BEGAN = datetime(2025, 1, 15, tzinfo=UTC)
FACTS = "Blue sedan left the robbery on Essex Street at 21:40, seen by the clerk"
FEBRUARY = datetime(2026, 2, 10, 15, tzinfo=UTC)
GOOD = {
    "purpose_lawful": "yes",
    "facts_specific": "yes",
    "case_exists": "yes",
    "result_used": "unclear",
    "aimed_at_protected": "no",
}
AGENCIES = {"salem-pd": 1, "boston-pd": 2}


@dataclass
class Office:
    """Two agencies and whoever a test hires there."""

    engine: Engine
    clock: Clock
    settings: AuditSettings = field(default_factory=lambda: AuditSettings(sample_size=3))

    def __post_init__(self) -> None:
        with self.engine.begin() as connection:
            for name in AGENCIES:
                row = {"name": name, "title": f"{name} title", "created_at": BEGAN}
                connection.execute(insert(agencies).values(row))

    @property
    def desk(self) -> AuditDesk:
        return AuditDesk(self.engine, self.clock, self.settings)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), self.clock)

    @property
    def signer(self) -> Signer:
        return Signer(self.ledger, LEDGER_KEY)

    def hire(self, login: str, *roles: Role, agency: str = "salem-pd") -> User:
        """A person who is there already; their password is nobody's concern here."""
        user = User(
            uuid.uuid4(), login, f"Officer {login}", AGENCIES[agency], agency,
            must_change_password=False, roles=frozenset(roles), position="Sergeant",
        )  # fmt: skip
        with self.engine.begin() as connection:
            users.add(connection, user, "no hash", BEGAN)
        return user

    def search(
        self,
        user: User,
        at: datetime = FEBRUARY,
        *,
        case: str = "24-1",
        facts: str = FACTS,
        returned: int = 1,
        outcome: Outcome = "done",
        **criteria: Any,
    ) -> int:
        """A search on the ledger as the search room leaves it there."""
        request = {
            "criteria": {"plate": "1ABC23", "folded": False, "limit": 100} | criteria,
            "purpose": {"purpose": "criminal_investigation", "facts": facts, "case": case},
        }
        return self.record("search.run", user, at, request, outcome, returned)

    def record(
        self,
        action: str,
        user: User,
        at: datetime,
        request: dict[str, Any],
        outcome: Outcome = "done",
        count: int | None = None,
    ) -> int:
        entry = Entry(action, user.actor, at, "10.0.0.7", request, outcome, count)
        with self.engine.begin() as connection:
            return log.append(connection, entry).index

    def tend(self) -> list[int]:
        """What the job does: open what is due, sign, draw."""
        with self.engine.begin() as connection:
            opening.open_due(connection, self.settings, self.clock())
        return self.sign_and_draw()

    def sign_and_draw(self) -> list[int]:
        self.signer.sign_checkpoint()
        return drawing.draw_due(self.engine, self.settings.sample_size, self.clock())

    def answer_all(self, by: User, number: int, skip: Collection[int] = ()) -> None:
        for each in self.desk.show(by, number, "here").samples:
            if each.place not in skip and each.answered_at is None:
                self.desk.answer(by, number, each.place, GOOD, "", "here")
