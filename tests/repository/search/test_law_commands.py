"""Approvals, reviews, requests and confirmations on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from repository.search.result import LEAD_ONLY
from tests.repository.people import PASSWORD, CommandLine
from tests.repository.search.desk import DECISION, FORM, REASON
from tests.repository.sightings import add_units, sight

WHY = (
    "--purpose=criminal_investigation",
    "--facts=Blue sedan left the robbery on Essex Street at 21:40",
    "--offence=robbery",
    "--affirm",
)


@pytest.mark.policy("F-lead")
def test_two_people_come_from_a_proposal_to_an_answer(command_line: CommandLine) -> None:
    for login in ("jdoe", "sroe"):
        command_line.hire(login)
    when = datetime.now(UTC) - timedelta(hours=3)
    add_units(command_line.engine, when, agencies=[1])
    read = sight(command_line.engine, "1ABC20", when)
    window = f"--from={when - timedelta(hours=1):%Y-%m-%dT%H:%M}", f"--to={_now():%Y-%m-%dT%H:%M}"

    def run(*words: str, by: str = "jdoe") -> Any:
        return json.loads(command_line.ok(*words, f"--user={by}", "--json", password=PASSWORD))

    broad = "--near=42.5195,-70.8967", "--radius=5000", *window, *WHY, "--case=24-1187"
    said = command_line.refused("search", "--user=jdoe", *broad, password=PASSWORD)
    assert "more than 25 km²" in said
    number = run("approvals", "propose", *broad, f"--reason={REASON}")["number"]
    run("approvals", "decide", str(number), "--approve", f"--reason={DECISION}", by="sroe")
    assert run("search", *broad)["count"] == 1
    listed = command_line.ok("approvals", "list", "--user=sroe", password=PASSWORD)
    assert f"approval {number}: approved" in listed
    assert "since the search covers more than 25 km² without a plate or 3 adjacent" in listed
    assert "    every plate within 5 km of 42.5195, -70.8967, from 20" in listed
    assert "{" not in listed
    assert "run 1 of 5" in listed
    together = "--plate=1ABC20", *window, *WHY, "--case=24-1187"
    number = run("approvals", "propose-together", *together, f"--reason={REASON}")["number"]
    run("approvals", "decide", str(number), "--approve", f"--reason={DECISION}", by="sroe")
    shown = command_line.ok("together", "--user=jdoe", *together, password=PASSWORD)
    assert shown.startswith(LEAD_ONLY)
    assert "0 plates of 1 occasion" in shown

    urgent = (*broad, "--hits-only", "--emergency=A child was pulled into a grey van on Derby St")
    review = run("search", *urgent)["emergency_review"]
    waiting = command_line.ok("reviews", "list", "--user=sroe", "--waiting", password=PASSWORD)
    assert f"review {review} (emergency): waits" in waiting
    assert "every plate within 5 km of 42.5195, -70.8967, from 20" in waiting
    assert "only what was on a hot list" in waiting
    assert "{" not in waiting
    concluded = run(
        "reviews", "conclude", str(review), "--outcome=justified",
        "--reason=The van stood in Lynn, and the child was found", by="sroe",
    )  # fmt: skip
    assert concluded["outcome"] == "justified"
    left = command_line.ok("reviews", "list", "--user=sroe", "--waiting", password=PASSWORD)
    assert left == "none\n"

    form = [
        f"--{'case' if name == 'case_number' else name}={getattr(FORM, name)}"
        for name in type(FORM).__dataclass_fields__
    ]
    alike = sight(command_line.engine, "1A8C20", when)
    request = str(run("requests", "receive", *form)["number"])
    run("requests", "decide", request, "--accept", "--reason=Called back, known")
    asked = "--plate=1ABC20", *WHY, "--case=26-78", f"--request={request}"
    assert run("search", *asked, "--folded")["count"] == 2
    run("requests", "review", request, str(alike))
    seen = command_line.ok("reviews", "list", "--user=sroe", "--waiting", password=PASSWORD)
    for said in (
        "plate read: 1A8C20", ", confusable", f"{when:%Y-%m-%d %H:%M:%S} UTC, ", "Salem",
        f"alpr-repository picture {alike} --kind plate --out {alike}.jpg --user YOU --case 26-78 ",
    ):  # fmt: skip
        assert said in seen
    done = run("requests", "answer", request, "--text=Seen once", f"--match={read}")
    assert done["matches"] == 1
    assert done["reads"] == [str(read)]
    assert f"answer: Seen once\n    reports read {read}" in command_line.ok(
        "requests", "list", "--user=jdoe", password=PASSWORD
    )
    said = command_line.ok(
        "reads", "confirm", str(read), "--user=jdoe", "--case=24-1187", "--spoke-with=Roe",
        "--answer=confirmed", password=PASSWORD,
    )  # fmt: skip
    assert said == "confirmation 1: salem-pd said confirmed\n"


@pytest.mark.parametrize("command", ["propose", "propose-together"])
def test_a_proposal_offers_nothing_that_an_approval_is_not_for(
    command_line: CommandLine, command: str
) -> None:
    shown = command_line.ok("approvals", command, "--help")
    assert "--plate" in shown
    assert "--reason" in shown
    for option in ("--emergency", "--after", "--limit"):
        assert option not in shown
    assert "--emergency" in command_line.ok("together", "--help")


@pytest.mark.policy("F-local")
def test_the_operator_puts_an_agency_under_its_own_rule(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    rule = command_line.file(
        "rule.toml", 'name = "Ordinance 12"\nsource = "s"\npurposes = ["court_order"]\n'
    )
    search = "search", "--user=jdoe", "--plate=1ABC20", *WHY, "--case=24-1187"
    command_line.ok("agencies", "search-rule", "salem-pd", "--file", rule, "--reason=Voted")
    assert "Ordinance 12" in command_line.refused(*search, password=PASSWORD)
    assert "not known" in command_line.refused(
        "agencies", "search-rule", "lynn-pd", "--file", rule, "--reason=Voted"
    )
    shown = command_line.ok("agencies", "search-rule", "salem-pd", "--reason=Repealed", "--json")
    assert json.loads(shown) == {"agency": "salem-pd", "rule": None}
    assert LEAD_ONLY in command_line.ok(*search, password=PASSWORD)


def _now() -> datetime:
    return datetime.now(UTC)
