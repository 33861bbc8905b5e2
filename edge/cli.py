"""The command ``alpr-edge``: each command is loaded only when it is called.

What looks at pictures takes a second to load; ``alpr-edge status`` is to answer at once.
"""

from __future__ import annotations

import importlib
from typing import Any, cast

import click

from edge.contract.examples import with_whole_example
from edge.errors import EdgeError

_COMMANDS = {
    "run": "edge.commands.run:run",
    "status": "edge.commands.status:status",
    "upload": "edge.commands.upload:upload",
    "doctor": "edge.doctor.command:doctor",
    "enrol": "edge.commands.enrol:enrol_command",
    "keys": "edge.commands.keys:keys",
    "settings": "edge.commands.settings_help:settings_command",
    "models": "edge.commands.models:models",
    "cameras": "edge.commands.cameras:cameras",
    "aim": "edge.commands.cameras:aim",
    "hotfile": "edge.commands.hotfile:hotfile",
}
"""Where each command is found: module and name."""


class _Commands(click.Group):
    """Commands that are imported when called, and end with one clear sentence when they fail."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = cast(click.Command, getattr(importlib.import_module(module), name))
        _show_examples_whole(command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        from edge.contract.errors import ContractError
        from edge.contract.printable import printable

        try:
            return super().invoke(ctx)
        except (EdgeError, ContractError) as error:
            raise click.ClickException(str(error)) from error
        except click.UsageError as error:  # it repeats what it was called with
            said = error.format_message()
            if said == printable(said):
                raise
            raise click.UsageError(printable(said), error.ctx) from error


def _show_examples_whole(command: click.Command) -> None:
    command.help = with_whole_example(command.help or "")
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _show_examples_whole(each)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="plateward", prog_name="alpr-edge")
def main() -> None:
    """The capture daemon of a patrol car or pole.

    When something is wrong, ask 'alpr-edge doctor' first. Every command ends with status 1 and
    one sentence on standard error if it cannot do its work, and 2 if it was called wrongly.

    Example: alpr-edge run --settings /etc/plateward/edge.toml
    """
