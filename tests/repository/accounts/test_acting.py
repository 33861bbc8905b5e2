"""Acting for a person: signing in with each command, or once for several."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from repository.accounts.acknowledgement import NOTICE
from tests.repository.people import PASSWORD, CommandLine, recorded

ASK = ("errors", "list")


@pytest.fixture
def line(command_line: CommandLine, tmp_path: Path) -> CommandLine:
    """A command line with a person whose session lies in the file ``session``."""
    command_line.hire("jdoe")
    session = str(tmp_path / "session")
    (tmp_path / "session").write_text("something that others can read")
    said = command_line.run(
        "sign-in", "--user", "jdoe", "--session-file", session, password=PASSWORD
    )
    assert said.exit_code == 0, said.stderr
    assert said.stderr.startswith(NOTICE)
    return command_line


@pytest.mark.policy("M-A")
@pytest.mark.policy("G-10a")
def test_one_session_serves_several_commands_until_it_is_ended(
    line: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "session"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    signed_in = len(recorded(line.engine))
    for more in ((), ("--user", "JDOE")):
        line.ok(*ASK, "--session-file", str(path), *more)
    entries = recorded(line.engine)[signed_in:]
    assert [each["action"] for each in entries] == ["errors.list"] * 2
    assert {each["actor"]["login"] for each in entries} == {"jdoe"}
    said = line.refused(*ASK, "--session-file", str(path), "--user", "roe")
    assert "it is a session of jdoe, not of roe" in said
    copy = tmp_path / "copy"
    copy.write_text(path.read_text())
    assert "others can read it" in line.refused(*ASK, "--session-file", str(copy))
    copy.chmod(0o600)
    line.ok("sign-out", "--session-file", str(path))
    assert not path.exists()
    assert "the session has ended" in line.refused(*ASK, "--session-file", str(copy))
    assert "begin with `sign-in`" in line.refused(*ASK, "--session-file", str(path))


def test_a_session_that_the_environment_names_acts_only_where_a_person_must(
    line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALPR_SESSION_FILE", str(tmp_path / "session"))
    line.ok(*ASK)
    line.ok("users", "list")
    by_person, by_operator = recorded(line.engine)[-2:]
    assert by_person["actor"]["login"] == "jdoe"
    assert by_operator["actor"]["login"].startswith("os:")
    line.ok("users", "list", "--session-file", str(tmp_path / "session"))
    assert recorded(line.engine)[-1]["actor"]["login"] == "jdoe"


def test_without_a_person_it_is_said_how_to_name_one(command_line: CommandLine) -> None:
    done = command_line.run(*ASK)
    assert done.exit_code == 2
    assert "Missing option '--user' (or '--session-file')" in done.stderr
