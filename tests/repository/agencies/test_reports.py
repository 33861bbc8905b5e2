"""An error that one agency finds in another's read, followed to its answer."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select

from repository.accounts.user import User
from repository.agencies import reports
from repository.agencies.errors import AgencyError
from repository.agencies.service import AgencyData
from repository.retention.duties import Duties
from repository.retention.explain import Gone, explain
from repository.retention.explain_words import words_of_gone
from repository.retention.rules import shipped_rule
from repository.store.engine import reading
from repository.store.tables.agency_data import read_corrections
from repository.store.tables.reads import reads
from repository.units.findings import list_findings
from tests.repository.people import Clock, recorded
from tests.repository.sightings import RULE, sight

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)


@pytest.mark.policy("G-11")
def test_an_error_reaches_the_owner_and_the_answer_the_finder(
    data: AgencyData, officer: User, finder: User, engine: Engine, clock: Clock
) -> None:
    read = sight(engine, "1ABC23", NOON)
    number = data.report(finder, read, "an 8, not a B", "here")
    (received,) = data.list_reports(officer, "here", answered_too=False)
    assert (received.id, received.owner, received.reporter_agency) == (
        number,
        "salem-pd",
        "boston-pd",
    )
    assert received.due_at == clock() + timedelta(days=10)
    data.accept(officer, number, "so it is", "here", plate="1A8C23", state="MA")
    assert data.list_reports(officer, "here", answered_too=False) == []
    (answered,) = data.list_reports(finder, "here", answered_too=True)
    assert (answered.answer, answered.answer_text) == ("corrected", "so it is")
    assert answered.answered_by_name == officer.name
    with reading(engine) as connection:
        assert connection.scalar(select(read_corrections.c.plate)) == "1A8C23"
    done = [each["action"] for each in recorded(engine)]
    assert [each for each in done if each.startswith("errors.")] == [
        "errors.report",
        "errors.list",
        "errors.accept",
        "errors.list",
        "errors.list",
    ]


@pytest.mark.policy("G-11")
def test_an_error_may_be_rejected_or_lead_to_disposal(
    data: AgencyData, officer: User, finder: User, engine: Engine
) -> None:
    read = sight(engine, "1ABC23", NOON)
    first = data.report(finder, read, "not a plate at all", "here")
    second = data.report(finder, read, "again", "here")
    with pytest.raises(AgencyError, match="reason"):
        data.reject(officer, first, " ", "here")
    data.reject(officer, first, "it is one", "here")
    for done in (first, 99):
        with pytest.raises(AgencyError, match="not one to agency salem-pd, or answered"):
            data.reject(officer, done, "again", "here")
    data.accept(officer, second, "a sign, indeed", "here", plate=None, state=None)
    with reading(engine) as connection:
        assert connection.execute(select(reads)).all() == []
    found = data.list_reports(finder, "here", answered_too=True)
    assert [(each.answer, each.error, each.answer_text) for each in found] == [
        ("rejected", None, None),
        ("disposed", None, None),
    ]


def test_what_went_with_an_answer_can_be_told_afterwards(
    data: AgencyData, officer: User, finder: User, engine: Engine, clock: Clock
) -> None:
    gone, corrected = (
        sight(engine, plate, NOON, seq=seq) for seq, plate in enumerate(("1A", "2B"))
    )
    for read, plate in ((gone, None), (corrected, "28")):
        number = data.report(finder, read, "wrong", "here")
        data.accept(officer, number, "so it is", "here", plate=plate, state=None)
    data.dispose(officer, [corrected], "no more use", "here")
    with reading(engine) as connection:
        duties = Duties.load(connection, RULE, shipped_rule)
        for read in (gone, corrected):
            answer = explain(connection, read, duties, clock())
            assert isinstance(answer, Gone)
            assert answer.owners == ("salem-pd",)
            assert f"{officer.name} ({officer.login}) of its owner disposed" in " ".join(
                words_of_gone(answer)
            )


@pytest.mark.policy("G-11")
def test_only_the_owner_answers_and_only_what_is_released_can_be_reported(
    data: AgencyData, officer: User, finder: User, engine: Engine
) -> None:
    read = sight(engine, "1ABC23", NOON)
    number = data.report(finder, read, "wrong", "here")
    with pytest.raises(AgencyError, match="not one to agency boston-pd"):
        data.accept(finder, number, "mine", "here", plate="1A8C23", state=None)
    data.withdraw(officer, [read], "ours alone", "here")
    for unseen in (read, uuid.uuid4()):
        with pytest.raises(AgencyError, match="not in the repository"):
            data.report(finder, unseen, "wrong", "here")
    assert data.report(officer, read, "our own error", "here") == number + 1


@pytest.mark.policy("G-11")
def test_an_error_unanswered_too_long_is_a_finding_until_it_is_answered(
    data: AgencyData, officer: User, finder: User, engine: Engine, clock: Clock
) -> None:
    number = data.report(finder, sight(engine, "1ABC23", NOON), "wrong", "here")

    def overdue() -> list[str]:
        with engine.begin() as connection:
            reports.find_overdue(connection, clock())
            return [each.detail for each in list_findings(connection)]

    clock.pass_(days=10)
    assert overdue() == []
    clock.pass_(seconds=1)
    (said,) = overdue()
    assert said == f"report {number} to agency salem-pd was to be answered by 2026-03-11"
    data.reject(officer, number, "it is right", "here")
    assert overdue() == []
