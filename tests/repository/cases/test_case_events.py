"""What is written in a case file, who may, and what it keeps of reads that are gone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.agencies import own
from repository.agencies.service import AgencyData
from repository.cases.disseminations import Dissemination, Recipient
from repository.cases.errors import CaseError, NoSuchCaseError
from repository.cases.service import CaseFiles
from repository.retention import holds_ending, purge, verify
from repository.retention.holds import is_held
from repository.retention.holds_request import OF_ANOTHER_RECORD, HoldError
from repository.store.tables.cases import case_search_reads
from repository.store.tables.reads import reads
from tests.repository.cases.evidence_site import CASE, PROSECUTOR, EvidenceSite
from tests.repository.ingest.conftest import load_duties
from tests.repository.people import OPERATOR, Clock, hire, recorded
from tests.repository.sightings import FOLD, RULE

A_YEAR = timedelta(days=366)


SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For what both databases do alike."""


@pytest.fixture
def case_files(site: EvidenceSite, clock: Clock) -> CaseFiles:
    return CaseFiles(site.engine, clock, load_duties)


@pytest.fixture
def stranger(accounts: Accounts) -> User:
    """Somebody of another agency with every role there."""
    return hire(accounts, "rroe", "boston-pd")


@SQLITE
@pytest.mark.policy("C-4b")
def test_what_a_search_showed_stands_in_the_file_as_it_was(
    site: EvidenceSite, case_files: CaseFiles
) -> None:
    read = site.take()
    site.search()
    with site.engine.begin() as connection:
        (seen,) = own.find(connection, [read.id])
        own.correct(
            connection, seen, plate="1ABC29", plate_folded="1ABC29", state="MA", user=site.user,
            now=site.clock(),
        )  # fmt: skip
    (search,) = case_files.show("salem-pd", CASE, site.user, "here").searches
    (shown,) = search.reads
    assert shown.facts is not None
    assert (shown.facts["plate"], shown.facts["corrected"]) == ("1ABC20", None)
    assert shown.facts["source"]["agency"] == "salem-pd"
    assert shown.facts["confidence"] == read.confidence
    assert shown.facts["place"]["latitude_deg"] == 42.3


@pytest.mark.policy("C-7a")
@pytest.mark.policy("C-4b")
def test_what_was_shown_of_a_read_goes_with_the_read_and_its_digest_stays(
    site: EvidenceSite, case_files: CaseFiles
) -> None:
    read, kept = site.take(), site.take(plate="9KEP99")
    site.search()
    site.search("9KEP99")
    site.hold(kept.id)
    before = case_files.show("salem-pd", CASE, site.user, "here").searches
    site.clock.time += A_YEAR
    waiting = case_files.show("salem-pd", CASE, OPERATOR, "here").searches
    assert [each.reads[0].facts is None for each in waiting] == [True, False]
    assert read.plate in _kept_text(site.engine)
    confirmed = purge.Confirmation(any_count=True, clock_is=site.clock().date())
    purge.run(site.engine, site.store, load_duties, now=site.clock(), confirmed=confirmed)
    after = (
        CaseFiles(site.engine, site.clock, load_duties)
        .show("salem-pd", CASE, OPERATOR, "here")
        .searches
    )
    assert [each.reads[0].facts is None for each in after] == [True, False]
    for then, now in zip(before, after, strict=True):
        assert (then.request, then.reads[0].digest) == (now.request, now.reads[0].digest)
        assert now.reads[0].digest is not None
    rest = _kept_text(site.engine)
    assert read.plate not in rest
    assert kept.plate in rest
    done = verify.verify(
        site.engine, site.store, load_duties, now=site.clock(), grace=timedelta(hours=1)
    )
    assert done.clean, done


@SQLITE
def test_the_check_of_a_purge_finds_what_a_case_file_kept(site: EvidenceSite) -> None:
    read = site.take()
    site.search()
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM reads")
    done = verify.verify(
        site.engine, site.store, load_duties, now=site.clock(), grace=timedelta(hours=1)
    )
    assert ("shown_in_case", str(read.id)) in {(each.kind, each.name) for each in done.left}


@SQLITE
def test_what_was_shown_goes_with_a_read_that_its_agency_disposes_of(site: EvidenceSite) -> None:
    read = site.take()
    site.search()
    with site.engine.begin() as connection:
        own.dispose(connection, own.find(connection, [read.id]))
    assert read.plate not in _kept_text(site.engine)


@SQLITE
@pytest.mark.policy("M-V-B2")
def test_what_goes_outside_is_in_the_dissemination_log(
    site: EvidenceSite, case_files: CaseFiles
) -> None:
    read = site.take()
    site.search()
    given = Dissemination.of(PROSECUTOR, "Printed search result", [str(read.id)])
    case_files.disseminate(site.user, CASE, given, "here")
    (logged,) = case_files.disseminations(site.user, "here")
    assert (logged.case_number, logged.event.login) == (CASE, "jdoe")
    assert logged.event.detail == {
        "given_to": PROSECUTOR.as_json(),
        "what": "Printed search result",
        "reads": [str(read.id)],
    }
    entry = recorded(site.engine)[-2]
    assert (entry["action"], entry["index"]) == ("cases.disseminate", logged.event.ledger_index)
    assert entry["request"]["given_to"]["authority"] == "Request of 3 March"
    other = site.take(plate="2XYZ01")
    with pytest.raises(CaseError, match="not of case"):
        case_files.disseminate(site.user, CASE, replace(given, reads=(other.id,)), "here")
    assert recorded(site.engine)[-1]["outcome"] == "refused"


@pytest.mark.policy("F-commercial")
def test_a_private_party_is_given_nothing_that_no_law_requires() -> None:
    told = ("Sam Poe", "Acme Insurance", "private_party", "A claim for a car", "Their letter")
    for law in (None, "", "n/a", "  "):
        with pytest.raises(CaseError, match="law"):
            Recipient.of(*told, law)
    assert Recipient.of(*told, "M.G.L. c. 66, s. 10").law == "M.G.L. c. 66, s. 10"


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("organisation", "n/a"), ("kind", "friend"), ("why", "x" * 2001),
     ("authority", "none"), ("why", "a\x00b"), ("name", "\ud800 Lee")],
)  # fmt: skip
def test_a_recipient_is_told_in_full(field: str, value: str) -> None:
    told = {
        "name": "Ann Lee",
        "organisation": "Essex District Attorney",
        "kind": "prosecutor",
        "why": "Charging decision",
        "authority": "Request of 3 March",
        "law": None,
    }
    with pytest.raises(CaseError, match=field):
        Recipient.of(**told | {field: value})  # type: ignore[arg-type]


@SQLITE
@pytest.mark.policy("C-7b-i")
@pytest.mark.policy("C-7b-ii")
@pytest.mark.policy("C-7b-iii")
@pytest.mark.policy("C-1d")
def test_a_final_disposition_ends_the_holds_that_wait_for_it(
    site: EvidenceSite, case_files: CaseFiles
) -> None:
    read = site.take()
    number = site.hold(read.id)
    others = [site.hold(read.id, kind=kind) for kind in OF_ANOTHER_RECORD]
    today = site.clock().date()
    for on, said in ((today + timedelta(days=1), "Guilty plea"), (today, "n/a")):
        with pytest.raises((CaseError, HoldError)):
            case_files.dispose(site.user, CASE, on=on, disposition=said, origin="here")
    ended = case_files.dispose(site.user, CASE, on=today, disposition="Guilty plea", origin="here")
    assert ended == (number,)
    again = case_files.dispose(
        site.user, CASE, on=today, disposition="Affirmed on appeal", origin="here"
    )
    assert again == ()
    case = case_files.show("salem-pd", CASE, site.user, "here")
    assert {each.id: each.disposed_on for each in case.holds} == {
        number: today,
        **dict.fromkeys(others),
    }
    site.clock.time += A_YEAR
    with site.engine.begin() as connection:
        assert holds_ending.lapse(connection, RULE, site.clock()) == [number]
        assert connection.scalar(select(is_held(reads)).where(reads.c.read_id == read.id))
    assert [(each.kind, each.detail["holds"]) for each in case.events] == [
        ("disposition", [number]),
        ("disposition", []),
    ]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
@pytest.mark.policy("C-conf")
def test_the_cases_of_another_agency_are_not_there(
    site: EvidenceSite, case_files: CaseFiles, stranger: User
) -> None:
    read = site.take()
    site.search()
    site.hold(read.id)
    case_files.note(site.user, CASE, "Owner interviewed", "here")
    given = Dissemination.of(PROSECUTOR, "Printed search result", [])
    said = []
    for number in (CASE, "24-9999", "a\x00b", "\ud800", "x" * 200, ""):
        for act in (
            lambda n: case_files.show("boston-pd", n, stranger, "here"),
            lambda n: case_files.show("salem-pd", n, stranger, "here"),
            lambda n: case_files.note(stranger, n, "Owner interviewed", "here"),
            lambda n: case_files.disseminate(stranger, n, given, "here"),
            lambda n: case_files.dispose(
                stranger, n, on=site.clock().date(), disposition="Dismissed", origin="here"
            ),
        ):
            with pytest.raises(NoSuchCaseError) as refused:
                act(number)
            said.append(str(refused.value).replace(repr(number), "N").replace("salem", "boston"))
    assert set(said) == {"case N: agency 'boston-pd' has no case of that number"}
    assert case_files.list("salem-pd", stranger, "here") == []
    assert case_files.disseminations(stranger, "here") == []
    assert recorded(site.engine)[-3]["outcome"] == "refused"


@SQLITE
def test_roles_say_who_writes_in_a_case_file(
    site: EvidenceSite, case_files: CaseFiles, accounts: Accounts
) -> None:
    site.hold(site.take().id)
    auditor = hire(accounts, "audit", roles=[Role.AUDITOR])
    helper = hire(accounts, "head", roles=[Role.REPRESENTATIVE])
    assert case_files.show("salem-pd", CASE, auditor, "here").number == CASE
    given = Dissemination.of(PROSECUTOR, "Printed search result", [])
    for who, act in (
        (auditor, lambda: case_files.note(auditor, CASE, "Owner interviewed", "here")),
        (auditor, lambda: case_files.disseminate(auditor, CASE, given, "here")),
        (helper, lambda: case_files.show("salem-pd", CASE, helper, "here")),
        (helper, lambda: case_files.list("salem-pd", helper, "here")),
        (
            auditor,
            lambda: case_files.dispose(
                auditor, CASE, on=site.clock().date(), disposition="Dismissed", origin="here"
            ),
        ),
    ):
        with pytest.raises(NotAllowedError):
            act()
        entry = recorded(site.engine)[-1]
        assert (entry["outcome"], entry["actor"]["login"]) == ("refused", who.login)


def _kept_text(engine: Engine) -> str:
    """What case files keep of what was shown."""
    with engine.begin() as connection:
        return json.dumps(list(connection.scalars(select(case_search_reads.c.facts))))


@SQLITE
@pytest.mark.policy("G-11")
def test_an_error_that_is_reported_stands_in_the_cases_that_showed_the_read(
    site: EvidenceSite, case_files: CaseFiles
) -> None:
    read = site.take()
    site.search()
    site.search(case="24-2", facts="Grey van circled the school on Derby Street at noon")
    site.search("9KEP99", case="24-3", facts="Bicycle hit on Lafayette Street by a red truck")
    data = AgencyData(site.engine, site.clock, FOLD, lambda *_: False, timedelta(days=5))
    number = data.report(site.user, read.id, "The plate is 1ABC29", "here")
    for case, reported in ((CASE, True), ("24-2", True), ("24-3", False)):
        events = case_files.show("salem-pd", case, site.user, "here").events
        assert [(each.kind, each.detail) for each in events] == [
            ("error_report", {"report": number, "read": str(read.id)})
        ] * reported
