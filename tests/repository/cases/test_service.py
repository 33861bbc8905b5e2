"""Looking into case files."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine

from repository.accounts.user import User
from repository.cases import files
from repository.cases.service import CaseError, CaseFiles
from tests.repository.people import OPERATOR, Clock, recorded


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
    (case,) = CaseFiles(engine, clock).list("salem-pd", OPERATOR, "here")
    assert (case.number, case.opened_at, case.searches) == ("24-1187", clock(), 0)


@pytest.mark.policy("C-4a")
def test_each_look_is_on_the_ledger(officer: User, engine: Engine, clock: Clock) -> None:
    case_files = CaseFiles(engine, clock)
    with pytest.raises(CaseError, match="no case of that number"):
        case_files.show("salem-pd", "24-1187", OPERATOR, "here")
    case_files.list("salem-pd", OPERATOR, "here")
    assert [(each["action"], each["actor"]["login"]) for each in recorded(engine)[-2:]] == [
        ("cases.show", "os:root"),
        ("cases.list", "os:root"),
    ]
