"""Findings: one open of each, counted, closed by a person or by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from repository.accounts.roles import Role
from repository.bootstrap import build
from repository.errors import RepositoryError
from repository.jobs import look_for_what_is_due
from repository.ledger.entry import Actor
from repository.settings import load_settings
from repository.store.engine import reading
from repository.units import last_look
from repository.units.findings import (
    FindingError,
    close_finding,
    list_findings,
    raise_finding,
    settle_finding,
)
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sender import Sender

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SOMEBODY = Actor("7", "jdoe", "Jane Doe", "salem-pd")


def find(
    engine: Engine, kind: str, unit: int | None, detail: str, at: datetime, on: str = ""
) -> None:
    with engine.begin() as connection:
        raise_finding(connection, kind, unit, detail, at, subject=on)


def test_the_same_found_again_counts_in_the_open_finding(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    find(engine, "gap", 1, "first", NOW)
    find(engine, "gap", 1, "at once again", NOW + timedelta(seconds=59))
    find(engine, "gap", 1, "later", NOW + timedelta(seconds=60))
    find(engine, "gap", None, "of the repository", NOW)
    find(engine, "gap", 1, "of another thing", NOW, "camera")
    with reading(engine) as connection:
        found = list_findings(connection)
    assert [(each.unit, each.subject, each.detail, each.times) for each in found] == [
        ("car-12", "", "later", 2),
        (None, "", "of the repository", 1),
        ("car-12", "camera", "of another thing", 1),
    ]


def test_a_closed_finding_is_kept_and_the_same_is_found_anew(engine: Engine) -> None:
    find(engine, "consumer_absent", None, "gone", NOW, "one")
    with engine.begin() as connection:
        settle_finding(connection, "consumer_absent", None, "it is back", NOW, subject="two")
        assert len(list_findings(connection)) == 1
        settle_finding(connection, "consumer_absent", None, "it is back", NOW, subject="one")
        assert list_findings(connection) == []
    find(engine, "consumer_absent", None, "gone", NOW, "one")
    with engine.begin() as connection:
        (standing,) = list_findings(connection)
        with pytest.raises(FindingError, match="with a reason"):
            close_finding(connection, standing.id, SOMEBODY, " ", NOW)
        close_finding(connection, standing.id, SOMEBODY, "taken out of service", NOW)
        with pytest.raises(FindingError, match="closed already"):
            close_finding(connection, standing.id, SOMEBODY, "again", NOW)
        both = list_findings(connection, closed_too=True)
    assert [(each.closed_by_name, each.close_reason) for each in both] == [
        (None, "it is back"),
        ("Jane Doe", "taken out of service"),
    ]


def test_no_findings_are_not_mistaken_for_nothing_looked_for(command_line: CommandLine) -> None:
    fresh = command_line.run("findings", "list")
    assert fresh.stdout == "none\n"
    assert "have not looked yet" in fresh.stderr
    settings = load_settings(command_line.settings)
    services = replace(build(settings), clock=lambda: NOW)
    try:
        look_for_what_is_due(services)
        with pytest.raises(RepositoryError, match="No such file"):
            last_look.keep(settings.data / "missing", NOW)
    finally:
        services.close()
    looked = command_line.run("findings", "list")
    assert "last looked for what is due at 2026-03-01 00:00 UTC" in looked.stderr
    assert command_line.run("findings", "list", "--json").stderr == ""


@pytest.mark.policy("C-4a")
def test_a_person_closes_a_finding_on_the_ledger(command_line: CommandLine) -> None:
    command_line.hire("jdoe", frozenset(Role))
    find(command_line.engine, "repository_clock", None, "the clock is behind", NOW)
    (listed,) = json.loads(command_line.ok("findings", "list", "--json"))
    assert (listed["kind"], listed["times"], listed["closed_at"]) == ("repository_clock", 1, None)
    close = ("findings", "close", "--user=jdoe", "--finding=1")
    command_line.ok(*close, "--reason=Set by NTP", password=PASSWORD)
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"], entry["actor"]["login"]) == (
        "finding.close",
        "done",
        "jdoe",
    )
    assert entry["request"] == {
        "finding": 1,
        "reason_given": "Set by NTP",
        "kind": "repository_clock",
    }
    assert command_line.ok("findings", "list") == "none\n"
    assert "closed" in command_line.ok("findings", "list", "--all")
    assert "closed already" in command_line.refused(*close, "--reason=Again", password=PASSWORD)
    assert recorded(command_line.engine)[-1]["outcome"] == "refused"


@pytest.mark.policy("G-12")
def test_an_agencys_administrator_closes_what_is_about_that_agency(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    with command_line.engine.begin() as connection:
        for subject in ("", "boston-pd/roe", "salem-pd/roe"):
            raise_finding(connection, "training_due", None, "due", NOW, subject=subject)
    for number in (1, 2):
        said = command_line.refused(
            "findings", "close", "--user=jdoe", f"--finding={number}", "--reason=Done",
            password=PASSWORD,
        )  # fmt: skip
        assert "not about your agency" in said
        assert recorded(command_line.engine)[-1]["outcome"] == "refused"
    command_line.ok(
        "findings", "close", "--user=jdoe", "--finding=3", "--reason=Done", password=PASSWORD
    )
    left = json.loads(command_line.ok("findings", "list", "--json"))
    assert [each["subject"] for each in left] == ["", "boston-pd/roe"]
