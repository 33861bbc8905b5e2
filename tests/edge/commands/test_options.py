"""What commands write is their user's alone, whatever the shell's umask says."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edge.cli import main
from edge.commands.options import private_files
from tests.edge.doctor.units import write_settings
from tests.edge.nobody import NOBODY


def test_what_is_made_is_the_users_alone_and_the_mask_is_as_before_afterwards(
    tmp_path: Path,
) -> None:
    @click.command()
    def writing() -> None:
        private_files()
        (tmp_path / "above" / "folder").mkdir(parents=True)
        (tmp_path / "above" / "file").touch()

    before = os.umask(0o022)
    try:
        assert CliRunner().invoke(writing).exit_code == 0
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    made = {one.name: stat.S_IMODE(one.stat().st_mode) for one in tmp_path.rglob("*")}
    assert made == {"above": 0o700, "folder": 0o700, "file": 0o600}


@pytest.mark.parametrize("command", [("upload",), ("keys", "rotate")])
def test_commands_that_write_data_make_it_private(tmp_path: Path, command: tuple[str, ...]) -> None:
    settings = write_settings(tmp_path)
    before = os.umask(0o022)
    try:
        done = CliRunner().invoke(main, [*command, "--settings", str(settings)])
    finally:
        os.umask(before)
    assert done.exit_code == 0, done.output
    data = tmp_path / "data"
    made = list(data.rglob("*"))
    assert made
    for one in made:
        assert stat.S_IMODE(one.stat().st_mode) & 0o077 == 0, one


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files away: needs root")
@pytest.mark.parametrize(
    "command", [("hotfile", "import", "."), ("keys", "rotate"), ("upload",), ("aim", "front")]
)
def test_root_leaves_nothing_that_the_daemons_user_could_not_read(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    words = [*command, "--settings", str(write_settings(tmp_path))]
    data = tmp_path / "data"
    os.chown(data, NOBODY, -1)
    refusal = f"runuser -u {pwd.getpwuid(NOBODY).pw_name} -- alpr-edge"
    before = sorted(tmp_path.rglob("*"))
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1, done.output
    assert f"{data} is the user" in done.stderr
    assert refusal in done.stderr
    assert sorted(tmp_path.rglob("*")) == before
    (data / "spool").mkdir()
    assert refusal not in CliRunner().invoke(main, words).stderr, "the daemon is root's"
    os.chown(data / "spool", NOBODY, -1)
    os.chown(data, 0, -1)
    assert refusal in CliRunner().invoke(main, words).stderr


def test_an_example_of_several_lines_is_one_command_to_a_shell() -> None:
    shown = CliRunner().invoke(main, ["hotfile", "--help"]).stdout
    assert "hotfile import /media/usb \\\n      --settings /etc/plateward/edge.toml\n" in shown
