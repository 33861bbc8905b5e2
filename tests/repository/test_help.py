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


def test_an_example_of_several_lines_is_one_command_to_a_shell() -> None:
    shown = CliRunner().invoke(main, ["units", "add", "--help"]).stdout
    assert "--agency salem-pd --unit car-12 \\\n      --public-key car-12.pub\n" in shown


def every_number() -> Iterator[tuple[str, click.Parameter]]:
    """Each option and argument of each command that is a whole number, and the command's words."""
    for words in every_command(main):
        command: click.Command = main
        for word in words:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        for parameter in command.params:
            if isinstance(parameter.type, click.types.IntParamType):
                yield " ".join(words), parameter


def test_every_number_has_bounds_that_the_database_has_room_for() -> None:
    unbounded = [
        f"{words}: {parameter.name}"
        for words, parameter in every_number()
        if not isinstance(parameter.type, click.IntRange)
        or parameter.type.min is None
        or not (parameter.type.max or 2**63) < 2**63
    ]
    assert unbounded == []
    assert len(list(every_number())) > 10
