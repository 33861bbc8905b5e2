"""What a recorder does while the disk refuses."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edge.contract.records import AnyRecord
from edge.spool.errors import SpoolError
from tests.edge.recording_parts import START, recording


class Waits(threading.Event):
    """An end that never comes, and notes how long it is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(timeout)
        return False


def test_a_disk_that_refused_is_asked_again_within_two_seconds(tmp_path: Path) -> None:
    answers = iter([SpoolError("no room")] * 8)

    def add() -> Sequence[AnyRecord]:
        if (refused := next(answers, None)) is not None:
            raise refused
        return ()

    waits = Waits()
    with recording(tmp_path, [START]) as recorder:
        assert replace(recorder, give_up=waits).store(add) == ()
        assert "spool" not in recorder.health.report().troubles
    assert len(waits.waited_s) == 8
    assert max(wait for wait in waits.waited_s if wait is not None) <= 2.0
