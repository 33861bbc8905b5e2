"""A broad search runs when another person has approved that very search, and not otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from repository.accounts.errors import NotAllowedError, NotYetOpenError, SessionEndedError
from repository.accounts.roles import Role
from repository.audits.desk import AuditDesk
from repository.audits.present import audit_lines, file_as_mapping
from repository.audits.settings import AuditSettings
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.search import approvals, emergencies
from repository.search.asking import Asked, SearchRequest, TogetherRequest
from repository.search.cursor import Cursor
from repository.search.errors import ApprovalNeededError, ProposalError, SearchRefusedError
from repository.search.settings import SearchSettings
from repository.store.tables.search import search_runs
from tests.repository.people import LEDGER_KEY, LEDGER_ORIGIN, recorded
from tests.repository.search.desk import DECISION, REASON, Desk
from tests.repository.sightings import sight

EMERGENCY = "A child was pulled into a grey van on Derby Street ten minutes ago"
FORGED = Cursor(datetime(2999, 1, 1, tzinfo=UTC), UUID(int=2**128 - 1), 2**62)
"""After every read that there is: what goes on there begins anew."""
FOUND = "The van stood in Lynn, empty, and a neighbour had the child"


def test_a_broad_search_waits_for_its_approval_and_then_runs_so_often(desk: Desk) -> None:
    desk.settings = SearchSettings(approval_runs=2)
    for minutes in (10, 20, 30):
        sight(desk.engine, "1ABC20", desk.clock() - timedelta(minutes=minutes))
    broad = desk.broad(limit=2)
    with pytest.raises(ApprovalNeededError, match="more than 25 km²"):
        desk.searches.search(desk.officer, broad, "here")
    assert recorded(desk.engine)[-1]["outcome"] == "refused"
    made = desk.approvals.propose(desk.officer, broad, REASON, "here")
    assert (made.decision, made.runs_used) == (None, 0)
    assert made.request["criteria"]["radius_m"] == 5000.0
    assert made.request["purpose"]["facts"] == broad.facts
    with pytest.raises(ApprovalNeededError):
        desk.searches.search(desk.officer, broad, "here")
    done = desk.approvals.decide(
        desk.supervisor, made.number, approve=True, reason=DECISION, origin="here"
    )
    assert (done.decision, done.decided_by_name, done.runs_allowed) == (
        "approved", "Officer sroe", 2,
    )  # fmt: skip
    for changed in (
        {"radius_m": 5001.0}, {"facts": broad.facts + " on Sunday"}, {"case_number": "24-1188"},
        {"purpose": "wrongdoing"}, {"offence": "robbery"}, {"plate": "1*"}, {"hits_only": True},
    ):  # fmt: skip
        with pytest.raises(ApprovalNeededError):
            desk.searches.search(desk.officer, replace(broad, **changed), "here")
    with pytest.raises(ApprovalNeededError):
        desk.searches.search(desk.supervisor, broad, "here")
    first = desk.searches.search(desk.officer, broad, "here")
    assert len(first.reads) == 2
    entry = recorded(desk.engine)[-1]
    assert (entry["outcome"], entry["request"]["approval"]) == ("done", made.number)
    for _ in range(2):
        rest = desk.searches.search(desk.officer, replace(broad, after=first.next), "here")
        assert len(rest.reads) == 1
    desk.searches.search(desk.officer, replace(broad, limit=100), "here")
    with pytest.raises(ApprovalNeededError):
        desk.searches.search(desk.officer, broad, "here")
    (listed,) = desk.approvals.list(desk.officer, "here")
    assert listed.runs_used == 2
    with desk.engine.begin() as connection:
        runs = connection.execute(select(search_runs.c.approval_id, search_runs.c.returned)).all()
    assert runs == [(made.number, 2), (made.number, 1), (made.number, 1), (made.number, 3)]


@pytest.mark.policy("C-1a")
def test_a_window_into_the_future_is_looked_at_as_often_as_approved_and_never_watched(
    desk: Desk,
) -> None:
    desk.settings = SearchSettings(approval_runs=2)
    tonight = desk.broad(end=(desk.clock() + timedelta(hours=20)).isoformat(), limit=1)
    desk.approve(tonight)
    for number in range(2):
        sight(desk.engine, f"1ABC2{number}", desk.clock() - timedelta(minutes=1))
        found = desk.searches.search(desk.officer, tonight, "here")
        assert [each.plate for each in found.reads] == [f"1ABC2{number}"]
        desk.clock.pass_(minutes=20)
    sight(desk.engine, "1ABC29", desk.clock() - timedelta(minutes=1))
    with pytest.raises(ApprovalNeededError):
        desk.searches.search(desk.officer, tonight, "here")
    with pytest.raises(SearchRefusedError, match="after: expected what an answer to this very"):
        desk.searches.search(desk.officer, replace(tonight, after=str(FORGED)), "here")
    page = desk.searches.search(desk.officer, replace(tonight, after=found.next), "here")
    assert [each.plate for each in page.reads] == ["1ABC20"]


@pytest.mark.policy("C-1a")
def test_a_page_goes_on_where_an_answer_to_the_same_persons_same_question_ended(
    desk: Desk,
) -> None:
    for minutes in (10, 20):
        sight(desk.engine, "1ABC20", desk.clock() - timedelta(minutes=minutes))
    narrow = desk.asked(limit=1)
    given = desk.searches.search(desk.officer, narrow, "here").next
    assert given is not None
    cursor = Cursor.of(given)
    for forged in (
        FORGED,
        replace(cursor, captured_at=cursor.captured_at + timedelta.resolution),
        replace(cursor, read_id=UUID(int=cursor.read_id.int + 1)),
        replace(cursor, unit_id=cursor.unit_id + 1),
    ):
        with pytest.raises(SearchRefusedError, match="after: "):
            desk.searches.search(desk.officer, replace(narrow, after=str(forged)), "here")
        assert recorded(desk.engine)[-1]["outcome"] == "refused"
    elsewhere = desk.hire("eve", Role.OFFICER, agency="boston-pd")
    for user, changed in (
        (desk.hire("apoe", Role.OFFICER), {}),
        (elsewhere, {}),
        (desk.officer, {"plate": "1ABC2*"}),
        (desk.officer, {"hits_only": True}),
        (desk.officer, {"case_number": "24-1188"}),
    ):
        with pytest.raises(SearchRefusedError, match="after: "):
            desk.searches.search(user, replace(narrow, after=given, **changed), "here")
    page = desk.searches.search(desk.officer, replace(narrow, after=given, limit=9), "here")
    assert (len(page.reads), page.next) == (1, None)


@pytest.mark.policy("F-audit")
def test_an_audit_tells_who_approved_a_broad_search_and_why(small_desk: Desk) -> None:
    desk = small_desk
    desk.approve(desk.broad())
    desk.searches.search(desk.officer, desk.broad(), "here")
    desk.clock.pass_(minutes=1)
    head = desk.hire("chief", Role.AGENCY_HEAD)
    audits = AuditDesk(desk.engine, desk.clock, AuditSettings())
    before = desk.clock() - timedelta(days=1)
    number = audits.start(head, "salem-pd", before, desk.clock(), "A complaint", "here")
    ledger = Ledger(desk.engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), desk.clock)
    Signer(ledger, LEDGER_KEY).sign_checkpoint()
    file = audits.show(head, number, "here")
    told = "\n".join(audit_lines(file, desk.clock()))
    assert "    every plate within 5 km of 42.5195, -70.8967, from 20" in told
    at = r"on 2026-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(rf"approval 1: proposed by Officer jdoe {at}, since .* km².*: {REASON}", told)
    assert re.search(rf"    approved by Officer sroe {at}: {DECISION}", told)
    (approval,) = file_as_mapping(file)["approvals"]
    assert (approval["decision_reason"], approval["decided_by_name"]) == (DECISION, "Officer sroe")


@pytest.mark.policy("G-8")
@pytest.mark.parametrize("approve", [True, False])
@pytest.mark.parametrize("reason", ["ok", "", "approved as requested, police business"])
def test_who_decides_says_as_much_as_who_proposed(
    small_desk: Desk, approve: bool, reason: str
) -> None:
    desk = small_desk
    made = desk.approvals.propose(desk.officer, desk.broad(), REASON, "here")
    with pytest.raises(
        SearchRefusedError, match=r"reason: say in words why you approve .* least 4"
    ):
        desk.approvals.decide(
            desk.supervisor, made.number, approve=approve, reason=reason, origin="here"
        )
    assert recorded(desk.engine)[-1]["outcome"] == "refused"
    (waiting,) = desk.approvals.list(desk.supervisor, "here", waiting=True)
    assert waiting.decision is None


def test_an_approval_is_good_for_its_time(small_desk: Desk) -> None:
    desk, broad = small_desk, small_desk.broad()
    desk.approve(broad)
    desk.clock.pass_(hours=24)
    with pytest.raises(ApprovalNeededError):
        desk.searches.search(desk.officer, broad, "here")
    desk.approve(broad)
    desk.searches.search(desk.officer, broad, "here")


def test_nobody_decides_on_their_own_twice_or_for_another_agency(desk: Desk) -> None:
    own = desk.approvals.propose(desk.supervisor, desk.broad(), REASON, "here")
    stranger = desk.hire("boss", Role.SUPERVISOR, agency="boston-pd")
    messages = []
    for user, number, refusal in (
        (desk.supervisor, own.number, ProposalError),
        (desk.officer, own.number, NotAllowedError),
        (stranger, own.number, ProposalError),
        (stranger, 2**31 - 1, ProposalError),
    ):
        with pytest.raises(refusal) as refused:
            desk.approvals.decide(user, number, approve=True, reason="It is well", origin="here")
        messages.append(str(refused.value).replace(str(number), "N"))
    assert messages[2] == messages[3]
    second = desk.hire("chief", Role.AGENCY_HEAD)
    desk.approvals.decide(second, own.number, approve=False, reason=DECISION, origin="here")
    with pytest.raises(ProposalError, match="was decided already"):
        desk.approvals.decide(second, own.number, approve=True, reason=DECISION, origin="here")
    with pytest.raises(ApprovalNeededError):
        desk.searches.search(desk.supervisor, desk.broad(), "here")
    assert desk.approvals.list(stranger, "here") == desk.approvals.list(desk.officer, "here") == []
    assert [each.decision for each in desk.approvals.list(second, "here")] == ["denied"]


@pytest.mark.parametrize(
    ("request_", "reason", "message"),
    [
        ({}, REASON, "needs none"),
        ({"radius_m": 5000.0, "plate": None}, "needed", "reason: "),
        ({"radius_m": 5000.0, "plate": None, "facts": "none"}, REASON, "facts: "),
        ({"radius_m": 5000.0, "plate": None, "emergency": EMERGENCY}, REASON, "emergency: "),
    ],
)
def test_a_proposal_is_a_search_that_lacks_its_approval_alone(
    small_desk: Desk, request_: dict[str, object], reason: str, message: str
) -> None:
    asked = small_desk.asked(**{"near": "42.5,-70.9", "radius_m": 10.0} | request_)
    with pytest.raises(SearchRefusedError, match=message):
        small_desk.approvals.propose(small_desk.officer, asked, reason, "here")
    entry = recorded(small_desk.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("search.propose", "refused")


def test_a_search_that_may_come_to_many_reads_is_broad(desk: Desk) -> None:
    desk.settings = SearchSettings(broad_reads=3)
    for minutes in range(4):
        sight(desk.engine, f"{minutes}ABC20", desk.clock() - timedelta(minutes=1 + minutes))
    place = {"near": "42.5195,-70.8967", "radius_m": 100.0}
    narrow: dict[str, Any] = {"plate": None, "start": _ago(desk, 3.5), "limit": 1, **place}
    desk.search(**narrow)
    with pytest.raises(ApprovalNeededError, match="more than 3 reads"):
        desk.search(**narrow | {"start": _ago(desk, 5)})
    desk.search(plate="1ABC20")


def test_a_part_of_a_plate_needs_a_place_or_a_short_time_or_an_approval(desk: Desk) -> None:
    sight(desk.engine, "1ABC20", desk.clock() - timedelta(minutes=1))
    day = 24 * 60
    wide: dict[str, Any] = {"plate": "1ABC*", "start": _ago(desk, 32 * day)}
    with pytest.raises(ApprovalNeededError, match="more than 31 days and every place"):
        desk.search(**wide)
    with pytest.raises(ApprovalNeededError, match="more than 31 days and more than 25 km"):
        desk.search(**wide, near="42.5195,-70.8967", radius_m=3000.0)
    for narrower in (
        wide | {"start": _ago(desk, 31 * day)},
        wide | {"near": "42.5195,-70.8967", "radius_m": 250.0},
    ):
        assert [each.plate for each in desk.search(**narrower).reads] == ["1ABC20"]
    desk.approve(desk.asked(**wide))
    assert len(desk.searches.search(desk.officer, desk.asked(**wide), "here").reads) == 1


def _ago(desk: Desk, minutes: float) -> str:
    return (desk.clock() - timedelta(minutes=minutes)).isoformat()


@pytest.mark.policy("F-emergency")
def test_an_emergency_runs_at_once_and_is_reviewed_by_a_supervisor_in_time(desk: Desk) -> None:
    sight(desk.engine, "1ABC20", desk.clock() - timedelta(minutes=10))
    sight(desk.engine, "1ABC21", desk.clock() - timedelta(minutes=20))
    urgent = desk.broad(emergency=EMERGENCY, limit=1)
    with pytest.raises(SearchRefusedError, match="emergency: "):
        desk.searches.search(desk.officer, desk.broad(emergency="urgent"), "here")
    made = desk.searches.search(desk.officer, urgent, "here")
    assert made.emergency_review is not None
    page = desk.searches.search(desk.officer, replace(urgent, after=made.next), "here")
    assert page.emergency_review is None
    again = desk.searches.search(desk.officer, replace(urgent, hits_only=True), "here")
    anew = desk.searches.search(desk.officer, urgent, "here")
    with pytest.raises(SearchRefusedError, match="after: "):
        desk.searches.search(desk.officer, replace(urgent, after=str(FORGED)), "here")
    other = replace(urgent, radius_m=4000.0)
    beside = desk.searches.search(desk.officer, other, "here")
    number = made.emergency_review
    assert recorded(desk.engine)[-1]["request"]["emergency"] == EMERGENCY
    numbers = [each.emergency_review for each in (made, again, anew, beside)]
    told = [("emergency_search", f"review {each}") for each in numbers]
    assert desk.findings() == told
    waiting = desk.reviews.list(desk.supervisor, "here", waiting=True)
    assert {each.number for each in waiting} == set(numbers)
    assert {each.emergency for each in waiting} == {EMERGENCY}
    desk.clock.pass_(hours=73)
    with desk.engine.begin() as connection:
        emergencies.find_overdue(connection, desk.clock())
    assert ("emergency_unreviewed", f"review {number}") in desk.findings()
    for user, outcome, refusal in (
        (desk.officer, "justified", NotAllowedError),
        (desk.supervisor, "match", ProposalError),
        (desk.hire("boss", Role.SUPERVISOR, agency="boston-pd"), "justified", ProposalError),
    ):
        with pytest.raises(refusal):
            desk.reviews.conclude(user, number, outcome, "The van was found", "here")
    for outcome in ("justified", "unjustified"):
        with pytest.raises(SearchRefusedError, match=r"reason: .* why it was an emergency"):
            desk.reviews.conclude(desk.supervisor, number, outcome, "ok", "here")
    done = desk.reviews.conclude(desk.supervisor, number, "justified", FOUND, "here")
    assert (done.outcome, done.reviewed_by_name) == ("justified", "Officer sroe")
    assert {subject for _, subject in desk.findings()} == {f"review {each}" for each in numbers[1:]}
    with pytest.raises(ProposalError, match="concluded already"):
        desk.reviews.conclude(desk.supervisor, number, "unjustified", FOUND, "here")


@pytest.mark.policy("F-emergency")
@pytest.mark.policy("G-8")
def test_an_emergency_that_was_none_is_reported_as_misuse(small_desk: Desk) -> None:
    desk = small_desk
    own = desk.searches.search(desk.supervisor, desk.broad(emergency=EMERGENCY), "here")
    with pytest.raises(ProposalError, match="your own search"):
        desk.reviews.conclude(desk.supervisor, own.emergency_review or 0, "justified", "I", "here")
    made = desk.searches.search(desk.officer, desk.broad(emergency=EMERGENCY), "here")
    desk.reviews.conclude(desk.supervisor, made.emergency_review or 0, "unjustified", FOUND, "here")
    entry = recorded(desk.engine)[-1]
    assert entry["action"] == "search.review"
    assert isinstance(entry["request"]["misuse_report"], int)


def test_a_proposal_that_waits_too_long_is_a_finding_until_it_is_decided(small_desk: Desk) -> None:
    desk = small_desk
    made = desk.approvals.propose(desk.officer, desk.broad(), REASON, "here")
    for hours, found in ((23, []), (2, [("approval_waiting", f"approval {made.number}")])):
        desk.clock.pass_(hours=hours)
        with desk.engine.begin() as connection:
            approvals.find_waiting(connection, desk.clock(), timedelta(hours=24))
        assert desk.findings() == found
    desk.approvals.decide(
        desk.supervisor, made.number, approve=False, reason=DECISION, origin="here"
    )
    assert desk.findings() == []


@pytest.mark.policy("C-1b")
@pytest.mark.policy("C-5d")
@pytest.mark.policy("M-V-B1")
def test_who_may_not_search_is_refused_on_the_record(small_desk: Desk) -> None:
    desk = small_desk
    untrained = desk.hire("new", Role.OFFICER, trained=False)
    auditor = desk.hire("audit", Role.AUDITOR)
    for user, refusal in ((untrained, NotYetOpenError), (auditor, NotAllowedError)):
        for request in (desk.asked(), desk.broad(emergency=EMERGENCY)):
            with pytest.raises(refusal):
                desk.searches.search(user, request, "here")
            assert recorded(desk.engine)[-1]["outcome"] == "refused"
        with pytest.raises(refusal):
            desk.approvals.propose(user, desk.broad(), REASON, "here")
    with pytest.raises(SessionEndedError):
        desk.approvals.decide(
            replace(desk.supervisor, id=desk.officer.id.__class__(int=7)),
            1, approve=True, reason="It is well", origin="here",
        )  # fmt: skip


@pytest.mark.policy("F-local")
def test_an_agencys_own_rule_binds_its_people_and_guards_its_reads(desk: Desk) -> None:
    sight(desk.engine, "1ABC20", desk.clock() - timedelta(hours=1))
    old = sight(desk.engine, "1ABC20", desk.clock() - timedelta(hours=30), unit=2)
    stranger = desk.hire("roe", Role.OFFICER, agency="boston-pd")
    desk.rule(purposes=("court_order",), broad_plate_span_days=1)
    with pytest.raises(SearchRefusedError, match=r"purpose: .*Ordinance 12.* only court_order"):
        desk.search()
    assert [each.read_id for each in desk.search(stranger).reads] == [old]
    order: dict[str, Any] = {"purpose": "court_order", "court_order": "Essex 24-3"}
    with pytest.raises(ApprovalNeededError, match="more than 1 days"):
        desk.search(**order)
    assert len(desk.search(stranger, **order).reads) == 2
    desk.rule("boston-pd", oldest_days=1, approval_always=True)
    day = (desk.clock() - timedelta(hours=23)).isoformat()
    assert len(desk.search(start=day, **order).reads) == 1
    with pytest.raises(ApprovalNeededError, match="Ordinance 12"):
        desk.search(stranger, start=day)
    with desk.engine.begin() as connection:
        assert connection.scalar(select(search_runs.c.ledger_index).limit(1)) is not None


def test_a_criminal_investigation_names_the_crime_where_that_is_asked_for(
    small_desk: Desk,
) -> None:
    small_desk.settings = SearchSettings(offence_required=True)
    with pytest.raises(SearchRefusedError, match="offence: missing"):
        small_desk.search()
    small_desk.search(purpose="wrongdoing")
    small_desk.search(offence="armed  robbery")
    with small_desk.engine.begin() as connection:
        rows = connection.execute(
            select(
                search_runs.c.offence,
                search_runs.c.user_name,
                search_runs.c.user_position,
                search_runs.c.database,
            ).order_by(search_runs.c.ledger_index)
        ).all()
    assert rows[1] == ("armed robbery", "Officer jdoe", "Sergeant", "licence plate reads")
    assert rows[0][0] is None


def test_a_question_is_the_same_whatever_its_page_and_no_other(small_desk: Desk) -> None:
    def digest(request: SearchRequest | TogetherRequest) -> str:
        return Asked.of(request).digest

    search, association = small_desk.asked(), small_desk.association()
    assert digest(search) == digest(replace(search, limit=1, facts=search.facts + "  "))
    assert digest(search) == digest(replace(search, emergency=EMERGENCY))
    others = {
        digest(each)
        for each in (
            search, replace(search, plate="1ABC21"), replace(search, on_request=1),
            replace(search, second_guesses=True), replace(search, end=association.start,
            start="2026-02-01T00:00:00Z"), association, replace(association, times=4),
        )
    }  # fmt: skip
    assert len(others) == 7
