"""``alpr-repository`` logins, training, user-reviews and bulletins, as people type them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from repository import jobs
from repository.accounts.roles import Role
from repository.bootstrap import build
from repository.business_days import day_of
from repository.settings import load_settings
from tests.repository.people import PASSWORD, CommandLine, recorded

TODAY = day_of(datetime.now(UTC)).isoformat()


def as_(login: str, line: CommandLine, *words: str) -> str:
    return line.ok(*words, f"--user={login}", password=PASSWORD)


@pytest.mark.policy("C-2a", "C-1b", "G-10b")
def test_a_login_from_its_request_to_the_review_that_ends_it(command_line: CommandLine) -> None:
    line = command_line
    line.hire("admin", [Role.ALPR_ADMINISTRATOR])
    line.hire("rep", [Role.REPRESENTATIVE])
    line.hire("head", [Role.AGENCY_HEAD])
    line.ok(
        "logins", "request", "--name=Jane Doe", "--position=Detective", "--agency=salem-pd",
        "--phone=978-555-0100", "--email=jdoe@salem.example.gov", "--reason=Auto theft",
    )  # fmt: skip
    assert "Jane Doe, Detective" in as_("admin", line, "logins", "list")
    granted = as_(
        "admin", line, "logins", "grant", "--request=1", "--login=jdoe", "--role=officer",
        "--current-employee", "--reason=Works in my unit", "--json",
    )  # fmt: skip
    assert json.loads(granted)["login"] == "jdoe"
    line.ok(
        "logins", "request", "--name=Ann Poe", "--position=Detective", "--agency=salem-pd",
        "--phone=978-555-0100", "--email=apoe@salem.example.gov", "--reason=Auto theft",
    )  # fmt: skip
    shown = as_(
        "admin", line, "logins", "grant", "--request=2", "--login=apoe", "--role=auditor",
        "--current-employee", "--reason=Works in my unit",
    )  # fmt: skip
    assert "must be changed first: alpr-repository users passwd apoe\n" in shown
    tend(line)
    assert [each["kind"] for each in findings(line)] == ["training_due"]
    taught = ("training", "record", "jdoe", "--course=First use", "--taught-by=Sgt. Poe")
    assert "good through" in as_("admin", line, *taught, f"--on={TODAY}")
    tend(line)
    assert findings(line) == []
    (course,) = json.loads(as_("rep", line, "training", "list", "--login=jdoe", "--json"))
    assert (course["course"], course["taken_on"]) == ("First use", TODAY)
    as_("rep", line, "user-reviews", "open")
    confirmed = (f"--confirm={each}" for each in ("admin", "apoe", "head", "rep"))
    as_("rep", line, "user-reviews", "sign", "--review=1", *confirmed)
    shown = json.loads(as_("head", line, "user-reviews", "show", "--review=1", "--json"))
    assert [each["login"] for each in shown["lines"] if not each["confirmed"]] == ["jdoe"]
    certify = ("user-reviews", "certify", "--review=1", f"--digest={shown['digest']}")
    assert as_("head", line, *certify) == "certified; closed: jdoe\n"
    assert "head: Jane Doe on" in as_("head", line, "user-reviews", "list")
    listed = json.loads(as_("admin", line, "users", "list", "--json"))["users"]
    (closed,) = (each for each in listed if each["state"] == "closed")
    assert (closed["login"], closed["position"]) == ("jdoe", "Detective")


def tend(line: CommandLine) -> None:
    services = build(load_settings(line.settings))
    jobs.tend_people(services)
    services.close()


def findings(line: CommandLine) -> list[dict[str, str]]:
    found = json.loads(line.ok("findings", "list", "--json"))
    return [each for each in found if each["kind"] in ("training_due", "user_review_due")]


@pytest.mark.policy("C-1c")
def test_a_bulletin_is_published_read_and_withdrawn(command_line: CommandLine) -> None:
    line = command_line
    line.hire("admin", [Role.ALPR_ADMINISTRATOR])
    text = line.file("law.txt", "The new law begins in May.\n")
    publish = ("bulletins", "publish", "--about=law", "--title=New law", f"--text={text}")
    line.ok(*publish)
    assert "bulletins" in line.refused(*publish, "--user=admin", password=PASSWORD)
    read = ("bulletins", "read", "admin")
    environment = {"password": PASSWORD}
    code = line.file("code", line.code("admin"))
    assert "begins in May" in line.ok(*read, "--code-file", code, **environment)
    code = line.file("code", line.code("admin"))
    line.ok(*read, "--acknowledge=1", "--code-file", code, **environment)
    assert "admin  Jane Doe  read " in as_("admin", line, "bulletins", "readers", "--bulletin=1")
    line.ok("bulletins", "withdraw", "--bulletin=1")
    assert "everybody  New law  withdrawn" in as_("admin", line, "bulletins", "list")
    refused = [each for each in recorded(line.engine) if each["outcome"] == "refused"]
    assert [each["request"]["reason"] for each in refused] == ["bulletins not read"]
