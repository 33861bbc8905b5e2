"""The fixtures of people, for this room, and a site with evidence."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.accounts.user import User
from tests.repository.cases.evidence_site import EvidenceSite
from tests.repository.people import Clock
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer


@pytest.fixture
def site(engine: Engine, officer: User, clock: Clock, tmp_path: Path) -> EvidenceSite:
    """Salem, its unit, and a person with every role there."""
    return EvidenceSite(engine, clock, officer, tmp_path)
