"""``alpr-repository audits``, ``face-requests`` and ``cases``, over a real site."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from repository import jobs
from repository.accounts.roles import Role
from repository.bootstrap import build
from repository.search.result import LEAD_ONLY
from repository.settings import load_settings
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
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
MILES = ("--user=kmiles",)
ANSWERS = (
    "--purpose-lawful=yes",
    "--facts-specific=yes",
    "--case-exists=yes",
    "--result-used=no",
    "--aimed-at-protected=no",
)


@pytest.mark.policy("G-6b")
def test_the_report_comes_as_text_json_csv_and_paper(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    command_line.ok(*SEARCH, password=PASSWORD)
    report = ("audits", "transactions", *PERIOD)
    rows = json.loads(command_line.ok(*report, "--json"))["transactions"]
    assert rows[-1]["action"] == "search.run"
    assert rows[-1]["request"]["criteria"]["plate"] == "1ABC20"
    table = list(csv.DictReader(io.StringIO(command_line.ok(*report, "--csv"), newline="")))
    assert [row["index"] for row in table] == [str(row["index"]) for row in rows]
    assert f"{len(rows)} transactions" in command_line.ok(*report)
    assert "1 transaction\n" in command_line.ok(*report, "--action=search.run", "--person=jdoe")
    first = json.loads(command_line.ok(*report, "--json", "--limit=1"))
    second = json.loads(command_line.ok(*report, "--json", f"--after={first['next']}"))
    assert first["transactions"] + second["transactions"] == rows
    paper = command_line.folder / "report.pdf"
    command_line.ok(*report, f"--pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
    assert command_line.run(*report, "--csv", "--json").exit_code == 2
    command_line.hire("chief", {Role.AGENCY_HEAD})
    by_head = command_line.ok(*report, "--user=chief", "--action=search.run", password=PASSWORD)
    assert "1 transaction\n" in by_head


def test_what_operators_did_is_reported_by_itself(command_line: CommandLine) -> None:
    report = ("audits", "transactions", *PERIOD[1:])
    said = command_line.ok(*report, "--operators")
    assert "agency.add" in said
    for neither_nor in (report, (*report, PERIOD[0], "--operators")):
        asked = command_line.run(*neither_nor)
        assert asked.exit_code == 2
        assert "say either --agency or --operators" in asked.stderr
    asked = command_line.run(
        "audits", "transactions", "--agency=salem-pd", "--from=yesterday", "--to=2026-01-01"
    )
    assert asked.exit_code == 2
    assert "expected a moment such as" in asked.stderr


@pytest.mark.policy("F-audit")
def test_an_audit_from_its_start_to_its_sign_off(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    command_line.hire("kmiles", {Role.AUDITOR})
    command_line.ok(*SEARCH, password=PASSWORD)

    def ok(command: str, *words: str) -> str:
        return command_line.ok("audits", command, *MILES, *words, password=PASSWORD)

    now = datetime.now(UTC).isoformat()
    period = ("--agency=salem-pd", "--from=2020-01-01", f"--to={now}")
    started = json.loads(ok("start", *period, "--reason=A complaint", "--json"))
    which = f"--audit={started['audit']}"
    assert "waits for the ledger's next checkpoint" in ok("list")
    command_line.ok("ledger", "checkpoint")
    assert "1 sample" in command_line.ok("audits", "draw")
    assert "the same sample" in ok("redraw", which)
    shown_in_words = ok("show", which)
    for said in (
        "    plate 1ABC20, from 2026-03-01 00:00:00 UTC to 2026-03-08 00:00:00 UTC\n",
        "    purpose: criminal_investigation\n    case: 24-1187\n",
        "    facts: Blue sedan left the robbery on Essex Street at 21:40\n",
    ):
        assert said in shown_in_words
    assert "{" not in shown_in_words
    ok("answer", which, "--sample=1", *ANSWERS)
    found = json.loads(ok("find", which, "--text=No case", f"--due={now[:10]}", "--json"))
    ok("sign-off", which, "--outcome=findings", "--summary=One case is missing")
    ok("follow-up", f"--finding={found['finding']}", "--text=It was numbered")
    shown = json.loads(ok("show", which, "--json"))
    assert shown["audit"]["outcome"] == "findings"
    assert shown["findings"][0]["follow_up"] == "It was numbered"
    assert shown["samples"][0]["result_used"] == "no"
    assert "0 audits" in ok("list", "--open")
    patterns = ok("patterns", "--agency=salem-pd", f"--from={now[:7]}-01", f"--to={now}")
    assert "nothing is decided by it" in patterns
    assert command_line.ok("audits", "purge") == "0 audits removed\n"
    ok("own-plate", "--plate=9ZZZ99")
    ok("own-plate", "--plate=9ZZZ99", "--forget")
    refused = command_line.refused(
        "audits", "start", "--user=jdoe", "--repository", *period[1:], "--reason=x y",
        password=PASSWORD,
    )  # fmt: skip
    assert "do not let you audit all agencies" in refused


@pytest.mark.policy("F-local")
@pytest.mark.policy("F-quarterly")
def test_face_requests_and_quarterly_reports(command_line: CommandLine) -> None:
    command_line.hire("jdoe", {Role.INVESTIGATOR})
    letter = command_line.file("letter.txt", "Please compare the picture.")
    add = (
        "face-requests", "add", "--user=jdoe", "--at=2025-02-03T09:30", "--requester=Jane Doe",
        "--position=Detective", "--to=fbi", "--database=pictures", "--basis=deceased",
        "--case=24-1", "--crime=none", "--characteristics=man, about 40",
        "--reason=A man was found dead in the river on Tuesday", f"--request-file={letter}",
    )  # fmt: skip
    assert "affirm: the request needs your word" in command_line.refused(*add, password=PASSWORD)
    command_line.ok(*add, "--affirm", password=PASSWORD)
    answer = ("face-requests", "answer", "--user=jdoe", "--request=1", "--matches=0")
    command_line.ok(*answer, password=PASSWORD)
    listed = command_line.ok("face-requests", "list", "--user=jdoe", password=PASSWORD)
    assert "Federal Bureau of Investigation" in listed
    exported = command_line.ok("face-requests", "export", "--quarter=2025-Q1")
    (row,) = csv.DictReader(io.StringIO(exported, newline=""))
    assert (row["matches"], row["request"]) == ("0", "Please compare the picture.")
    paper = command_line.folder / "faces.pdf"
    command_line.ok("face-requests", "export", "--quarter=2025-Q1", f"--pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF")
    for command in (
        ("face-requests", "export"), ("audits", "quarterly"), ("audits", "transparency"),
    ):  # fmt: skip
        empty = command_line.run(*command, "--quarter=2024-Q1")
        assert empty.stderr == "nothing was documented in 2024-Q1\n"
        assert empty.stdout.count("\n") == 1
    today = datetime.now(UTC)
    runs = ("--quarter", f"{today.year}-Q{(today.month + 2) // 3}")
    for command in (("face-requests", "export"), ("audits", "quarterly")):
        assert "not over" in command_line.refused(*command, *runs)
        so_far = command_line.run(*command, *runs, "--so-far", "--json")
        assert so_far.stderr.startswith("UNFINISHED")
        assert json.loads(so_far.stdout)["finished"] is False
    full = command_line.run("face-requests", "export", "--quarter=2025-Q1")
    assert full.stderr == ""
    forbid = ("--agency=salem-pd", "--ordinance=Chapter 290, section 1", "--since=2019-12-19")
    command_line.ok("face-requests", "forbid", *forbid)
    assert "Chapter 290" in command_line.refused(*add, "--affirm", password=PASSWORD)
    command_line.ok("face-requests", "permit", "--agency=salem-pd", "--reason=Repealed")
    assert '"request"' in command_line.ok("audits", "quarterly", "--quarter=2025-Q1")
    lines = json.loads(command_line.ok("audits", "transparency", "--quarter=2025-Q1", "--json"))
    assert {each["number"] for each in lines["lines"]} == {None}
    public = command_line.folder / "public.pdf"
    command_line.ok("audits", "transparency", "--quarter=2025-Q1", f"--pdf={public}")
    assert public.read_bytes().startswith(b"%PDF")


@pytest.mark.policy("F-audit")
def test_the_jobs_open_and_draw(command_line: CommandLine) -> None:
    command_line.hire("kmiles", {Role.AUDITOR})
    with command_line.engine.begin() as connection:
        connection.execute(update(agencies).values(created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    services = build(load_settings(command_line.settings))
    try:
        jobs.tend_audits(services)
        services.signer.sign_checkpoint()
        jobs.tend_audits(services)
    finally:
        services.close()
    said = command_line.ok("audits", "list", *MILES, "--json", password=PASSWORD)
    (audit,) = json.loads(said)["audits"]
    assert (audit["kind"], audit["opened_by_name"]) == ("monthly", "Repository")
    assert audit["seed"] is not None
    with reading(command_line.engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM audits").scalar_one() == 1


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
