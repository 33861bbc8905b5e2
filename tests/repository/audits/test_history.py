"""Patterns over the ledger: what is read of it, who may see them, and whose plates are known."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.audits.errors import AuditError
from repository.audits.history import Patterns
from repository.audits.private_plates import PrivatePlates
from repository.cases import files
from repository.store.engine import reading
from repository.store.tables.audits import private_plates
from repository.store.tables.search import search_runs
from tests.repository.audits.office import FEBRUARY, Office
from tests.repository.people import recorded

START, END = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)
KEY = bytes(range(32))


def plates_of(office: Office, key: bytes = KEY) -> PrivatePlates:
    return PrivatePlates(office.engine, office.clock, lambda: key)


def patterns_of(office: Office) -> Patterns:
    zone = ZoneInfo("America/New_York")
    return Patterns(office.engine, office.clock, plates_of(office), zone)


@pytest.mark.policy("F-audit")
def test_what_the_ledger_holds_is_shown_to_auditors_on_the_record(office: Office) -> None:
    auditor = office.hire("kmiles", Role.AUDITOR)
    officer, owner = office.hire("jdoe", Role.OFFICER), office.hire("poe", Role.OFFICER)
    other = office.hire("roe", Role.OFFICER, agency="boston-pd")
    plates_of(office).register(owner, "9-zzz 99", "here")
    looked = office.search(officer, plate="9ZZZ99")
    office.search(officer, plate="9ZZZ99", after="cursor")  # a further page
    office.search(officer, plate="9ZZZ99", outcome="refused")
    office.search(officer, plate="9ZZ*")
    theirs = office.search(other, plate="9ZZZ99")
    apart = office.search(officer, plate="1ABC20")
    with office.engine.begin() as connection:
        case_id = files.open_case(connection, officer, "24-1", office.clock())
        row = {
            "agency_id": 1, "case_id": case_id, "user_id": officer.id, "user_name": "N",
            "user_position": "P", "searched_at": FEBRUARY, "database": "d",
            "characteristics": "c", "purpose": "wrongdoing", "facts": "f", "returned": 1,
        }  # fmt: skip
        connection.execute(
            insert(search_runs),
            [
                row | {"ledger_index": looked, "kind": "search", "emergency": "a child is gone"},
                row | {"ledger_index": apart, "kind": "together", "emergency": None},
            ],
        )
    found = {
        each.kind: each for each in patterns_of(office).find(auditor, "salem-pd", START, END, "h")
    }
    assert found["colleagues_plate"].entries == (looked,)
    assert found["one_plate_by_many"].entries == (looked,)
    assert found["broad_search"].entries == (looked,)
    assert found["association_search"].entries == (apart,)
    assert "own_plate" not in found
    assert theirs not in {index for each in found.values() for index in each.entries}
    entry = recorded(office.engine)[-1]
    assert (entry["action"], entry["count"]) == ("audits.patterns", len(found))


def test_unapproved_broad_searches_are_named_and_those_cut_in_pieces(small_office: Office) -> None:
    office = small_office
    auditor, officer = office.hire("kmiles", Role.AUDITOR), office.hire("jdoe", Role.OFFICER)
    hours = [f"2026-02-09T{hour:02}:00:00+00:00" for hour in range(5)]
    place = {"near": "42.5,-70.9", "radius_m": 500.0}
    everywhere = office.search(officer, plate=None, **{"from": hours[0], "to": hours[1]})
    pieces = [
        office.search(officer, case="24-2", plate="1*", **{"from": one, "to": end}, **place)
        for one, end in pairwise(hours)
    ]
    fragment = office.search(officer, plate="1ABC*")
    office.search(officer, plate="1ABC*", **place)
    found = {
        each.kind: each for each in patterns_of(office).find(auditor, "salem-pd", START, END, "h")
    }
    assert found["broad_unapproved"].entries == (everywhere, fragment)
    assert found["broad_in_pieces"].entries == tuple(pieces)


def test_pieces_are_told_of_one_fragment_and_not_of_several_guesses(small_office: Office) -> None:
    office = small_office
    auditor, officer = office.hire("kmiles", Role.AUDITOR), office.hire("jdoe", Role.OFFICER)
    days = [f"2026-01-{day:02}T00:00:00+00:00" for day in range(1, 6)]
    for plate in ("1ABC*", "1ABD*", "1ABE*"):
        office.search(officer, case="24-1", plate=plate, **{"from": days[0], "to": days[1]})
    pieces = [
        office.search(officer, case="24-2", plate="1ABC*", **{"from": one, "to": end})
        for one, end in pairwise(days)
    ]
    found = patterns_of(office).find(auditor, "salem-pd", START, END, "h")
    (one,) = (each for each in found if each.kind == "broad_in_pieces")
    assert one.entries == tuple(pieces)
    assert "4 different searches in case 24-2 named no whole plate" in one.why


def test_who_may_see_them_and_of_whom(small_office: Office) -> None:
    office = small_office
    officer = office.hire("jdoe", Role.OFFICER, Role.SUPERVISOR)
    auditor = office.hire("kmiles", Role.AUDITOR)
    security = office.hire("ksec", Role.SECURITY_OFFICER, agency="boston-pd")
    rooms = patterns_of(office)
    with pytest.raises(NotAllowedError):
        rooms.find(officer, "salem-pd", START, END, "here")
    for theirs in ("boston-pd", "nowhere-pd", None):
        said = "agency: missing; name salem-pd" if theirs is None else "not known"
        with pytest.raises(AuditError, match=said):
            rooms.find(auditor, theirs, START, END, "here")
    assert rooms.find(security, None, START, END, "here") == []
    assert rooms.find(security, "salem-pd", START, END, "here") == []
    with pytest.raises(AuditError, match="not known"):
        rooms.find(security, "nowhere-pd", START, END, "here")
    for start, end in ((START, START), (END, START), (START, START + timedelta(days=94))):
        with pytest.raises(AuditError, match="period: at most 93 days"):
            rooms.find(auditor, "salem-pd", start, end, "here")
    outcomes = [each["outcome"] for each in recorded(office.engine)]
    assert outcomes.count("refused") == 8


def test_a_private_plate_is_kept_so_that_nobody_can_read_it(office: Office) -> None:
    owner, other = office.hire("poe", Role.OFFICER), office.hire("jdoe", Role.OFFICER)
    register = plates_of(office)
    for plate in ("9-zzz 99", "9ZZZ99", "8YYY"):
        register.register(owner, plate, "here")
    register.register(other, "8YYY", "here")
    with reading(office.engine) as connection:
        kept = connection.execute(select(private_plates)).all()
        assert register.owners(connection)("9ZZZ99") == {str(owner.id)}
        assert register.owners(connection)("8YYY") == {str(owner.id), str(other.id)}
        assert register.owners(connection)("1ABC23") == frozenset()
        assert plates_of(office, bytes(32)).owners(connection)("9ZZZ99") == frozenset()
        assert register.agencies(connection)[str(owner.id)] == "salem-pd"
    assert len(kept) == 3
    assert "9ZZZ99" not in str(kept) + str(recorded(office.engine))
    register.forget(owner, "9ZZZ 99", "here")
    with pytest.raises(AuditError, match="not one that you registered"):
        register.forget(other, "9ZZZ99", "here")
    with reading(office.engine) as connection:
        assert register.owners(connection)("9ZZZ99") == frozenset()
    actions = [(each["action"], each["outcome"]) for each in recorded(office.engine)]
    assert actions[-2:] == [("private_plates.forget", "done"), ("private_plates.forget", "refused")]


def test_what_is_no_plate_or_too_many_is_refused(small_office: Office) -> None:
    owner, register = small_office.hire("poe", Role.OFFICER), plates_of(small_office)
    for wrong in ("", "9ZZ*", "A" * 13, "=1+1", "1\0A"):
        with pytest.raises(AuditError, match="plate: letters, digits"):
            register.register(owner, wrong, "here")
    for number in range(20):
        register.register(owner, f"A{number}", "here")
    with pytest.raises(AuditError, match="20 are registered already"):
        register.register(owner, "B1", "here")
    with reading(small_office.engine) as connection:
        assert register.owners(connection)("B1") == frozenset()
        assert uuid.UUID(next(iter(register.owners(connection)("A7")))) == owner.id
