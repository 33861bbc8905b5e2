"""Two agencies with people and reads, and what they may do with them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from repository.accounts.service import Accounts
from repository.agencies.service import AgencyData
from repository.forwarding.state import is_forwarded
from tests.repository.people import Clock
from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer
from tests.repository.sightings import FOLD, add_units


@pytest.fixture
def data(engine: Engine, clock: Clock, accounts: Accounts) -> AgencyData:
    """A unit of each of the two agencies, and ten days to answer."""
    add_units(engine, clock())
    return AgencyData(engine, clock, FOLD, is_forwarded, timedelta(days=10))
