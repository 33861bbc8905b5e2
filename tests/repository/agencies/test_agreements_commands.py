"""``agreements``, ``policies``, ``deployments``, ``misuse`` and ``units log``, as typed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from repository.accounts.roles import Role
from repository.bootstrap import build
from repository.business_days import day_of
from repository.jobs import remind_agencies
from repository.settings import load_settings
from tests.repository.agencies.office import captured, open_findings
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units

NOW = datetime.now(UTC)
TODAY = day_of(NOW).isoformat()
HEAD = (
    *("--post", "head", "--name", "Ruth Roe", "--title", "Chief of Police"),
    *("--phone", "978-555-0100", "--email", "rroe@salem.example", "--from", TODAY),
)


@pytest.mark.policy("G-4")
@pytest.mark.policy("G-16")
@pytest.mark.policy("F-commercial")
def test_the_operator_takes_an_agency_in(command_line: CommandLine) -> None:
    line = command_line
    added = line.ok("agencies", "add", "--name", "lynn-pd", "--title", "Lynn Police")
    assert "alpr-repository agreements sign" in added
    assert "lynn-pd  NOT SIGNED" in line.ok("agreements", "list")
    named = line.ok("agencies", "name", "--agency", "lynn-pd", *HEAD)
    assert named == f"agency head: Ruth Roe from {TODAY} on\n"
    text, copy = line.file("text.txt", "Keep to the policy."), line.file("copy.pdf", "%PDF-1.7 s")
    words = ("--version", "2026-1", "--text", text, "--title", "Chief", "--on", TODAY)
    agency = ("--agency", "lynn-pd")
    refused = line.refused(
        "agreements", "sign", *agency, *words, "--copy", copy, "--signed-by", "Sam Poe"
    )
    assert "on record as the agency's head is Ruth Roe" in refused
    signed = ("agreements", "sign", *agency, *words, "--signed-by", "Ruth Roe")
    assert "expected a PDF" in line.refused(*signed, "--copy", text)
    assert "missing.pdf: No such file" in line.refused(*signed, "--copy", "missing.pdf")
    number = json.loads(line.ok(*signed, "--copy", copy, "--json"))["id"]
    back = str(line.folder / "back.pdf")
    paper = ("agreements", "paper", *agency, "--agreement", str(number), "--output", back)
    line.ok(*paper)
    assert (line.folder / "back.pdf").read_text() == "%PDF-1.7 s"
    assert "File exists" in line.refused(*paper)
    shown = line.ok("agreements", "show", *agency)
    assert "agreement in force" in shown
    assert "backup CJIS representative: NOBODY" in shown
    assert line.ok("agreements", "due") == "none\n"
    required = line.ok("agreements", "require", "--detail", "Section 9 amended")
    assert [each.split(":")[0] for each in required.splitlines()] == ["lynn-pd", "salem-pd"]
    assert [each["cause"] for each in json.loads(line.ok("agreements", "due", "--json"))] == [
        "amended", "amended",
    ]  # fmt: skip
    words = ("agreements", "sign", "--agency", "salem-pd", *words, "--copy", copy)
    done = line.run(*words, "--signed-by", "Anybody")
    assert (done.exit_code, "name the head with" in done.stderr) == (0, True)
    again = line.run(*signed, "--copy", copy)
    assert (again.exit_code, again.stderr) == (0, "")
    left = line.ok("agencies", "vacate", *agency, "--post", "head", "--from", TODAY)
    assert "the agency's head signs the agreement anew by" in left
    sold = line.refused("agencies", "add", "--name", "acme", "--title", "Acme", "--kind", "private")
    assert "never sold" in sold
    assert [each["outcome"] for each in recorded(line.engine)][-1] == "refused"


@pytest.mark.policy("G-18")
@pytest.mark.policy("M-C5")
@pytest.mark.policy("M-D3")
@pytest.mark.policy("M-B1")
def test_the_operator_records_policies_approvals_and_upkeep(command_line: CommandLine) -> None:
    line, agency = command_line, ("--agency", "salem-pd")
    add_units(line.engine, NOW, agencies=(1,))
    with line.engine.begin() as connection:
        captured(connection, 1, NOW)
    line.ok("agencies", "name", *agency, *HEAD)
    text = line.file("policy.txt", "Be fair.")
    adopted = ("--title", "ALPR policy", "--version", "1", "--text", text, "--on", TODAY)
    assert line.ok("policies", "adopt", *agency, *adopted) == "policy 1 recorded\n"
    review = ("--policy", "1", "--outcome", "stands", "--recommendation", "No change")
    assert "policy 1 reviewed; next by" in line.ok("policies", "review", *agency, *review)
    assert "ALPR policy, version 1" in line.ok("policies", "list", *agency)
    out = str(line.folder / "out.txt")
    line.ok("policies", "text", *agency, "--policy", "1", "--output", out)
    line.ok("policies", "end", *agency, "--policy", "1", "--from", TODAY)
    unit = ("--unit", "car-7")
    until = (NOW + timedelta(days=30)).date().isoformat()
    line.ok(
        *("deployments", "approve", *agency, *unit, "--purpose", "Patrol", "--area", "Salem"),
        *("--from", TODAY, "--until", until),
        *("--approved-by", "Ruth Roe", "--title", "Chief of Police"),
    )
    line.ok("deployments", "end", *agency, "--deployment", "1", "--result", "Nothing found")
    assert "Nothing found" in line.ok("deployments", "list", *agency)
    line.ok("units", "log", "authorize", *agency, "--source", "Bay Radio")
    assert line.ok("units", "log", "sources", *agency) == "Bay Radio\n"
    plan = ("--kind", "cleaning", "--every", "30", "--advice", "Manual, page 14")
    line.ok("units", "log", "plan", *agency, *unit, *plan)
    repair = ("--kind", "repair", "--detail", "New lens")
    said = line.ok("units", "log", "add", *agency, *unit, *repair, "--done-by", "A Friend")
    assert "was not authorized to repair" in said
    assert "NOT AUTHORIZED" in line.ok("units", "log", "list", *agency)
    (due,) = json.loads(line.ok("units", "log", "due", *agency, "--json"))["due"]
    assert (due["kind"], due["every_days"]) == ("cleaning", 30)
    fault = ("--kind", "out_of_service", "--detail", "Reads nothing", "--done-by", "Jane Doe")
    line.ok("units", "log", "add", *agency, *unit, *fault)
    assert "OUT OF SERVICE: Reads nothing" in line.ok("units", "list")
    assert json.loads(line.ok("units", "list", "--json"))[0]["out_of_service"] == "Reads nothing"
    services = build(load_settings(line.settings))
    remind_agencies(services)
    services.close()
    for kind in ("policy_missing", "post_vacant"):
        assert "agency salem-pd" in open_findings(line.engine, kind)


@pytest.mark.policy("G-9")
def test_misuse_is_reported_answered_and_closed(command_line: CommandLine) -> None:
    line = command_line
    for login, roles in (("jdoe", {Role.OFFICER}), ("mroe", {Role.OFFICER})):
        line.hire(login, roles)
    line.hire("rroe", {Role.AGENCY_HEAD})

    def done(login: str, *words: str) -> str:
        return line.ok("misuse", *words, "--user", login, password=PASSWORD)

    made = done("jdoe", "report", "--against", "mroe", "--what", "Searched for fun", "--json")
    number = str(json.loads(made)["report"])
    assert "Searched for fun" in done("rroe", "list")
    assert done("mroe", "list") == "none\n"
    measure = ("measure", "--report", number, "--measure", "suspend")
    assert done("rroe", *measure) == "mroe: access suspended\n"
    words = ("--circumstances", "It was so", "--actions", "Told off", "--prevention", "Training")
    done("rroe", "answer", "--report", number, "--misused", *words)
    line.ok("misuse", "close", "--report", number, "--reason", "Accepted")
    (shown,) = json.loads(line.ok("misuse", "list", "--json"))
    assert (shown["state"], shown["prevention"]) == ("closed", "Training")
