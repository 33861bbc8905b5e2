"""Each agency's reads go by its own rule, or the repository's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, select, update

from repository.retention.duties import Bound, Duties
from repository.retention.rules import RetentionRuleError, shipped_rule
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from tests.repository.sightings import RULE, add_units, sight

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NEW_HAMPSHIRE = shipped_rule("new-hampshire")


@pytest.fixture
def two_agencies(engine: Engine) -> Engine:
    """Salem under the repository's rule, Nashua under its own state's."""
    rows = [
        {"id": 1, "name": "salem-pd", "title": "Salem", "retention_rule": None},
        {"id": 2, "name": "nashua-pd", "title": "Nashua", "retention_rule": "new-hampshire"},
    ]
    with engine.begin() as connection:
        connection.execute(insert(agencies), [row | {"created_at": NOW} for row in rows])
    add_units(engine, NOW)
    return engine


@pytest.mark.policy("F-local")
def test_an_agency_has_its_own_rule_or_the_repositorys(two_agencies: Engine) -> None:
    with reading(two_agencies) as connection:
        duties = Duties.load(connection, RULE, shipped_rule)
    assert duties.rule_of(1) is RULE
    assert duties.rule_of(2) == NEW_HAMPSHIRE
    assert duties.bounds(NOW) == (
        Bound(1, False, RULE.expired_before(NOW, hit=False)),
        Bound(1, True, RULE.expired_before(NOW, hit=True)),
        Bound(2, False, NEW_HAMPSHIRE.expired_before(NOW, hit=False)),
        Bound(2, True, NEW_HAMPSHIRE.expired_before(NOW, hit=True)),
    )


@pytest.mark.parametrize(("name", "number"), [("new-hampshire", 2 + 3 + 2), ("new-jersey", 2)])
@pytest.mark.policy("C-7b")
def test_what_has_expired_is_asked_by_agency_and_class(
    two_agencies: Engine, name: str, number: int
) -> None:
    ages = [timedelta(minutes=2), timedelta(minutes=3), timedelta(days=1), timedelta(days=365)]
    expected = set()
    with two_agencies.begin() as connection:
        own = update(agencies).where(agencies.c.id == 2)
        connection.execute(own.values(retention_rule=name))
    for unit, rule in ((1, RULE), (2, shipped_rule(name))):
        for place, age in enumerate([*ages, *ages]):
            captured, hit = NOW - age, place >= len(ages)
            read = sight(two_agencies, f"1ABC{place}", captured, unit, place + 1)
            with two_agencies.begin() as connection:
                which = update(reads).where(reads.c.read_id == read)
                connection.execute(which.values(has_hits=hit))
            if rule.expires_at(captured, hit=hit) <= NOW:
                expected.add(read)
    with reading(two_agencies) as connection:
        duties = Duties.load(connection, RULE, shipped_rule)
        found = connection.scalars(select(reads.c.read_id).where(duties.has_expired(reads, NOW)))
        assert set(found) == expected
    assert len(expected) == number


def test_a_rule_that_ships_no_more_is_said_and_nothing_is_guessed(two_agencies: Engine) -> None:
    with two_agencies.begin() as connection:
        connection.execute(update(agencies).values(retention_rule="atlantis"))
    with (
        reading(two_agencies) as connection,
        pytest.raises(RetentionRuleError, match="atlantis: none ships"),
    ):
        Duties.load(connection, RULE, shipped_rule)
