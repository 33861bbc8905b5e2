"""Looking into case files."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, update

from repository.accounts.errors import NotYetOpenError
from repository.accounts.user import User
from repository.cases import files
from repository.cases.service import CaseError, CaseFiles
from repository.retention import holds
from repository.retention.holds_request import HoldRequest
from repository.store.tables.people import trainings
from tests.repository.ingest.conftest import load_duties
from tests.repository.people import OPERATOR, Clock, recorded
from tests.repository.sightings import add_units, sight


def test_a_case_is_opened_once(officer: User, engine: Engine, clock: Clock) -> None:
    start = threading.Barrier(3)
    ids: list[int] = []

    def open_it() -> None:
        start.wait()
        with engine.begin() as connection:
            ids.append(files.open_case(connection, officer, "24-1187", clock()))

    threads = [threading.Thread(target=open_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 3
    assert len(set(ids)) == 1
    (case,) = CaseFiles(engine, clock, load_duties).list("salem-pd", OPERATOR, "here")
    assert (case.number, case.opened_at, case.searches) == ("24-1187", clock(), 0)


@pytest.mark.policy("C-4a")
def test_each_look_is_on_the_ledger(officer: User, engine: Engine, clock: Clock) -> None:
    case_files = CaseFiles(engine, clock, load_duties)
    with pytest.raises(CaseError, match="no case of that number"):
        case_files.show("salem-pd", "24-1187", OPERATOR, "here")
    case_files.list("salem-pd", OPERATOR, "here")
    assert [(each["action"], each["actor"]["login"]) for each in recorded(engine)[-2:]] == [
        ("cases.show", "os:root"),
        ("cases.list", "os:root"),
    ]


@pytest.mark.policy("C-1d")
def test_what_is_preserved_for_a_case_stands_in_its_file(
    officer: User, engine: Engine, clock: Clock
) -> None:
    add_units(engine, clock())
    read = sight(engine, "1ABC20", clock())
    with engine.begin() as connection:
        files.open_case(connection, officer, "24-1", clock())
        for number in ("24-1", "24-2", "24-2"):
            request = HoldRequest(number, "enforcement_action", "Seen near the scene", (read,))
            holds.add(connection, request, actor=officer.actor, origin="here", now=clock())
    case_files = CaseFiles(engine, clock, load_duties)
    listed = case_files.list("salem-pd", OPERATOR, "here")
    assert [(each.number, each.holds) for each in listed] == [("24-1", 1), ("24-2", 2)]
    assert case_files.list("boston-pd", OPERATOR, "here") == []
    case = case_files.show("salem-pd", "24-2", OPERATOR, "here")
    assert [(each.id, each.reason) for each in case.holds] == [
        (2, "Seen near the scene"),
        (3, "Seen near the scene"),
    ]
    assert (case.searches, case.opened_at) == ((), clock())
    assert case_files.show("salem-pd", "24-1", OPERATOR, "here").holds[0].id == 1


@pytest.mark.policy("C-1b")
@pytest.mark.policy("M-C3")
def test_a_case_file_is_closed_to_who_is_not_trained(
    engine: Engine, officer: User, clock: Clock
) -> None:
    case_files = CaseFiles(engine, clock, load_duties)
    with engine.begin() as connection:
        files.open_case(connection, officer, "24-1", clock())
    assert case_files.show("salem-pd", "24-1", officer, "here").number == "24-1"
    with engine.begin() as connection:
        connection.execute(update(trainings).values(struck_at=clock()))
    with pytest.raises(NotYetOpenError, match="your training is missing or out of date"):
        case_files.show("salem-pd", "24-1", officer, "here")
    assert recorded(engine)[-1]["outcome"] == "refused"
    assert [each.number for each in case_files.list("salem-pd", officer, "here")] == ["24-1"]
