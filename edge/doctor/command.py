"""The command ``alpr-edge doctor``."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import click
import structlog

from edge.commands.options import json_option, settings_option
from edge.commands.say import say, say_json, say_text
from edge.doctor.examine import Check, examine
from edge.doctor.findings import Finding, exit_status, fail, ok, own, worst
from edge.health.health import Health
from edge.position.clock import UnitClock
from edge.position.source import PositionSource
from edge.settings import Settings, SettingsError, load_settings

_WORDS = {"ok": "ok     ", "warning": "WARNING", "fail": "FAIL   "}
_AV_LOG_QUIET = "-8"
_VERDICTS = {
    "ok": "All is well.",
    "warning": "It works. Look after what is marked WARNING.",
    "fail": "Something does not work: begin with the first line marked FAIL.",
}


@click.command()
@settings_option
@json_option
def doctor(settings: Path, as_json: bool) -> None:
    """Check every part of the unit, and say what to do.

    Ask it first when something is wrong. It may be run beside the daemon, whose cameras and
    receiver it leaves alone, but for a network camera that gives no picture: that is asked why. It
    takes about half a minute at most, and changes nothing. Run it as the daemon's user. What it
    prints holds no plate, no place, no key and no password.

    \b
    Exit status:
      0  all is well
      1  something deserves attention
      2  something does not work, or the command was called wrongly

    Example: runuser -u plateward -- alpr-edge doctor --settings /etc/plateward/edge.toml
    """
    with _log_kept_quiet():
        findings = _examine(settings, quiet=as_json or not sys.stderr.isatty())
    if as_json:
        shown = {"verdict": worst(findings), "checks": [asdict(one) for one in findings]}
        say_json(shown)
    else:
        say_text(as_text(findings))
    sys.exit(exit_status(findings))


def as_text(findings: Sequence[Finding]) -> str:
    """A line for each finding, and what to do below it where there is something to do."""
    lines = []
    for one in findings:
        lines.append(f"{_WORDS[one.verdict]} {one.check}: {one.found}")
        if one.do:
            lines.append(f"        -> {one.do}")
    return "\n".join([*lines, _VERDICTS[worst(findings)]]) + "\n"


def _examine(path: Path, *, quiet: bool) -> list[Finding]:
    try:
        settings = load_settings(path)
    except SettingsError as error:
        return [_judge_settings(path, error)]

    def said(check: Check, after_s: float) -> None:
        if not quiet:
            say(f"looked at {check.name} ({after_s:.1f} s)", err=True)

    return [ok("settings", f"{path} can be used"), *examine(_checks(settings), said)]


def _judge_settings(path: Path, error: SettingsError) -> Finding:
    """What is wrong with settings that cannot be loaded; of wrong keys each is on a line."""
    do = "correct the file; 'alpr-edge settings' explains every key"
    if isinstance(error.__cause__, PermissionError):
        do = own(path)
    elif isinstance(error.__cause__, OSError):
        do = "name the file with --settings; the service has /etc/plateward/edge.toml"
    return fail("settings", str(error), do)


@contextmanager
def _log_kept_quiet() -> Iterator[None]:
    """Log nothing: standard output is for findings, and what would be logged is among them."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _checks(settings: Settings) -> list[Check]:
    """Every check of this unit."""
    # What these warn of is among the findings.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "ERROR")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _AV_LOG_QUIET)
    # What opens cameras and models takes a second to load: other commands do without.
    from edge.bootstrap.daemon import build_clock
    from edge.doctor.broker_checks import check_broker
    from edge.doctor.certificate_checks import check_certificates
    from edge.doctor.daemon_check import check_daemon, running_status
    from edge.doctor.data_checks import check_clock, check_hotlists, check_models, utc_now
    from edge.doctor.device_checks import check_camera, check_place, judge_camera, judge_place
    from edge.doctor.disk_checks import check_disk, check_spool
    from edge.doctor.key_checks import check_keys
    from edge.doctor.theft_checks import check_theft
    from edge.doctor.web_checks import LIMIT_S, check_web
    from edge.position.kernel_clock import kernel_error_ms

    data, now = settings.unit.data, utc_now()
    status = running_status(data)
    told = None if status is None or status.starting else status
    connected = told is not None and told.uplink.connected
    lists = {one.name for one in settings.hotlists}
    checks = [
        Check("daemon", lambda: check_daemon(status, data, lists)),
        Check("disk", lambda: check_disk(data, settings.spool.reserve_bytes)),
        Check(
            "spool",
            lambda: check_spool(data, settings.unit.keys, settings.spool.limit_bytes(data)),
            60.0,
        ),
        Check("keys", lambda: check_keys(settings, runs=status is not None)),
        Check("theft", lambda: check_theft(settings)),
        Check("certificates", lambda: check_certificates(settings, now)),
        Check("broker", lambda: check_broker(settings, now, daemon_connected=connected)),
        Check("clock", lambda: check_clock(told, kernel_error_ms, now)),
        Check("hot lists", lambda: check_hotlists(settings, told, now)),
        Check("hot list updates", lambda: check_web(settings, now, runs=told is not None), LIMIT_S),
        Check("models", lambda: check_models(settings), 60.0),
    ]
    if told is not None:
        checks.append(Check("gps", partial(judge_place, settings, told)))
        return checks + [
            Check(f"camera {one.name}", partial(judge_camera, one, told))
            for one in settings.cameras
        ]
    if status is not None:
        return checks  # it opens its devices now, and says nothing of them yet
    clock = build_clock(None)
    build = partial(_build_position, settings, clock)
    checks.append(Check("gps", partial(check_place, settings, build, clock.now_s)))
    return checks + [
        Check(f"camera {one.name}", partial(check_camera, one, clock.instant), 40.0)
        for one in settings.cameras
    ]


def _build_position(
    settings: Settings, clock: UnitClock, health: Health
) -> tuple[PositionSource, Callable[[threading.Event], None] | None]:
    from edge.bootstrap.position import build_position

    return build_position(settings.position, clock, health)
