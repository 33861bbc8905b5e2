"""What commands write is their user's alone, whatever the shell's umask says."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edge.cli import main
from edge.commands.options import private_files
from tests.edge.doctor.units import write_settings


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
