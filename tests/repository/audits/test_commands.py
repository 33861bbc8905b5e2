"""``alpr-repository audits`` and ``cases``, over what a search left behind."""

from __future__ import annotations

import csv
import io
import json

import pytest

from repository.search.result import LEAD_ONLY
from tests.repository.people import PASSWORD, CommandLine

PERIOD = ("--agency=salem-pd", "--from=2020-01-01", "--to=2120-01-01")
SEARCH = (
    "search",
    "--user=jdoe",
    "--plate=1ABC20",
    "--from=2026-03-01",
    "--to=2026-03-08",
    "--purpose=criminal_investigation",
    "--facts=Blue sedan left the robbery on Essex Street at 21:40",
    "--case=24-1187",
    "--affirm",
)


@pytest.mark.policy("G-6b")
def test_the_report_comes_as_text_json_and_csv(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    command_line.ok(*SEARCH, password=PASSWORD)
    report = ("audits", "transactions", *PERIOD)
    rows = json.loads(command_line.ok(*report, "--json"))["transactions"]
    assert rows[-1]["action"] == "search.run"
    assert rows[-1]["request"]["criteria"]["plate"] == "1ABC20"
    table = list(csv.DictReader(io.StringIO(command_line.ok(*report, "--csv"), newline="")))
    assert [row["index"] for row in table] == [str(row["index"]) for row in rows]
    assert f"{len(rows)} transactions" in command_line.ok(*report)
    both = command_line.run(*report, "--csv", "--json")
    assert both.exit_code == 2


def test_what_operators_did_is_reported_by_itself(command_line: CommandLine) -> None:
    report = ("audits", "transactions", *PERIOD[1:])
    said = command_line.ok(*report, "--operators")
    assert "agency.add" in said
    assert "1 transactions" in said
    for neither_nor in (report, (*report, PERIOD[0], "--operators")):
        asked = command_line.run(*neither_nor)
        assert asked.exit_code == 2
        assert "say either --agency or --operators" in asked.stderr


def test_a_moment_that_is_none_is_said(command_line: CommandLine) -> None:
    asked = command_line.run(
        "audits", "transactions", "--agency=salem-pd", "--from=yesterday", "--to=2026-01-01"
    )
    assert asked.exit_code == 2
    assert "expected a moment such as" in asked.stderr


@pytest.mark.policy("C-4b")
@pytest.mark.policy("F-lead")
def test_a_case_file_shows_its_searches(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    command_line.ok(*SEARCH, password=PASSWORD)
    listed = json.loads(command_line.ok("cases", "list", "--agency=salem-pd", "--json"))
    assert [(each["number"], each["searches"]) for each in listed["cases"]] == [("24-1187", 1)]
    shown = json.loads(command_line.ok("cases", "show", "24-1187", "--agency=salem-pd", "--json"))
    (search,) = shown["searches"]
    assert (search["login"], search["reads"]) == ("jdoe", [])
    assert shown["notice"] == LEAD_ONLY
    plain = command_line.ok("cases", "show", "24-1187", "--agency=salem-pd")
    assert "robbery on Essex Street" in plain
    assert LEAD_ONLY in plain
    assert "no case of that number" in command_line.refused("cases", "show", "1", *PERIOD[:1])
