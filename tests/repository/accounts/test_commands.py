"""``alpr-repository users``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repository.people import PASSWORD, CommandLine, recorded


@pytest.mark.policy("C-3a")
def test_the_first_user_signs_in_once_and_changes_the_password(command_line: CommandLine) -> None:
    shown = command_line.ok(
        "users", "bootstrap", "jdoe", "--name", "Jane Doe", "--agency", "salem-pd",
        "--role", "officer", "--position", "Sergeant",
    )  # fmt: skip
    once = shown.split("one-time password of jdoe: ")[1].split("\n")[0]
    assert "must be changed first" in shown
    typed = f"{once}\n\n{PASSWORD}\n{PASSWORD}\n"
    changed = command_line.ok("users", "passwd", "jdoe", typed=typed)
    assert PASSWORD not in changed
    (user,) = json.loads(command_line.ok("users", "list", "--json"))["users"]
    assert user == {
        "login": "jdoe",
        "name": "Jane Doe",
        "agency": "salem-pd",
        "state": "open",
        "must_change_password": False,
        "roles": ["officer"],
        "position": "Sergeant",
        "closed_because": None,
        "last_used_at": user["last_used_at"],
    }
    assert once not in repr(recorded(command_line.engine))


def test_there_is_one_first_user(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    again = (
        "users",
        "bootstrap",
        "roe",
        "--name",
        "R",
        "--agency",
        "salem-pd",
        "--role",
        "officer",
    )
    assert "first user was made already" in command_line.refused(*again)


def test_accounts_are_locked_released_reset_and_closed(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    command_line.hire("roe")
    new = command_line.file("other", "some other heron\n")
    change = ("users", "passwd", "roe", "--new-password-file", new)
    for _ in range(5):
        assert "sign-in refused" in command_line.refused(*change, password="wrong")
    assert "roe  Jane Doe  locked" in command_line.ok("users", "list")
    command_line.ok("users", "unlock", "roe")
    command_line.ok(*change, password=PASSWORD)
    command_line.ok("users", "reset", "roe", "--json")
    assert "roe  Jane Doe  open, has a one-time password" in command_line.ok("users", "list")
    assert "sessions that ended: 0" in command_line.ok("users", "leave", "roe")
    assert "roe  Jane Doe  closed" in command_line.ok("users", "list")
    for act in ("unlock", "reset", "reset-second-factor"):
        said = command_line.refused("users", act, "roe")
        assert "the account was closed on 20" in said
        assert "left the agency; 'alpr-repository logins reopen'" in said


def test_the_operator_is_named_in_the_ledger(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    left = command_line.run("users", "leave", "jdoe")
    assert "tokens of services that were revoked: none" in left.stdout
    assert "nobody administers salem-pd now" in left.stderr
    entry = recorded(command_line.engine)[-1]
    assert entry["actor"]["login"].startswith("os:")
    assert entry["actor"]["name"]
    assert entry["request"]["login"] == "jdoe"


@pytest.mark.parametrize("content", ["", "\nsecond line"])
def test_an_empty_password_file_is_said(command_line: CommandLine, content: str) -> None:
    empty = command_line.file("empty", content)
    said = command_line.refused("users", "passwd", "jdoe", "--password-file", empty)
    assert "its first line is empty" in said


def test_without_a_terminal_it_is_said_where_a_password_can_come_from(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    program = Path(sys.executable).with_name("alpr-repository")
    words = [program, "--settings", command_line.settings, "errors", "list", "--user", "jdoe"]
    environment = {name: value for name, value in os.environ.items() if name != "ALPR_PASSWORD"}
    for typed, code in (("", 1), (f"{PASSWORD}\n{command_line.code('jdoe')}\n", 0)):
        done = subprocess.run(
            words, input=typed, capture_output=True, text=True, env=environment, check=False,
            start_new_session=True,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert ("use --password-file or ALPR_PASSWORD" in done.stderr) == bool(code)
        assert "Warning" not in done.stderr
        assert "Aborted" not in done.stderr
