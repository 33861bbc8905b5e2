"""When the repository purges by itself, and what one who comes in between does."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from repository.retention import purge
from repository.retention.duties import Duties
from repository.retention.purge_job import PurgeJob
from repository.retention.purge_schedule import DAILY, EACH_MINUTE, grace, interval, is_due
from repository.retention.rules import shipped_rule
from repository.store.alone import alone
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.tables.reads import reads
from tests.property.shelf import Shelf, load_duties

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = time(7, 30)
TODAY = datetime(2026, 3, 1, 7, 30, tzinfo=UTC)
YESTERDAY = TODAY - DAILY
SECOND = timedelta(seconds=1)


def duties(default: str, *own: str) -> Duties:
    rules = {number: shipped_rule(name) for number, name in enumerate(own, start=1)}
    return Duties(shipped_rule(default), tuple(rules), rules)


def test_the_shortest_term_of_any_agency_says_how_often() -> None:
    assert interval(duties("massachusetts", "maine"), NOW) == DAILY
    assert interval(duties("massachusetts", "maine", "new-hampshire"), NOW) == EACH_MINUTE
    assert grace(duties("massachusetts"), NOW) == timedelta(hours=25)
    assert grace(duties("new-hampshire"), NOW) == timedelta(minutes=11)


@pytest.mark.parametrize(
    ("every", "purge_at", "last", "due"),
    [
        (DAILY, AT, None, True),
        (DAILY, AT, TODAY, False),
        (DAILY, AT, TODAY - SECOND, True),
        (DAILY, AT, TODAY - timedelta(days=9), True),  # missed
        (DAILY, time(12, 1), YESTERDAY + timedelta(hours=5), False),  # today's is still to come
        (DAILY, time(12, 1), YESTERDAY, True),
        (DAILY, AT, NOW + SECOND, True),  # the clock was ahead then
        (DAILY, None, None, False),
        (EACH_MINUTE, AT, NOW - EACH_MINUTE, True),
        (EACH_MINUTE, AT, NOW - EACH_MINUTE + SECOND, False),
        (EACH_MINUTE, None, None, False),
    ],
)
def test_a_purge_is_due_when_its_time_has_come_since_the_last(
    every: timedelta, purge_at: time | None, last: datetime | None, due: bool
) -> None:
    assert is_due(every, purge_at, last, NOW) is due


def test_the_job_purges_what_was_missed_and_lets_another_finish(
    engine: Engine, tmp_path: Path
) -> None:
    shelf = Shelf(engine, tmp_path / "pictures", NOW)
    job, twin = (PurgeJob(engine, shelf.store, load_duties, AT) for _ in range(2))
    shelf.take("nashua-pd", NOW, NOW)
    assert job.look(NOW)
    assert not job.look(NOW + SECOND)
    later = NOW + timedelta(minutes=4)
    with alone(engine, Turn.PURGE):
        assert not job.look(later)
    assert job.look(later)
    assert not twin.look(later)
    with reading(engine) as connection:
        assert purge.last_finished(connection) == later
        assert connection.execute(select(reads.c.read_id)).all() == []


def test_a_refused_purge_is_tried_again_after_an_hour(engine: Engine, tmp_path: Path) -> None:
    shelf = Shelf(engine, tmp_path / "pictures", NOW)
    shelf.take("salem-pd", NOW, NOW)
    job = PurgeJob(engine, shelf.store, load_duties, AT)
    ahead = NOW + timedelta(days=1000)
    with pytest.raises(purge.PurgeError, match="the clock says"):
        job.look(ahead)
    assert not job.look(ahead + timedelta(minutes=59))
    with pytest.raises(purge.PurgeError):
        job.look(ahead + timedelta(hours=1))
    assert job.look(NOW + timedelta(days=1))  # the clock is right again
