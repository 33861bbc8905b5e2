"""``alpr-repository reads``, ``errors``, ``statistics`` and ``agencies suspend``, as typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from repository.store.engine import reading
from repository.units import enrolment
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units, sight

NOON = datetime(2026, 2, 27, 12, tzinfo=UTC)


@pytest.mark.policy("C-6a")
@pytest.mark.policy("G-11")
def test_a_person_reports_corrects_withdraws_and_disposes(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    add_units(command_line.engine, NOON, agencies=(1,))
    read = str(sight(command_line.engine, "1ABC23", NOON))
    signed_in = ("--user", "jdoe")

    def done(*words: str) -> str:
        return command_line.ok(*words, password=PASSWORD)

    reported = done("errors", "report", *signed_in, "--read", read, "--error", "an 8", "--json")
    number = str(json.loads(reported)["report"])
    (listed,) = json.loads(done("errors", "list", *signed_in, "--json"))
    assert (listed["error"], listed["answer"], listed["owner"]) == ("an 8", None, "salem-pd")
    answer = ("errors", "answer", *signed_in, "--report", number, "--reason", "so it is")
    wrong = command_line.run(*answer, "--reject", "--dispose", password=PASSWORD)
    assert "say one of" in wrong.stderr
    assert done(*answer, "--plate", "1A8C23", "--state", "MA") == "1 read corrected\n"
    assert "corrected by Jane Doe: so it is" in done("errors", "list", *signed_in, "--answered")
    again = ("--read", read, "--reason", "why")
    assert done("reads", "correct", *signed_in, *again, "--plate", "1A0C23") == (
        "1 read corrected\n"
    )
    assert done("reads", "withdraw", *signed_in, *again) == "1 read withdrawn\n"
    assert done("reads", "release", *signed_in, *again) == "1 read released again\n"
    assert done("reads", "dispose", *signed_in, *again) == "1 read disposed of\n"
    assert "not reads of agency salem-pd" in command_line.refused(
        "reads", "dispose", *signed_in, *again, password=PASSWORD
    )


@pytest.mark.policy("G-13")
def test_statistics_are_printed_as_csv_and_json(command_line: CommandLine) -> None:
    add_units(command_line.engine, NOON, agencies=(1,))
    for _ in range(10):
        sight(command_line.engine, "1ABC23", NOON)
    words = ("statistics", "--from", "2026-02", "--to", "2026-02")
    assert command_line.ok(*words) == (
        '"month","agency","what","number","hidden"\n"2026-02","salem-pd","reads",10,no\n'
    )
    assert json.loads(command_line.ok(*words, "--json")) == {
        "smallest_shown": 10,
        "lines": [{"month": "2026-02", "agency": "salem-pd", "what": "reads", "number": 10}],
    }


@pytest.mark.policy("G-19")
def test_access_is_suspended_ended_and_given_back(command_line: CommandLine) -> None:
    named = ("--name", "salem-pd", "--reason", "why")
    command_line.ok("agencies", "suspend", *named)
    assert "ACCESS SUSPENDED" in command_line.ok("agencies", "list")
    command_line.ok("agencies", "end", *named, "--requested-by", "Chief R. Roe")
    assert "ended already" in command_line.refused("agencies", "end", *named)
    command_line.ok("agencies", "restore", *named)
    with reading(command_line.engine) as connection:
        found = enrolment.find_agency(connection, "salem-pd")
    assert found is not None
    assert found.access is None
    entries = [(each["action"], each["outcome"]) for each in recorded(command_line.engine)]
    assert entries[-4:] == [
        ("agency.suspend", "done"),
        ("agency.end", "done"),
        ("agency.access", "refused"),
        ("agency.restore", "done"),
    ]
