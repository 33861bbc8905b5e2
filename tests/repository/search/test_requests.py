"""Searches that people without access ask for, from the form to the answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.user import User
from repository.search.errors import ProposalError, SearchRefusedError
from repository.search.request_form import RequestForm
from repository.search.request_rows import SearchAskedFor
from repository.store.tables.search import search_runs
from tests.repository.people import recorded
from tests.repository.search.desk import FORM, Desk
from tests.repository.sightings import sight


def accepted(desk: Desk, administrator: User, form: RequestForm = FORM) -> SearchAskedFor:
    made = desk.requests.receive(administrator, form, "here")
    return desk.requests.decide(
        administrator, made.number, accept=True, reason="Called back, known", origin="here"
    )


@pytest.mark.policy("C-1e")
@pytest.mark.policy("M-C8")
@pytest.mark.policy("F-request")
@pytest.mark.policy("C-4b")
def test_a_request_goes_from_its_form_to_an_answer_that_is_kept(desk: Desk) -> None:
    administrator = desk.hire("admin", Role.ALPR_ADMINISTRATOR)
    read = sight(desk.engine, "1ABC20", desk.clock() - timedelta(hours=1))
    made = desk.requests.receive(administrator, FORM, "here")
    assert (made.asker_kind, made.decision, made.source) == (
        "non_contributing", None, "a witness wrote the plate down",
    )  # fmt: skip
    ask = {"on_request": made.number, "case_number": FORM.case_number, "facts": FORM.reason}
    with pytest.raises(ProposalError, match="not accepted"):
        desk.search(administrator, **ask)
    desk.requests.decide(
        administrator, made.number, accept=True, reason="Called back, known", origin="here"
    )
    with pytest.raises(ProposalError, match="decided already"):
        desk.requests.decide(administrator, made.number, accept=False, reason="No", origin="here")
    with pytest.raises(ProposalError, match="is for case 26-78"):
        desk.search(administrator, **ask | {"case_number": "24-1187"})
    with pytest.raises(NotAllowedError):
        desk.search(desk.officer, **ask)
    found = desk.search(administrator, **ask)
    assert [each.read_id for each in found.reads] == [read]
    assert recorded(desk.engine)[-1]["request"]["request"] == made.number
    with desk.engine.begin() as connection:
        run = connection.execute(select(search_runs)).one()
    assert (run.request_id, run.returned, run.ledger_index) == (made.number, 1, found.ledger_index)
    done = desk.requests.answer(
        administrator, made.number, "Seen once, on Essex Street", [read], "here"
    )
    assert (done.answer, done.matches) == ("Seen once, on Essex Street", 1)
    assert (done.handled_by_name, done.answered_by_name) == ("Officer admin", "Officer admin")
    with pytest.raises(ProposalError, match="answered already"):
        desk.search(administrator, **ask)
    with pytest.raises(ProposalError, match="answered already"):
        desk.requests.answer(administrator, made.number, "Again", [], "here")
    case = desk.case("26-78")
    assert [(each.kind, each.detail.get("done")) for each in case.events] == [
        ("request", "received"), ("request", "accepted"), ("answer", None),
    ]  # fmt: skip
    assert case.events[2].detail["answer"] == "Seen once, on Essex Street"
    assert len(case.searches) == 1


@pytest.mark.policy("F-second")
def test_a_possible_match_is_reviewed_by_a_second_person_before_it_is_reported(desk: Desk) -> None:
    administrator = desk.hire("admin", Role.ALPR_ADMINISTRATOR)
    exact, alike, other, third = (
        sight(desk.engine, plate, desk.clock() - timedelta(hours=1 + hours))
        for hours, plate in enumerate(("1ABC20", "1A8C20", "1ABC2O", "IABC20"))
    )
    elsewhere = sight(desk.engine, "9XYZ99", desk.clock() - timedelta(hours=1))
    number = accepted(desk, administrator).number
    ask = {"on_request": number, "case_number": "26-78", "facts": FORM.reason, "folded": True}
    assert len(desk.search(administrator, **ask).reads) == 4

    def answer(matches: list[UUID], why: str | None = None) -> SearchAskedFor:
        return desk.requests.answer(
            administrator, number, "Seen", matches, "here", not_practicable=why
        )

    with pytest.raises(ProposalError, match="no search under this request showed it"):
        answer([elsewhere])
    with pytest.raises(ProposalError, match=f"read {alike}: is no exact match"):
        answer([exact, alike])
    waiting = desk.requests.ask_review(administrator, number, alike, "here")
    with pytest.raises(ProposalError, match="waits for review"):
        desk.requests.ask_review(administrator, number, alike, "here")
    with pytest.raises(ProposalError, match="your own search"):
        desk.reviews.conclude(administrator, waiting.number, "match", "I looked", "here")
    with pytest.raises(NotAllowedError):
        desk.reviews.conclude(desk.officer, waiting.number, "match", "I looked", "here")
    with pytest.raises(ProposalError, match="is no exact match"):
        answer([exact, alike])
    second = desk.hire("second", Role.INVESTIGATOR)
    desk.reviews.conclude(second, waiting.number, "match", "The picture shows a B", "here")
    refused = desk.requests.ask_review(administrator, number, other, "here")
    desk.reviews.conclude(second, refused.number, "no_match", "It is an O", "here")
    with pytest.raises(ProposalError, match="a second person found that it is no match"):
        answer([exact, other], "Nobody is there")
    done = answer([exact, alike, third], "Nobody else is on duty tonight")
    assert (done.matches, done.reads) == (3, tuple(map(str, (exact, alike, third))))
    assert desk.requests.list(administrator, "here") == [done]
    shown = {each.read_id: each.shown for each in desk.reviews.list(second, "here")}
    assert (shown[alike] or {})["plate"] == "1A8C20"
    assert set(recorded(desk.engine)[-1]["request"]["reads_shown"]) == {
        str(each) for each in (alike, other, third)
    }
    auditor = desk.hire("auditor", Role.AUDITOR)
    assert {each.shown for each in desk.reviews.list(auditor, "here")} == {None}
    outcomes = {
        each.read_id: (each.outcome, each.reason) for each in desk.reviews.list(second, "here")
    }
    assert outcomes == {
        alike: ("match", "The picture shows a B"),
        other: ("no_match", "It is an O"),
        third: ("not_practicable", "Nobody else is on duty tonight"),
    }


@pytest.mark.policy("F-commercial")
@pytest.mark.policy("F-request")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sector": "insurer"}, "sector: .*private parties"),
        ({"ori": None}, "ori: missing"),
        ({"ori": "12345"}, "ori: "),
        ({"agency": " "}, "agency: "),
        ({"name": ""}, "name: "),
        ({"position": "\u2028"}, "position: "),
        ({"phone": "call me"}, "phone: "),
        ({"email": "roe@"}, "email: "),
        ({"case_number": "none"}, "case: "),
        ({"reason": "official business"}, "reason: "),
        ({"offence": ""}, "offence: "),
        ({"characteristics": "?"}, "characteristics: "),
        ({"source": "x\0"}, "source: "),
    ],
)
def test_a_form_that_lacks_something_or_comes_from_a_private_party_is_refused_on_the_record(
    small_desk: Desk, change: dict[str, str], message: str
) -> None:
    administrator = small_desk.hire("admin", Role.ALPR_ADMINISTRATOR)
    with pytest.raises(SearchRefusedError, match=message):
        small_desk.requests.receive(administrator, replace(FORM, **change), "here")
    entry = recorded(small_desk.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("request.receive", "refused")


@pytest.mark.policy("M-C8")
@pytest.mark.policy("C-1e")
def test_members_ask_their_administrator_and_others_through_theirs(small_desk: Desk) -> None:
    desk = small_desk
    own = replace(FORM, agency="salem-pd", ori=None)
    made = desk.requests.receive(desk.officer, own, "here")
    assert made.asker_kind == "own"
    with pytest.raises(NotAllowedError):
        desk.requests.receive(desk.officer, FORM, "here")
    with pytest.raises(NotAllowedError):
        desk.requests.decide(desk.officer, made.number, accept=True, reason="Mine", origin="here")
    administrator = desk.hire("admin", Role.ALPR_ADMINISTRATOR)
    from_boston = replace(FORM, agency="boston-pd", ori=None)
    assert desk.requests.receive(administrator, from_boston, "here").asker_kind == "contributing"
    mine = desk.requests.receive(administrator, own, "here")
    with pytest.raises(ProposalError, match="is your own"):
        desk.requests.decide(administrator, mine.number, accept=True, reason="Me", origin="here")
    denied = desk.requests.decide(
        administrator, made.number, accept=False, reason="No offence is named", origin="here"
    )
    assert (denied.decision, denied.decision_reason) == ("denied", "No offence is named")
    assert [each.number for each in desk.requests.list(desk.officer, "here")] == [made.number]
    assert len(desk.requests.list(administrator, "here", waiting=True)) == 2
    stranger = desk.hire("roe", Role.ALPR_ADMINISTRATOR, agency="boston-pd")
    messages = []
    for number in (made.number, 9999):
        with pytest.raises(ProposalError) as refused:
            desk.requests.answer(stranger, number, "Seen", [], "here")
        messages.append(str(refused.value).replace(str(number), "N"))
    assert messages[0] == messages[1]
    desk.rule(outside_requests=False)
    with pytest.raises(ProposalError, match="Ordinance 12"):
        desk.requests.receive(administrator, FORM, "here")
