"""``alpr-repository hold``: by named people, always on the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units, sight

WHEN = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def read_id(command_line: CommandLine) -> str:
    """A read of Salem's."""
    add_units(command_line.engine, WHEN, agencies=[1])
    return str(sight(command_line.engine, "1ABC20", WHEN))


def add(read_id: str, *more: str) -> tuple[str, ...]:
    return (
        "hold", "add", "--user=jdoe", "--case=24-1187", "--kind=arrest",
        "--reason=Seen near the scene", f"--read={read_id}", *more,
    )  # fmt: skip


@pytest.mark.policy("C-3a")
def test_a_one_time_password_holds_and_releases_nothing(
    command_line: CommandLine, read_id: str
) -> None:
    shown = command_line.ok(
        "users", "bootstrap", "jdoe", "--name", "Jane", "--agency", "salem-pd", "--json"
    )
    once = json.loads(shown)["one_time_password"]
    for asked in (
        add(read_id),
        ("hold", "release", "--user=jdoe", "--hold=1", "--reason=Case closed"),
    ):
        said = command_line.refused(*asked, password=once)
        assert "must be changed before anything else" in said
        assert recorded(command_line.engine)[-1]["request"] == {"reason": "one-time password"}


@pytest.mark.policy("C-4a")
def test_holds_placed_listed_and_released_are_on_the_ledger(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    assert json.loads(command_line.ok(*add(read_id, "--json"), password=PASSWORD)) == {
        "hold": 1,
        "reads": 1,
    }
    (listed,) = json.loads(command_line.ok("hold", "list", "--json"))
    assert (listed["case_number"], listed["released_at"]) == ("24-1187", None)
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["count"]) == ("hold.list", 1)
    assert entry["actor"]["login"].startswith("os:")
    command_line.ok(
        "hold", "release", "--user=jdoe", "--hold=1", "--reason=Case closed", password=PASSWORD
    )
    actions = [each["action"] for each in recorded(command_line.engine)]
    assert actions[-5:] == [
        "accounts.sign_in", "hold.add", "hold.list", "accounts.sign_in", "hold.release",
    ]  # fmt: skip


@pytest.mark.policy("C-4a")
def test_refused_holds_and_releases_are_on_the_ledger(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    elsewhere = "0195f3a2-7c1b-7def-8a01-23456789abcd"
    release = ("hold", "release", "--user=jdoe", "--reason=Case closed", "--hold=7")
    for asked, action, said in (
        (add(elsewhere), "hold.add", "reads: not in the repository"),
        (add(read_id, "--reason= "), "hold.add", "reason: needs"),
        (add(read_id, "--kind=evidence"), "hold.add", "review: "),
        (add(read_id, "--case=" + "9" * 100_000), "hold.add", "case number: needs"),
        (release, "hold.release", "hold 7: not one of"),
    ):
        assert said in command_line.refused(*asked, password=PASSWORD)
        entry = recorded(command_line.engine)[-1]
        assert (entry["action"], entry["outcome"]) == (action, "refused")
        assert entry["actor"]["login"] == "jdoe"
        assert said in entry["request"]["reason"]
