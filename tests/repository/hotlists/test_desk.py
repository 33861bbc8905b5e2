"""Entries by hand: proposed with authority and a reason, checked by a second, ended at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from edge.contract.hotlist import HotlistEntry, verify_manifest
from repository.accounts.errors import NotYetOpenError, SessionEndedError
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.hotlists import upkeep, versions
from repository.hotlists.desk import ListDesk
from repository.hotlists.entry_present import entry_lines
from repository.hotlists.entry_request import TypedEntry
from repository.hotlists.errors import EntryRefusedError, UnknownListError
from repository.hotlists.publish import Publisher
from repository.store.engine import reading
from repository.units import findings
from tests.repository.hotlists.conftest import SETTINGS, employ
from tests.repository.listing import SIGNER
from tests.repository.people import OPERATOR, Clock, recorded, train
from tests.whole_lists import decode_list

LIST = "bolo"
TYPED = TypedEntry(
    plate="1abc-23",
    state="ma",
    kind="amber_alert",
    priority=1,
    note="Grey van, one child",
    reason="AMBER alert of 1 March, father took the child",
    authorized_by="Ann Poe",
    rank="captain",
    expires=datetime(2026, 3, 20, tzinfo=UTC),
)


def listed(engine: Engine) -> list[HotlistEntry]:
    """What units get, verified as they do."""
    with reading(engine) as connection:
        try:
            newest = versions.newest(connection, "salem-pd", LIST)
        except UnknownListError:
            return []
        verify_manifest(newest.manifest, SIGNER.public_key())
        return list(decode_list(b"".join(newest.file(connection))))


def plates(engine: Engine) -> list[str]:
    return [each.plate for each in listed(engine)]


def last(engine: Engine, action: str) -> dict[str, Any]:
    return next(each for each in reversed(recorded(engine)) if each["action"] == action)


@pytest.mark.policy("M-E2")
@pytest.mark.policy("M-E4")
def test_an_entry_alerts_once_a_second_person_checked_it_and_the_ledger_says_who(
    engine: Engine, desk: ListDesk, officer: User, second: User
) -> None:
    act = desk.propose(officer, LIST, TYPED, "test")
    assert (act.version, act.entry.state(desk.clock()), plates(engine)) == (None, "proposed", [])
    desk.propose(officer, LIST, replace(TYPED, plate="9XYZ88"), "test")
    done = desk.confirm(second, act.entry.id, "test")
    assert (done.version, done.entry.state(desk.clock())) == (1, "active")
    (entry,) = listed(engine)
    assert (entry.entry, entry.plate, entry.state, entry.kind, entry.note) == (
        f"manual:{act.entry.id}", "1ABC23", "MA", "amber_alert", "Grey van, one child",
    )  # fmt: skip
    assert entry.expires == TYPED.expires
    proposed = last(engine, "hotlist.entry.propose")
    assert proposed["actor"]["name"] == "Officer jdoe"
    assert proposed["request"]["entry"]["reason_given"] == TYPED.reason
    assert last(engine, "hotlist.entry.confirm")["actor"]["name"] == "Officer apoe"
    assert last(engine, "hotlist.issue")["actor"]["login"] == "apoe"


@pytest.mark.policy("M-E2")
def test_nobody_is_their_own_second_person_and_no_stranger_is_one(
    engine: Engine, desk: ListDesk, officer: User, second: User, stranger: User
) -> None:
    number = desk.propose(officer, LIST, TYPED, "test").entry.id
    with pytest.raises(EntryRefusedError, match="a second person must check it"):
        desk.confirm(officer, number, "test")
    with pytest.raises(EntryRefusedError, match="boston-pd has none of that id"):
        desk.confirm(stranger, number, "test")
    assert plates(engine) == []
    refused = last(engine, "hotlist.entry.confirm")
    assert (refused["outcome"], refused["actor"]["login"]) == ("refused", "bkey")
    desk.confirm(second, number, "test")
    with pytest.raises(EntryRefusedError, match="is active already"):
        desk.confirm(second, number, "test")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"rank": "Patrol Officer"}, "rank: a plate is entered only when a person of the command"),
    ({"rank": ""}, "rank: missing"),
    ({"authorized_by": "  "}, "authorized by: missing"),
    ({"reason": ""}, "reason: document in 3 words or more"),
    ({"reason": "because so"}, "reason: document in 3 words or more"),
    ({"reason": "x " * 1000}, "reason: at most"),
    ({"kind": "grudge"}, "kind: expected one of"),
    ({"priority": 6}, "priority: expected"),
    ({"expires": None}, "expires: an entry by hand needs the moment"),
    ({"expires": datetime(2026, 3, 20)}, "expires: an entry by hand needs"),  # noqa: DTZ001
    ({"expires": datetime(2026, 3, 1, tzinfo=UTC)}, "expires: must lie ahead, and at most 90"),
    ({"expires": datetime(2026, 5, 31, tzinfo=UTC)}, "expires: must lie ahead, and at most 90"),
    ({"plate": "A*"}, "plate: names fewer than 3 characters"),
    ({"plate": ""}, "plate: has no letter or digit"),
    ({"state": "Mass"}, "state: is not a two-letter code"),
    ({"note": "n" * 501}, "note: at most 500"),
    ({"note": "a\x00b"}, "note: at most 500 characters of text"),
    ({"replaces": 77}, "entry manual:77: salem-pd has none"),
    ({"replaces": 2**70}, "salem-pd has none"),
]


@pytest.mark.policy("M-E1")
def test_what_is_not_authorized_or_not_documented_is_refused_on_the_record(
    engine: Engine, desk: ListDesk, officer: User
) -> None:
    for change, said in REFUSED:
        with pytest.raises(EntryRefusedError, match=said):
            desk.propose(officer, LIST, replace(TYPED, **change), "test")
    assert desk.show(officer, None, "test") == []
    refused = [each for each in recorded(engine) if each["action"] == "hotlist.entry.propose"]
    assert {each["outcome"] for each in refused} == {"refused"}
    for each, (_, said) in zip(refused, REFUSED, strict=True):
        assert said.partition(":")[0] in each["request"]["reason"]


@pytest.mark.policy("M-E1")
def test_the_authorizing_person_is_kept_with_name_rank_and_account(
    engine: Engine, desk: ListDesk, officer: User
) -> None:
    desk.propose(officer, LIST, TYPED, "test")
    (entry,) = desk.show(officer, LIST, "test")
    assert (entry.authorized_by_name, entry.authorized_by_rank) == ("Ann Poe", "Captain")
    assert entry.authorized_by_login == "annpoe"
    assert "(by the account annpoe)" in entry_lines(entry, desk.clock())[2]
    assert last(engine, "hotlist.entry.propose")["request"]["authority"] == "by the account annpoe"
    assert desk.show(officer, "other", "test") == []


@pytest.mark.policy("M-E1")
def test_nobody_authorizes_who_by_their_account_is_of_no_command_position(
    engine: Engine, desk: ListDesk, officer: User, clock: Clock
) -> None:
    employ(engine, "poe2", 1, "salem-pd", clock, name="Ann Poe", position="Major")
    for named, rank, said in (
        ("Officer jdoe", "Captain", r"authorized by: Officer jdoe \(jdoe\) has by their account: "),
        ("JDOE", "Captain", "their account: Officer; a plate is entered only when a person of the"),
        ("ann  poe", "Captain", "several are of that name; give a login: annpoe, poe2"),
        ("poe2", "Captain", r"rank: Ann Poe \(poe2\) is Major by their account"),
    ):
        with pytest.raises(EntryRefusedError, match=said):
            desk.propose(officer, LIST, replace(TYPED, authorized_by=named, rank=rank), "test")
    desk.propose(officer, LIST, replace(TYPED, authorized_by="poe2", rank="major"), "test")


@pytest.mark.policy("M-E1")
def test_an_authority_that_was_only_told_wants_a_second_person_of_command(
    engine: Engine, desk: ListDesk, officer: User, second: User, captain: User
) -> None:
    told = replace(TYPED, authorized_by="Donald Duck", rank="Chief")
    number = desk.propose(officer, LIST, told, "test").entry.id
    with pytest.raises(EntryRefusedError, match=r"told and not signed.* of the command position"):
        desk.confirm(second, number, "test")
    assert plates(engine) == []
    done = desk.confirm(captain, number, "test")
    assert plates(engine) == ["1ABC23"]
    said = "told, not signed: no account of the agency"
    assert said in entry_lines(done.entry, desk.clock())[2]
    assert last(engine, "hotlist.entry.propose")["request"]["authority"] == said
    assert last(engine, "hotlist.entry.confirm")["request"]["authority"] == said


@pytest.mark.policy("M-E1")
def test_who_is_of_the_command_position_may_authorize_what_they_enter_or_check(
    engine: Engine, desk: ListDesk, officer: User, captain: User
) -> None:
    own = desk.propose(captain, LIST, TYPED, "test").entry
    with pytest.raises(EntryRefusedError, match="a second person must check it"):
        desk.confirm(captain, own.id, "test")
    desk.confirm(officer, own.id, "test")
    theirs = desk.propose(officer, LIST, replace(TYPED, plate="9XYZ88"), "test").entry
    desk.confirm(captain, theirs.id, "test")
    assert plates(engine) == ["1ABC23", "9XYZ88"]


@pytest.mark.policy("C-1b")
@pytest.mark.policy("M-C3")
def test_whose_training_has_lapsed_neither_sees_nor_changes_entries(
    engine: Engine, desk: ListDesk, officer: User, second: User, clock: Clock
) -> None:
    new = employ(engine, "newo", 1, "salem-pd", clock, trained=False)
    waits = desk.propose(officer, LIST, TYPED, "test").entry.id
    alerts = desk.propose(officer, LIST, replace(TYPED, plate="9XYZ88"), "test").entry.id
    desk.confirm(second, alerts, "test")
    acts: dict[str, Callable[[User], object]] = {
        "propose": lambda user: desk.propose(user, LIST, TYPED, "test"),
        "confirm": lambda user: desk.confirm(user, waits, "test"),
        "review": lambda user: desk.review(user, alerts, "child is still missing", "test"),
        "list": lambda user: desk.show(user, None, "test"),
    }
    for action, act in acts.items():
        with pytest.raises(NotYetOpenError, match="your training is missing or out of date"):
            act(new)
        refused = last(engine, f"hotlist.entry.{action}")
        assert (refused["outcome"], refused["actor"]["login"]) == ("refused", "newo")
    assert plates(engine) == ["9XYZ88"]
    clock.pass_(days=1)
    train(engine, new, clock())
    for act in acts.values():
        act(new)


@pytest.mark.policy("M-E3")
def test_what_rings_wrongly_is_stopped_by_whoever_may_enter_it_trained_or_not(
    engine: Engine, desk: ListDesk, officer: User, second: User, clock: Clock
) -> None:
    new = employ(engine, "newo", 1, "salem-pd", clock, trained=False)
    made = desk.propose(officer, LIST, TYPED, "test").entry
    desk.confirm(second, made.id, "test")
    assert desk.cancel(new, LIST, made.label, "child is safe at home", "test") == 2
    assert plates(engine) == []


@pytest.mark.policy("M-E3")
def test_an_entry_that_is_recovered_or_changed_leaves_the_units_at_once(
    engine: Engine, desk: ListDesk, officer: User, second: User
) -> None:
    first = desk.propose(officer, LIST, TYPED, "test").entry
    desk.confirm(second, first.id, "test")
    changed = desk.propose(
        second, LIST, replace(TYPED, plate="9XYZ88", replaces=first.id), "test"
    ).entry
    assert plates(engine) == ["1ABC23"]
    desk.confirm(officer, changed.id, "test")
    assert plates(engine) == ["9XYZ88"]
    assert desk.cancel(officer, LIST, changed.label, "child is safe at home", "test") == 3
    assert plates(engine) == []
    states = [each.state(desk.clock()) for each in desk.show(officer, LIST, "test")]
    assert states == ["ended", "ended"]
    assert [each.end_reason for each in desk.show(officer, LIST, "test")] == [
        f"replaced by {changed.label}", "child is safe at home",
    ]  # fmt: skip
    with pytest.raises(EntryRefusedError, match="is ended already"):
        desk.cancel(officer, LIST, changed.label, "child is safe at home", "test")


def test_two_changes_of_one_entry_do_not_both_end_it(
    desk: ListDesk, officer: User, second: User
) -> None:
    first = desk.propose(officer, LIST, TYPED, "test").entry
    desk.confirm(second, first.id, "test")
    one, other = (
        desk.propose(officer, LIST, replace(TYPED, replaces=first.id), "test").entry
        for _ in range(2)
    )
    desk.confirm(second, one.id, "test")
    with pytest.raises(
        EntryRefusedError, match=f"{first.label}, which it was to replace, is ended"
    ):
        desk.confirm(second, other.id, "test")


def test_a_proposal_may_be_refused_by_either_and_issues_nothing(
    engine: Engine, desk: ListDesk, officer: User, second: User
) -> None:
    for person in (officer, second):
        entry = desk.propose(officer, LIST, TYPED, "test").entry
        assert desk.cancel(person, LIST, entry.label, "plate was misheard", "test") is None
        with pytest.raises(EntryRefusedError, match="is refused already"):
            desk.confirm(second, entry.id, "test")
    assert plates(engine) == []


def test_an_entry_of_another_list_or_agency_is_not_ended(
    desk: ListDesk, officer: User, second: User, stranger: User
) -> None:
    entry = desk.propose(officer, LIST, TYPED, "test").entry
    desk.confirm(second, entry.id, "test")
    desk.propose(officer, "atl", TYPED, "test")
    desk.propose(stranger, LIST, TYPED, "test")
    with pytest.raises(EntryRefusedError):
        desk.cancel(officer, "atl", entry.label, "no longer looked for", "test")
    with pytest.raises(EntryRefusedError):
        desk.cancel(stranger, LIST, entry.label, "no longer looked for", "test")
    assert [each.agency for each in desk.show(stranger, None, "test")] == ["boston-pd"]


@pytest.mark.policy("M-E3")
def test_reviews_come_due_are_kept_and_become_findings(
    engine: Engine, desk: ListDesk, officer: User, second: User, publisher: Publisher, clock: Clock
) -> None:
    def waits() -> list[tuple[str, str]]:
        with engine.begin() as connection:
            upkeep.tend(connection, lambda: publisher, SETTINGS, clock())
            found = [each.what for each in upkeep.due(connection, clock(), "salem-pd")]
            raised = [each.detail for each in findings.list_findings(connection)]
        return list(zip(found, raised, strict=False)) or [(each, "") for each in found]

    entry = desk.propose(officer, LIST, TYPED, "test").entry
    assert waits() == [("check", "")]
    clock.pass_(days=1)
    assert waits()[0][1].startswith(f"entry {entry.label} waits for a second person's check")
    desk.confirm(second, entry.id, "test")
    assert waits() == []
    clock.pass_(days=6)
    ((what, detail),) = waits()
    assert (what, "was to be reviewed by 2026-03-08 12:00 UTC" in detail) == ("review", True)
    assert "1ABC23" not in detail
    with pytest.raises(EntryRefusedError, match="reason: document"):
        desk.review(officer, entry.id, "", "test")
    act = desk.review(officer, entry.id, "child is still missing", "test")
    assert act.entry.review_due == clock() + timedelta(days=7)
    assert waits() == []
    clock.pass_(days=11)
    assert [what for what, _ in waits()] == ["review"]
    clock.pass_(days=1)
    assert desk.show(officer, LIST, "test")[0].state(clock()) == "expired"
    with pytest.raises(EntryRefusedError, match="is expired"):
        desk.review(officer, entry.id, "child is still missing", "test")
    assert waits() == []


@pytest.mark.policy("M-D1")
def test_a_list_of_entries_by_hand_alone_is_issued_anew_so_that_units_see_it_still_holds(
    engine: Engine, desk: ListDesk, officer: User, second: User, publisher: Publisher, clock: Clock
) -> None:
    def tend() -> int:
        with engine.begin() as connection:
            return upkeep.tend(connection, lambda: publisher, SETTINGS, clock())

    desk.confirm(second, desk.propose(officer, LIST, TYPED, "test").entry.id, "test")
    clock.pass_(hours=11)
    assert tend() == 0
    clock.pass_(hours=1)
    assert tend() == 1
    with reading(engine) as connection:
        newest = versions.newest(connection, "salem-pd", LIST)
    assert (newest.version, newest.issued_at, newest.entries) == (2, clock(), 1)
    assert tend() == 0


def test_an_account_that_was_closed_meanwhile_does_nothing(
    engine: Engine, desk: ListDesk, officer: User, accounts: Accounts
) -> None:
    accounts.close_account("jdoe", OPERATOR, "test")
    with pytest.raises(SessionEndedError):
        desk.propose(officer, LIST, TYPED, "test")
    assert last(engine, "hotlist.entry.propose")["outcome"] == "refused"


def test_without_its_entry_in_the_ledger_nothing_is_entered(
    engine: Engine, desk: ListDesk, officer: User, second: User
) -> None:
    number = desk.propose(officer, LIST, TYPED, "test").entry.id
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_state")
    with pytest.raises(Exception, match="the ledger's state is missing"):
        desk.confirm(second, number, "test")
    assert plates(engine) == []
