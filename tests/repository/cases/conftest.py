"""The fixtures of people, for this room, and a site with evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from repository.accounts.user import User
from repository.business_days import day_of
from repository.store.tables.people import trainings
from tests.repository.cases.evidence_site import EvidenceSite
from tests.repository.people import Clock
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer


def train(engine: Engine, user: User, clock: Clock) -> None:
    """Have the person be taught today."""
    today = day_of(clock())
    row = {
        "user_id": user.id,
        "course": "ALPR",
        "taught_by": "Academy",
        "taken_on": today,
        "good_until": today + timedelta(days=365),
        "recorded_by": "os:1000",
        "recorded_by_name": "Operator",
        "recorded_at": clock(),
    }
    with engine.begin() as connection:
        connection.execute(insert(trainings).values(**row))


@pytest.fixture
def site(engine: Engine, officer: User, clock: Clock, tmp_path: Path) -> EvidenceSite:
    """Salem, its unit, and a trained person."""
    train(engine, officer, clock)
    return EvidenceSite(engine, clock, officer, tmp_path)
