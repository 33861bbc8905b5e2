"""The command ``alpr-edge``."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any, Literal, cast, get_args

import click
import structlog

from edge.console.terminal import Style
from edge.contract.batch import key_id
from edge.contract.errors import ContractError
from edge.enrolment import PUBLIC_KEY, enrol
from edge.errors import EdgeError
from edge.model_commands import models
from edge.settings import load_settings
from edge.settings_help import describe_settings

NOT_COMPLETE = 3
"""Exit status of ``run --once`` if a camera failed or the repository lacks something at its end."""

LogFormat = Literal["text", "json"]

_settings_option = click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ALPR_EDGE_SETTINGS",
    default=Path("edge.toml"),
    show_default=True,
    help="Settings file (TOML); also from ALPR_EDGE_SETTINGS.",
)


class _Group(click.Group):
    """A group whose commands end with one clear sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (EdgeError, ContractError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("plateward"), prog_name="alpr-edge")
def main() -> None:
    """The capture daemon of a patrol car or pole.

    Example: alpr-edge run --settings /etc/plateward/edge.toml
    """


@main.command()
@_settings_option
@click.option("--once", is_flag=True, help="End when recorded sources end and all is receipted.")
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    help="With --once: seconds without any receipt after which to give up waiting.",
)
@click.option(
    "--console",
    type=click.Choice(get_args(Style)),
    default="plain",
    show_default=True,
    help="How reads and alerts are shown on standard output.",
)
@click.option(
    "--log",
    "log_format",
    type=click.Choice(get_args(LogFormat)),
    default="text",
    show_default=True,
    help="Form of the log on standard error.",
)
def run(
    settings: Path, once: bool, patience_s: float, console: Style, log_format: LogFormat
) -> None:
    """Read plates until told to stop.

    With --once the last line of standard output is a JSON object of counters, and the exit
    status is 3 if a camera could not be read or the repository lacks something.

    Example: alpr-edge run --settings edge.toml --once --console json
    """
    _log_to_stderr(log_format)
    # The rooms of vision load OpenCV and onnxruntime: other commands do without.
    from edge.bootstrap import build_daemon

    with build_daemon(load_settings(settings), console) as daemon:
        _on_signals(daemon.stop)
        summary = daemon.run(until_delivered=once, patience_s=patience_s)
    if once:
        click.echo(json.dumps(asdict(summary)))
        if not summary.complete:
            sys.exit(NOT_COMPLETE)


@main.command("enrol")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("keys"),
    show_default=True,
    help="Folder for the unit's keys.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def enrol_command(keys: Path, as_json: bool) -> None:
    """Make the unit's keys and print the public part.

    Give that part to the repository: alpr-repository units add --public-key FILE

    Example: alpr-edge enrol --keys /etc/plateward/keys
    """
    made = enrol(keys)
    identifier = key_id(made.signing_key.public_key())
    if as_json:
        click.echo(
            json.dumps(
                {
                    "public_key_file": str(keys / PUBLIC_KEY),
                    "public_key": made.public_pem,
                    "key_id": identifier,
                }
            )
        )
        return
    click.echo(made.public_pem, nl=False)
    click.echo(f"key {identifier} made in {keys}; give {keys / PUBLIC_KEY} to the repository")


@main.command()
@_settings_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(settings: Path, as_json: bool) -> None:
    """Show what the daemon last said of itself.

    Example: alpr-edge status --settings edge.toml --json
    """
    path = load_settings(settings).unit.data / "status.json"
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise EdgeError(f"{path}: {error.strerror}; the daemon writes it while it runs") from error
    if as_json:
        click.echo(text, nl=False)
        return
    said = cast(dict[str, Any], json.loads(text))
    click.echo(f"as of {said['at']}")
    for name, number in said["counters"].items():
        click.echo(f"  {name.replace('_', ' '):<20} {number}")
    for one in said["hotlists"]:
        age = "STALE" if one["stale"] else "current"
        click.echo(
            f"  hot list {one['name']}: version {one['version']}, {one['entries']} entries, {age}"
        )
    for part, sentence in said["troubles"].items():
        click.echo(f"  TROUBLE {part}: {sentence}")


@main.command("settings")
def settings_command() -> None:
    """Explain every setting.

    Example: alpr-edge settings
    """
    click.echo(describe_settings(), nl=False)


main.add_command(models)


def _on_signals(stop: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)


def _log_to_stderr(form: LogFormat) -> None:
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
