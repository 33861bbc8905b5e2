"""Who may place, see and end holds: as much is asked as of a search, and owners have the last word.

Each through the command line, as a person would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from repository.accounts.roles import Role
from repository.bootstrap import build
from repository.retention import holds_ending
from repository.settings import load_settings
from repository.store.tables.agency_data import withdrawn_reads
from repository.store.tables.fleet import agencies
from repository.store.tables.people import trainings
from repository.store.tables.retention import hold_objections, hold_reads, holds
from tests.repository.people import CHEAP, PASSWORD, CommandLine, hire, recorded
from tests.repository.sightings import RULE, add_units, sight

NOW = datetime.now(UTC).replace(microsecond=0)
SEEN = NOW - timedelta(hours=1)
WHY = "Clerk saw the driver leave the burglary on Essex Street"
SPAN = (f"--from={SEEN - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}", f"--to={NOW:%Y-%m-%dT%H:%M:%S}")


@dataclass
class Site:
    """Salem with a read of a plate, and Boston with another of it."""

    line: CommandLine
    salem: UUID
    boston: UUID

    def hire(self, login: str, agency: str = "salem-pd", *roles: Role) -> None:
        services = build(load_settings(self.line.settings))
        accounts = replace(services.accounts, passwords=CHEAP)
        hire(accounts, login, agency, roles or (Role.OFFICER,), f"Officer {login}")
        services.close()

    def hold(self, login: str, *more: str, kind: str = "arrest", case: str = "24-1187") -> Any:
        said = self.line.ok(
            "hold", "add", f"--user={login}", f"--case={case}", f"--kind={kind}",
            f"--reason={WHY}", "--json", *more, password=PASSWORD,
        )  # fmt: skip
        return json.loads(said)

    def refused(self, login: str, *more: str, kind: str = "arrest", case: str = "24-1187") -> str:
        return self.line.refused(
            "hold", "add", f"--user={login}", f"--case={case}", f"--kind={kind}",
            *(() if any(each.startswith("--reason") for each in more) else (f"--reason={WHY}",)),
            *more, password=PASSWORD,
        )  # fmt: skip

    def held(self, number: int) -> set[UUID]:
        with self.line.engine.begin() as connection:
            return set(
                connection.scalars(
                    select(hold_reads.c.read_id).where(
                        hold_reads.c.hold_id == number, hold_reads.c.lapsed_at.is_(None)
                    )
                )
            )


@pytest.fixture
def site(command_line: CommandLine) -> Site:
    with command_line.engine.begin() as connection:
        row = {"name": "boston-pd", "title": "Boston Police", "created_at": SEEN}
        connection.execute(insert(agencies).values(row))
    add_units(command_line.engine, SEEN)
    return Site(
        command_line,
        sight(command_line.engine, "5KNM89", SEEN, 1),
        sight(command_line.engine, "5KNM89", SEEN + timedelta(seconds=1), 2),
    )


@pytest.mark.policy("C-1b")
@pytest.mark.policy("F-prohibited")
def test_a_hold_asks_of_its_person_what_a_search_asks(site: Site) -> None:
    site.hire("jdoe")
    plate = ("--plate=5KNM89", *SPAN)
    word = "affirm: the hold needs your word: This hold does not aim at anyone for their religion"
    assert word in site.refused("jdoe", *plate)
    assert "'x' is no number of a case" in site.refused("jdoe", *plate, "--affirm", case="x")
    vague = site.refused("jdoe", *plate, "--affirm", "--reason=Official investigation")
    said = "Error: reason: say in words what is known that makes this hold necessary"
    assert vague.splitlines()[-1].startswith(said)
    with site.line.engine.begin() as connection:
        connection.execute(update(trainings).values(struck_at=NOW))
    assert "your training is missing" in site.refused("jdoe", *plate, "--affirm")
    entry = recorded(site.line.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("hold.add", "refused")
    said = site.line.refused(
        "retention", "explain", str(site.salem), "--user=jdoe", "--purpose=wrongdoing",
        f"--facts={WHY}", "--case=24-1187", "--affirm", password=PASSWORD,
    )  # fmt: skip
    assert "your training is missing" in said


def test_one_reason_for_many_cases_is_refused(site: Site) -> None:
    site.hire("jdoe")
    for case in ("24-1", "24-2"):
        site.hold("jdoe", f"--read={site.salem}", "--affirm", case=case)
    said = site.refused("jdoe", f"--read={site.salem}", "--affirm", case="24-3")
    assert "reason: you gave these words" in said
    assert "that makes the hold necessary" in said


def test_looks_at_holds_and_at_one_read_are_refused_in_words_of_the_look(site: Site) -> None:
    site.hire("jdoe")
    site.hold("jdoe", f"--read={site.salem}", "--affirm")
    facts = f"--facts={WHY}"
    explain = ("retention", "explain", str(site.salem), "--purpose=wrongdoing", "--case=24-1187")
    for command in (("hold", "show", "--hold=1"), explain):
        asked = (*command, "--user=jdoe")
        said = site.line.refused(*asked, facts, password=PASSWORD)
        assert "affirm: the look needs your word: This look does not aim at anyone" in said
        said = site.line.refused(*asked, "--facts=Because", "--affirm", password=PASSWORD)
        assert "makes this look necessary" in said


@pytest.mark.policy("F-prohibited")
def test_the_ledger_keeps_what_was_affirmed_of_a_hold(site: Site) -> None:
    site.hire("jdoe")
    site.hold("jdoe", f"--read={site.salem}", "--affirm")
    placed = next(each for each in recorded(site.line.engine) if each["action"] == "hold.add")
    assert placed["request"]["purpose"]["affirmed"].startswith("This hold does not aim at anyone")


@pytest.mark.policy("C-4a")
def test_what_a_hold_tells_of_reads_counts_as_a_look(site: Site) -> None:
    site.hire("jdoe")
    site.hire("boss", "salem-pd", Role.AUDITOR)
    assert site.hold("jdoe", "--plate=5KNM89", *SPAN, "--affirm")["reads"] == 2
    show = ("hold", "show", "--user=jdoe", "--hold=1")
    unsaid = site.line.ok(*show, password=PASSWORD)
    assert "5KNM89" not in unsaid
    assert str(site.salem) not in unsaid
    assert "2 reads" not in unsaid
    why = ("--facts=The court asks which reads of the sedan we kept", "--affirm")
    assert str(site.salem) in site.line.ok(*show, *why, password=PASSWORD)
    site.line.ok(
        "retention", "explain", str(site.salem), "--user=jdoe", "--purpose=wrongdoing",
        "--facts=Our union protest asks why it was kept", "--case=24-1187", "--affirm",
        password=PASSWORD,
    )  # fmt: skip
    looks = [
        each["index"]
        for each in recorded(site.line.engine)
        if {"criteria", "purpose"} <= each["request"].keys()
    ]
    assert len(looks) == 3
    day = timedelta(days=1)
    period = (f"--from={NOW - day:%Y-%m-%d}", f"--to={NOW + day:%Y-%m-%d}")
    found = json.loads(
        site.line.ok(
            "audits", "patterns", "--user=boss", "--agency=salem-pd", *period, "--json",
            password=PASSWORD,
        )
    )["patterns"]  # fmt: skip
    (protected,) = [each for each in found if each["kind"] == "protected_subject"]
    assert protected["entries"] == looks[-1:]
    assert "3 searches do" in protected["how_common"]


@pytest.mark.policy("C-7b-iv")
def test_a_courts_letter_is_followed_without_telling_of_reads(site: Site) -> None:
    site.hire("lyn")
    site.hire("admin", "salem-pd", Role.ALPR_ADMINISTRATOR)
    with site.line.engine.begin() as connection:
        connection.execute(update(trainings).values(struck_at=NOW))
    letter = ("--plate=5KNM89", *SPAN, "--legal-process=Essex Superior Court, 2677CR00123")
    assert "your roles do not let you place holds by legal process" in site.refused("lyn", *letter)
    assert site.hold("admin", *letter) == {"hold": 1}
    assert site.held(1) == {site.salem}
    entry = recorded(site.line.engine)[-1]
    assert entry["request"]["legal_process"] == "Essex Superior Court, 2677CR00123"
    assert "5KNM89" not in site.line.ok(
        "hold", "show", "--user=admin", "--hold=1", password=PASSWORD
    )


@pytest.mark.policy("C-6a")
def test_a_whole_unit_is_its_own_agencys_to_hold(site: Site) -> None:
    site.hire("sal", "salem-pd", Role.INVESTIGATOR)
    said = site.refused("sal", "--unit=boston-pd/pole-3", *SPAN, "--affirm")
    assert "only people of boston-pd may hold everything of its unit" in said
    assert site.hold("sal", "--unit=salem-pd/car-7", *SPAN, "--affirm")["reads"] == 1
    ahead = f"--to={NOW + timedelta(days=3650):%Y-%m-%d}"
    said = site.refused("sal", "--unit=salem-pd/car-7", SPAN[0], ahead, "--affirm")
    assert "may reach 31 days ahead at most" in said


@pytest.mark.policy("C-6a")
def test_another_agencys_hold_keeps_what_a_search_may_show(site: Site) -> None:
    site.hire("jdoe")
    with site.line.engine.begin() as connection:
        connection.execute(
            insert(withdrawn_reads).values(
                unit_id=2, captured_at=SEEN + timedelta(seconds=1), read_id=site.boston,
                agency_id=2, withdrawn_by="u-2", withdrawn_by_name="Ben", withdrawn_at=NOW,
            )
        )  # fmt: skip
    assert site.hold("jdoe", "--plate=5KNM89", *SPAN, "--affirm")["reads"] == 1
    assert site.held(1) == {site.salem}
    assert "not in the repository" in site.refused("jdoe", f"--read={site.boston}", "--affirm")


@pytest.mark.policy("C-6a")
def test_an_owner_sees_and_ends_another_agencys_hold_on_its_reads(site: Site) -> None:
    site.hire("jdoe")
    site.hire("bea", "boston-pd", Role.ALPR_ADMINISTRATOR)
    site.hold("jdoe", "--plate=5KNM89", *SPAN, "--affirm")
    (listed,) = json.loads(
        site.line.ok("hold", "on-our-reads", "--user=bea", "--json", password=PASSWORD)
    )
    assert (listed["id"], listed["agency"], listed["plate"]) == (1, "salem-pd", None)
    end = ("hold", "object", "--user=bea", "--hold=1", "--reason=Our ordinance allows a day")
    ends = datetime.fromisoformat(
        json.loads(site.line.ok(*end, "--json", password=PASSWORD))["ends_at"]
    )
    assert timedelta(days=14) <= ends - NOW < timedelta(days=14, hours=1)
    assert "ends it for its reads already" in site.line.refused(*end, password=PASSWORD)
    shown = site.line.ok("hold", "show", "--user=jdoe", "--hold=1", password=PASSWORD)
    assert f"boston-pd ends it for its own reads on {ends:%Y-%m-%d %H:%M} UTC" in shown
    site.line.ok(*end, "--take-back", password=PASSWORD)
    site.line.ok(*end, password=PASSWORD)
    for moment, kept in ((ends - timedelta(days=1), 2), (ends + timedelta(hours=1), 1)):
        with site.line.engine.begin() as connection:
            holds_ending.lapse(connection, RULE, moment)
        assert len(site.held(1)) == kept
    assert site.held(1) == {site.salem}
    assert recorded(site.line.engine)[-1]["request"]["holds"] == [1]
    with site.line.engine.begin() as connection:
        assert len(connection.execute(select(hold_objections)).all()) == 2
    explained = site.line.ok("retention", "explain", str(site.boston))
    assert "boston-pd, whose read it is, ended the hold on it" in explained
    own = ("hold", "object", "--user=bea", "--hold=7", "--reason=It is ours")
    assert "none of another agency that keeps reads" in site.line.refused(*own, password=PASSWORD)


@pytest.mark.policy("C-7b")
def test_other_agencies_reads_are_kept_for_a_year_unless_the_hold_is_reviewed(site: Site) -> None:
    site.hire("jdoe")
    for case in ("24-1", "24-2"):
        site.hold("jdoe", "--plate=5KNM89", *SPAN, "--affirm", case=case)
    with site.line.engine.begin() as connection:
        later = NOW + timedelta(days=500)
        connection.execute(update(holds).where(holds.c.id == 2).values(others_until=later))
        holds_ending.lapse(connection, RULE, NOW + timedelta(days=367))
    assert site.held(1) == {site.salem}
    assert site.held(2) == {site.salem, site.boston}
    review = ("hold", "review", "--user=jdoe", "--hold=1", "--until=2099-01-01", "--reason=Trial")
    site.line.ok(*review, password=PASSWORD)
    with site.line.engine.begin() as connection:
        until = connection.scalar(select(holds.c.others_until).where(holds.c.id == 1))
    assert until is not None
    assert NOW + timedelta(days=366) <= until < NOW + timedelta(days=367)


@pytest.mark.policy("C-7b-v")
def test_only_an_alpr_administrator_of_the_owner_directs_a_hold(site: Site) -> None:
    site.hire("jdoe")
    site.hire("ada", "salem-pd", Role.ALPR_ADMINISTRATOR)
    asked = (
        "--plate=5KNM89", *SPAN, "--affirm", "--direction=Keep what the review asks for",
        f"--until={NOW + timedelta(days=9):%Y-%m-%d}",
    )  # fmt: skip
    said = site.refused("jdoe", *asked, kind="administrator_direction")
    assert "takes the role alpr_administrator" in said
    assert site.hold("ada", *asked, kind="administrator_direction")["reads"] == 1
    assert site.held(1) == {site.salem}
    later = sight(site.line.engine, "5KNM89", NOW, 2)
    said = site.refused(
        "ada", f"--read={later}", *asked[4:], "--affirm", kind="administrator_direction"
    )
    assert "reads: not in the repository" in said
