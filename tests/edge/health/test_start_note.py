"""The note of a start goes with an end that the daemon meets, and stays of one that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.health.health import Health
from edge.health.start_note import noting_start, start_note
from edge.health.status import Status, read_status, write_status
from edge.health.status_text import Standing, status_text
from tests.edge.health.test_status import make


def note() -> Status:
    return start_note("northampton-pd", "car-12", "plateward 1", Health().report())


def left(path: Path, status: Status | None) -> bool:
    """What the next start says of a daemon that left this in its file."""
    if status is not None:
        write_status(path, status)
    with noting_start(path, note()) as ended_unclean:
        return ended_unclean


def test_the_first_start_has_none_before_it(tmp_path: Path) -> None:
    assert left(tmp_path / "status.json", None) is False


@pytest.mark.parametrize(
    ("status", "unclean"),
    [(make(), True), (make(stopped=True), False), (note(), True)],
)
def test_a_status_without_its_end_was_left_by_a_daemon_that_met_none(
    tmp_path: Path, status: Status, unclean: bool
) -> None:
    assert left(tmp_path / "status.json", status) is unclean
    assert left(tmp_path / "status.json", None) is False


def test_it_says_that_the_daemon_starts(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with noting_start(path, note()):
        status, written_s = read_status(path)
    assert (status.starting, status.stopped) == (True, False)
    standing = Standing.of(status, written_s, written_s + 300)
    assert standing.runs, "models may load for minutes"
    said = status_text(status, standing).splitlines()
    assert len(said) == 2, "nothing is said of parts that are not there yet"
    assert "starts since" in said[1]


def test_a_start_that_fails_clears_it(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with pytest.raises(OSError, match="no models"), noting_start(path, note()):
        raise OSError("no models")
    status, written_s = read_status(path)
    assert status.stopped
    said = status_text(status, Standing.of(status, written_s, written_s + 5)).splitlines()
    assert said[1].startswith("The daemon DOES NOT RUN: it ended while it started, 5.0 s ago")


def test_what_the_daemon_says_of_itself_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with noting_start(path, note()):
        write_status(path, make())
    assert read_status(path)[0] == make()


def test_a_disk_that_refuses_keeps_no_daemon_from_its_start(tmp_path: Path) -> None:
    with noting_start(tmp_path / "gone" / "status.json", note()) as ended_unclean:
        assert ended_unclean is False
