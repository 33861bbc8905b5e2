"""A listed plate is looked for in past reads by a search like any other, or not at all."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from repository.accounts.user import User
from repository.hotlists.desk import ListDesk
from repository.hotlists.errors import EntryRefusedError, UnknownListError
from repository.hotlists.importing import Imports
from repository.hotlists.look_back import MAX_DAYS, LookBacks, Purposeful
from repository.hotlists.settings import HotlistSettings
from repository.search.errors import SearchRefusedError
from repository.search.service import Searches
from tests.repository.hotlists.test_desk import LIST, TYPED
from tests.repository.people import OPERATOR, Clock, recorded
from tests.repository.sightings import FOLD, RULE, add_units, sight

WHY = Purposeful(
    purpose="safety_concern",
    facts="AMBER alert of 1 March, grey van seen by a neighbour on Essex Street at noon",
    case_number="24-1187",
    affirmed=True,
)


@pytest.fixture
def look_backs(engine: Engine, officer: User, clock: Clock) -> LookBacks:
    add_units(engine, clock())
    return LookBacks(engine, Searches(engine, clock, FOLD, RULE), clock)


@pytest.fixture
def label(desk: ListDesk, officer: User, second: User) -> str:
    """An entry of Salem that alerts."""
    entry = desk.propose(officer, LIST, TYPED, "test").entry
    desk.confirm(second, entry.id, "test")
    return entry.label


@pytest.mark.policy("C-1a")
@pytest.mark.policy("C-4a")
def test_looking_back_is_a_search_on_the_ledger_and_in_the_case(
    engine: Engine, look_backs: LookBacks, officer: User, label: str, clock: Clock
) -> None:
    seen = sight(engine, "1ABC23", clock() - timedelta(days=2), unit=2)
    alike = sight(engine, "IABC23", clock() - timedelta(days=3))
    sight(engine, "1ABC23", clock() - timedelta(days=8))
    sight(engine, "9XYZ88", clock() - timedelta(days=1))
    result = look_backs.look_back(officer, LIST, label, 7, WHY, "test")
    assert [each.read_id for each in result.reads] == [seen, alike]
    looked, searched = recorded(engine)[-2:]
    assert (looked["action"], searched["action"]) == ("hotlist.look_back", "search.run")
    assert (looked["request"]["id"], looked["request"]["plate"]) == (label, "1ABC23")
    assert searched["index"] == result.ledger_index
    assert searched["request"]["purpose"]["case"] == "24-1187"
    assert searched["actor"]["login"] == "jdoe"


@pytest.mark.policy("C-1a")
@pytest.mark.policy("C-1b")
def test_without_a_purpose_or_its_facts_nothing_is_looked_for(
    engine: Engine, look_backs: LookBacks, officer: User, label: str, clock: Clock
) -> None:
    sight(engine, "1ABC23", clock() - timedelta(days=2))
    for missing in ({"purpose": ""}, {"facts": ""}, {"case_number": ""}, {"affirmed": False}):
        with pytest.raises(SearchRefusedError):
            look_backs.look_back(
                officer, LIST, label, 7, dataclasses.replace(WHY, **missing), "test"
            )
        assert recorded(engine)[-1]["outcome"] == "refused"


def test_only_what_a_list_of_ones_own_agency_has_now_is_looked_for(
    engine: Engine,
    look_backs: LookBacks,
    desk: ListDesk,
    officer: User,
    stranger: User,
    label: str,
) -> None:
    waiting = desk.propose(officer, LIST, TYPED, "test").entry.label
    for person, name, entry, days in (
        (stranger, LIST, label, 7),
        (officer, "atl", label, 7),
        (officer, LIST, waiting, 7),
        (officer, LIST, "manual:x", 7),
        (officer, LIST, "A1", 7),
        (officer, LIST, label, 0),
        (officer, LIST, label, MAX_DAYS + 1),
    ):
        with pytest.raises(EntryRefusedError):
            look_backs.look_back(person, name, entry, days, WHY, "test")
    with pytest.raises(UnknownListError):
        look_backs.look_back(officer, "atl", "A1", 7, WHY, "test")
    assert [each["outcome"] for each in recorded(engine)][-8:] == ["refused"] * 8
    assert not any(each["action"] == "search.run" for each in recorded(engine))


def test_an_imported_entry_is_looked_for_too(
    engine: Engine,
    look_backs: LookBacks,
    imports: Imports,
    officer: User,
    clock: Clock,
    tmp_path: Path,
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("entry,plate,expires\nA1,2ABC34,\nA2,3ABC45,2026-02-01\n")
    source = HotlistSettings().source("salem-pd", "stolen", "stolen")
    imports.take(path, source, actor=OPERATOR, origin="test")
    seen = sight(engine, "2ABC34", clock() - timedelta(days=2))
    result = look_backs.look_back(officer, "stolen", "A1", 7, WHY, "test")
    assert [each.read_id for each in result.reads] == [seen]
    with pytest.raises(EntryRefusedError):
        look_backs.look_back(officer, "stolen", "A2", 7, WHY, "test")
