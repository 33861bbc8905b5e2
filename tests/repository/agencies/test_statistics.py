"""Numbers for the public: right before and after a purge, and nothing but numbers."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, delete

from repository.agencies import counts
from repository.agencies.counts import Count
from repository.agencies.errors import AgencyError
from repository.agencies.service import AgencyData
from repository.agencies.statistics import Line, Statistics, as_csv, as_json
from repository.store.engine import reading
from repository.store.tables.reads import hits, reads
from tests.repository.agencies.test_own import hit
from tests.repository.people import OPERATOR, Clock, recorded
from tests.repository.sightings import sight

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)
JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)


@pytest.fixture
def seen(data: AgencyData, engine: Engine) -> None:
    """Reads at the very ends of two months, and one hit."""
    sight(engine, "1ABC23", datetime(2026, 1, 1, tzinfo=UTC))
    sight(engine, "1ABC23", datetime(2026, 2, 1, tzinfo=UTC) - timedelta(microseconds=1))
    sight(engine, "1ABC23", datetime(2026, 2, 1, tzinfo=UTC))
    sight(engine, "2DEF45", NOON, unit=2)
    hit(engine, sight(engine, "1ABC23", NOON))


def counted(engine: Engine) -> list[Count]:
    with reading(engine) as connection:
        return counts.count(connection, JANUARY, FEBRUARY)


@pytest.mark.policy("G-13")
def test_a_months_numbers_stay_when_its_reads_go(seen: None, engine: Engine) -> None:
    before = counted(engine)
    assert before == [
        Count("salem-pd", JANUARY, "reads", 2),
        Count("boston-pd", FEBRUARY, "reads", 1),
        Count("salem-pd", FEBRUARY, "reads", 2),
        Count("salem-pd", FEBRUARY, "stolen_vehicle", 1),
    ]
    for until in (datetime(2026, 1, 15, tzinfo=UTC), NOON + timedelta(days=1)):
        with engine.begin() as connection:
            gone = (reads.c.captured_at < until, hits.c.captured_at < until)
            counts.keep(connection, *gone)
            connection.execute(delete(reads).where(gone[0]))
            connection.execute(delete(hits).where(gone[1]))
        assert counted(engine) == before
    with reading(engine) as connection:
        assert counts.count(connection, date(2025, 11, 1), date(2025, 12, 1)) == []


@pytest.mark.policy("G-13")
def test_a_release_holds_numbers_alone_and_is_on_the_ledger(
    seen: None, engine: Engine, clock: Clock
) -> None:
    lines = Statistics(engine, clock, 2).release(JANUARY, FEBRUARY, OPERATOR, "here")
    assert lines == [
        Line("2026-01", "salem-pd", "reads", 2),
        Line("2026-02", "boston-pd", "reads", None),
        Line("2026-02", "salem-pd", "reads", 2),
        Line("2026-02", "salem-pd", "hits", None),
        Line("2026-02", "salem-pd", "stolen_vehicle", None),
    ]
    table = as_csv(lines)
    assert table.splitlines()[:3] == [
        '"month","agency","what","number","hidden"',
        '"2026-01","salem-pd","reads",2,no',
        '"2026-02","boston-pd","reads",,yes',
    ]
    for secret in ("ABC", "DEF", "front", "car-7", "42.5", "70.8"):
        assert secret not in table + as_json(lines, 2)
    assert json.loads(as_json(lines, 2))["lines"][1]["number"] is None
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["count"]) == ("statistics.release", 5)
    assert entry["result_digest"] is not None


def test_a_month_that_is_not_over_is_not_released(
    data: AgencyData, engine: Engine, clock: Clock
) -> None:
    public = Statistics(engine, clock, 10)
    for first, last in ((FEBRUARY, JANUARY), (JANUARY, date(2026, 3, 1))):
        with pytest.raises(AgencyError, match="months"):
            public.release(first, last, OPERATOR, "here")
