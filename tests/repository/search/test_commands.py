"""``alpr-repository search``."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from repository.search.result import LEAD_ONLY
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units, sight

SEARCH = (
    "search",
    "--user=jdoe",
    "--plate=1ABC20",
    "--from=2026-03-01",
    "--to=2026-03-08",
    "--purpose=criminal_investigation",
    "--facts=Blue sedan left the robbery on Essex Street at 21:40",
    "--case=24-1187",
)


@pytest.mark.policy("F-lead")
@pytest.mark.policy("C-4a")
def test_a_search_shows_leads_and_its_entry(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    when = datetime(2026, 3, 2, tzinfo=UTC)
    add_units(command_line.engine, when, agencies=[1])
    sight(command_line.engine, "1ABC20", when)
    shown = command_line.ok(*SEARCH, "--affirm", "--json", password=PASSWORD)
    content = json.loads(shown)
    entry = recorded(command_line.engine)[-1]
    assert content["notice"] == LEAD_ONLY
    assert (content["ledger_entry"], content["count"]) == (entry["index"], entry["count"])
    assert content["count"] == 1
    plain = command_line.ok(*SEARCH, "--affirm", password=PASSWORD)
    assert plain.startswith(LEAD_ONLY)
    assert "2026-03-02 00:00:00 UTC  1ABC20 MA  exact, confidence 0.97" in plain
    assert "Before acting, confirm this read with Salem Police" in plain


def test_the_password_comes_from_a_file_or_the_keyboard(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    secret = command_line.file("password", PASSWORD + "\r\n")
    assert LEAD_ONLY in command_line.ok(*SEARCH, "--affirm", "--password-file", secret)
    assert LEAD_ONLY in command_line.ok(*SEARCH, "--affirm", typed=PASSWORD + "\n")
    assert "sign-in refused" in command_line.refused(*SEARCH, "--affirm", password="wrong")


@pytest.mark.policy("F-prohibited")
@pytest.mark.policy("C-1a")
def test_what_is_missing_is_said_and_nothing_is_shown(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    assert "affirm: " in command_line.refused(*SEARCH, password=PASSWORD)
    for missing, said in (
        ("--facts=", "facts: "),
        ("--case=", "case: "),
        ("--purpose=", "purpose"),
    ):
        said_now = command_line.refused(*SEARCH, "--affirm", missing, password=PASSWORD)
        assert said in said_now
    assert [each["outcome"] for each in recorded(command_line.engine)[-7::2]] == ["refused"] * 4


@pytest.mark.policy("C-3a")
def test_a_one_time_password_searches_nothing(command_line: CommandLine) -> None:
    shown = command_line.ok(
        "users", "bootstrap", "jdoe", "--name", "Jane", "--agency", "salem-pd", "--json"
    )
    once = json.loads(shown)["one_time_password"]
    said = command_line.refused(*SEARCH, "--affirm", password=once)
    assert "must be changed before anything else" in said
