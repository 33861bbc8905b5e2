"""Every part of a real unit says that it lives while nothing happens, whatever it lacks.

One that does not is taken for hung after its limit, minutes later, and the process ends for it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from edge.bootstrap import daemon as bootstrap
from edge.enrolment import enrol
from edge.settings import load_settings
from edge.supervision.hearts import Hearts
from tests.servers import free_port

WITHIN_S = 30.0
UNIT = """
[unit]
agency = "northfield-pd"
name = "car-1"
keys = "keys"
data = "data"
[[cameras]]
name = "front"
source = "http://127.0.0.1:{camera}/"
[position]
kind = "serial"
port = "/dev/there-is-none"
[metrics]
port = {metrics}
[uplink]
host = "127.0.0.1"
port = {broker}
repository_public_key = "repository/unit.pub"
{lists}
"""
OWN_LIST = '[[hotlists]]\nname = "own"\npath = "own.csv"\n'


class Counting(Hearts):
    """Counts how often each part beats."""

    def __init__(self) -> None:
        super().__init__()
        self.beats: Counter[str] = Counter()

    def beat(self, part: str | None = None) -> None:
        name = part if part is not None else getattr(self._mine, "part", None)
        self.beats[str(name)] += 1
        super().beat(part)

    @property
    def quiet(self) -> list[str]:
        """The parts that are to beat and have not twice."""
        return [part for part in list(self._hearts) if self.beats[part] < 2]


@pytest.mark.parametrize("lists", ["", OWN_LIST], ids=["no list", "a department's own"])
def test_every_part_beats_while_nothing_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists: str
) -> None:
    for name in ("keys", "repository"):
        enrol(tmp_path / name)
    (tmp_path / "own.csv").write_text("plate,state\n7KLM915,MA\n", encoding="utf-8")
    text = UNIT.format(camera=free_port(), metrics=free_port(), broker=free_port(), lists=lists)
    (tmp_path / "unit.toml").write_text(text, encoding="utf-8")
    hearts = Counting()
    monkeypatch.setattr(bootstrap, "Hearts", lambda: hearts)
    with bootstrap.build_daemon(load_settings(tmp_path / "unit.toml"), "none") as daemon:
        running = threading.Thread(target=daemon.run, name="daemon")
        running.start()
        try:
            until_s = time.monotonic() + WITHIN_S
            while (not hearts.beats or hearts.quiet) and time.monotonic() < until_s:
                time.sleep(0.1)
            quiet = hearts.quiet
        finally:
            daemon.stop()
            running.join()
    assert quiet == []
    assert {"housekeeping", "hot-lists", "camera-front"} <= set(hearts.beats)
