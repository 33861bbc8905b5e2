"""Every command explains itself, without settings, and all in one voice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from repository.cli import main


def every_command(command: click.Command) -> Iterator[list[str]]:
    """The words that lead to each command and group of commands."""
    yield []
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from ([name, *words] for words in every_command(each))


@pytest.mark.parametrize(
    "words", [pytest.param(words, id=" ".join(words)) for words in every_command(main)]
)
def test_every_command_says_what_it_does_with_an_example(words: list[str], tmp_path: Path) -> None:
    settings = tmp_path / "repository.toml"
    settings.write_text("not even TOML")
    done = CliRunner().invoke(main, ["--settings", str(settings), *words, "--help"])
    assert done.exit_code == 0
    shown = " ".join(done.stdout.split())
    assert shown.startswith(f"Usage: {' '.join(['main', *words])}")
    assert f"Example: alpr-repository {words[0] if words else '--settings'}" in shown
    assert ("--json" in shown) == ("--json Print JSON, for scripts." in shown)
