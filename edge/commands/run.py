"""The command ``alpr-edge run``."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Literal, TextIO, cast, get_args

import click
import structlog

from edge.commands.options import private_files, settings_option
from edge.commands.say import say_json
from edge.contract.printable import on_one_line
from edge.settings import load_settings
from edge.supervision.service_manager import ServiceManager
from edge.supervision.supervisor import log_fault

NOT_COMPLETE = 3
"""Exit status of ``run --once`` if at its end a camera failed, or the repository lacks something,
or a hot list of the settings is not in use."""

PART_FAILED = 4
"""Exit status of a daemon one of whose parts failed too often."""

_ENDING = (signal.SIGTERM, signal.SIGINT)

Style = Literal["plain", "json", "none"]
LogFormat = Literal["text", "json"]


class _PartFailed(click.ClickException):
    """A part of the daemon failed too often."""

    exit_code = PART_FAILED


@click.command()
@settings_option
@click.option("--once", is_flag=True, help="End when recorded sources end and all is receipted.")
@click.option(
    "--patience",
    "patience_s",
    type=click.FloatRange(min=1),
    default=120.0,
    show_default=True,
    help="With --once: how many seconds a disk may refuse, and after the sources' end how long no "
    "receipt may come, before it gives up.",
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

    SIGTERM or SIGINT (Ctrl-C) stores the passes in view, then ends. With --once the first of them
    ends the capture and the daemon still waits for receipts; a second one ends that wait. There
    is no signal to read the settings anew: restart the daemon, nothing is lost by it.

    With --once everything is uploaded at once, whatever [uplink.upload] says of hours, orders and
    links, and the last line of standard output is a JSON object of counters. Recorded sources are
    read to their end first, however long that takes and whether receipts come or not: --patience
    counts from there. Only a disk that refuses for that long ends the capture before.

    \b
    Exit status:
      0  stopped when told to; with --once: all captured, compared and receipted
      1  it could not start: settings, keys, models or the spool; the message says what to do
      2  wrong use of the command
      3  with --once: a camera could not be read, the repository lacks something, or a hot list
         of the settings is not in use at the end (hotlists_missing in the last line says how many)
      4  a part failed too often in a way nobody foresaw; the log says where
      5  a part hung, in a driver or on a disk, and the process was ended for it
    After 4 and 5 a service manager is to start it anew: what was stored is kept and sent.

    Example: alpr-edge run --settings edge.toml --once --console json
    """
    private_files()
    _log_to_stderr(log_format)
    faulthandler.enable(sys.__stderr__ or 2)  # where each thread is if the watchdog ends it
    threading.excepthook = _log_thread_fault
    ServiceManager(os.environ).status("starts: settings, models and spool are opened")
    # The rooms of vision load OpenCV and onnxruntime: other commands do without.
    from edge.bootstrap.daemon import build_daemon
    from edge.daemon import DaemonError

    _on_signals(lambda: _leave(NOT_COMPLETE if once else 0))
    with build_daemon(load_settings(settings), console) as daemon:
        _on_signals(daemon.stop)
        try:
            summary = daemon.run(until_delivered=once, patience_s=patience_s)
        except DaemonError as error:
            raise _PartFailed(str(error)) from error
    if once:
        say_json(asdict(summary))
        if not summary.complete:
            sys.exit(NOT_COMPLETE)


def _log_thread_fault(fault: threading.ExceptHookArgs) -> None:
    """Say where a thread of its own broke, and not what the error says: that may hold a plate."""
    if fault.exc_value is not None:
        log_fault(fault.thread.name if fault.thread is not None else "a thread", fault.exc_value)


def _leave(status: int) -> None:
    """End while the parts are still being built: nothing is in view that would be stored."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(status)


def _on_signals(stop: Callable[[], None]) -> None:
    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    for number in _ENDING:
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
            _printable,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing(sys.stderr))),
    )


def _printable(
    _logger: object, _method: str, entry: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Nothing that is logged steers the terminal of whoever reads the log."""
    return {
        key: on_one_line(value) if isinstance(value, str) else value for key, value in entry.items()
    }


class _Unfailing:
    """A log that nobody takes any more, or that a full disk refuses, ends nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()
