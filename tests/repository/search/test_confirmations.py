"""A read is confirmed with the agency that made it, and the answer is kept."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.search.errors import SearchRefusedError
from tests.repository.people import recorded
from tests.repository.search.desk import Desk
from tests.repository.sightings import RULE, sight


@pytest.mark.policy("C-6b")
def test_what_the_source_agency_said_is_kept_with_the_case(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", desk.clock() - timedelta(hours=1), unit=2)

    def confirm(**changes: str) -> object:
        said = {"spoke_with": "Dispatcher  Roe", "answer": "confirmed", "note": ""} | changes
        return desk.confirmations.confirm(desk.officer, read, "24-1187", origin="here", **said)

    confirm()
    entry = recorded(desk.engine)[-1]
    assert (entry["action"], entry["request"]["source_agency"]) == ("read.confirm", "boston-pd")
    confirm(answer="wrong", note="The car was sold")
    last, first = desk.confirmations.of_read(desk.officer, read, "here")
    assert (first.answer, first.spoke_with, first.confirmed_by_name, first.case_number) == (
        "confirmed", "Dispatcher Roe", "Officer jdoe", "24-1187",
    )  # fmt: skip
    assert (last.answer, last.note, last.source_agency) == (
        "wrong",
        "The car was sold",
        "boston-pd",
    )
    case = desk.case("24-1187")
    assert [each.detail["answer"] for each in case.events] == ["confirmed", "wrong"]
    for changed, message in (
        ({"answer": "maybe"}, "answer: "),
        ({"spoke_with": " "}, "spoke_with: "),
        ({"note": "x\0"}, "note: "),
    ):
        with pytest.raises(SearchRefusedError, match=message):
            confirm(**changed)
        assert recorded(desk.engine)[-1]["outcome"] == "refused"
    stranger = desk.hire("roe", Role.OFFICER, agency="boston-pd")
    assert desk.confirmations.of_read(stranger, read, "here") == []
    with pytest.raises(NotAllowedError):
        desk.confirmations.of_read(desk.hire("audit", Role.AUDITOR), read, "here")


def test_a_read_that_may_not_be_seen_is_refused_as_one_that_is_not_there(desk: Desk) -> None:
    expired = sight(desk.engine, "1ABC20", RULE.expired_before(desk.clock(), hit=False) - DAY)
    closed = sight(desk.engine, "1ABC20", desk.clock() - 2 * DAY, unit=2)
    desk.rule("boston-pd", oldest_days=1)
    messages = set()
    for read in (expired, closed, uuid.UUID(int=7)):
        with pytest.raises(SearchRefusedError) as refused:
            desk.confirmations.confirm(
                desk.officer, read, "24-1187", spoke_with="Roe", answer="confirmed", note="",
                origin="here",
            )  # fmt: skip
        messages.add(str(refused.value))
    assert len(messages) == 1


DAY = timedelta(days=1)
