"""The daemon's command: its log ends nothing, its help says every exit status and signal."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from edge.cli import main
from edge.commands.run import (
    NOT_COMPLETE,
    PART_FAILED,
    LogFormat,
    _log_thread_fault,
    _log_to_stderr,
)
from edge.daemon import EXIT_STUCK, DaemonError
from edge.health.health import Health
from tests.edge.doctor.units import write_settings


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_that_a_full_disk_refuses_ends_nothing(
    form: LogFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    with io.FileIO("/dev/full", "w") as device:
        full = io.TextIOWrapper(device, encoding="utf-8", write_through=True)  # type: ignore[type-var]
        with pytest.raises(OSError, match="No space left"):
            full.write("this disk is full")
        monkeypatch.setattr(sys, "stderr", full)
        try:
            _log_to_stderr(form)
            health = Health()
            assert health.trouble("disk", "it is full")
            assert health.recovered("disk")
        finally:
            structlog.reset_defaults()
            full.detach()


def test_the_help_says_every_exit_status_and_what_signals_do() -> None:
    said = CliRunner().invoke(main, ["run", "--help"]).output
    for status in (0, 1, 2, NOT_COMPLETE, PART_FAILED, EXIT_STUCK):
        assert f"\n    {status}  " in said
    for word in ("SIGTERM", "receipts", "second"):
        assert word in said


def test_a_part_that_failed_for_good_has_an_exit_status_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def __init__(self, *_: object) -> None: ...
        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_: object) -> None: ...
        def stop(self) -> None: ...
        def run(self, **_: object) -> None:
            raise DaemonError("camera-front failed 6 times")

    monkeypatch.setattr("edge.bootstrap.daemon.build_daemon", Failing)
    monkeypatch.setattr("edge.commands.run._on_signals", lambda stop: None)
    monkeypatch.setattr("edge.commands.run._log_to_stderr", lambda form: None)
    done = CliRunner().invoke(main, ["run", "--settings", str(write_settings(tmp_path))])
    assert done.exit_code == PART_FAILED
    assert "camera-front failed 6 times" in done.output


def test_a_thread_that_breaks_says_where_and_not_what(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plate = "".join(["ABC", "123"])

    def breaks() -> None:
        raise ValueError(plate)

    monkeypatch.setattr(threading, "excepthook", _log_thread_fault)
    thread = threading.Thread(target=breaks, name="uplink")
    thread.start()
    thread.join()
    said = "".join(capsys.readouterr())
    assert "uplink" in said
    assert "in breaks" in said
    assert plate not in said


def test_every_command_is_found_by_its_name() -> None:
    listed = subprocess.run(
        [Path(sys.executable).parent / "alpr-edge", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in ("run", "status", "doctor", "enrol", "settings", "models"):
        assert f"\n  {name} " in listed
    unknown = CliRunner().invoke(main, ["nonsense"])
    assert unknown.exit_code == 2
    assert "No such command" in unknown.output
