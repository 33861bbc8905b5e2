"""Measure the daemon as it runs in a car: live cameras, engine, tracker, hot list, spool, alerts.

Two drawn drives of 1280 by 720 pixels are served as network cameras (MJPEG over HTTP) at `--fps`
frames a second, in real time. The first picture stands for three seconds, while the daemon loads
its models beside cameras that are open already. 'alpr-edge run' reads them in a process of its
own, with a hot list of a share of the cars and its spool on the disk of `--folder`; no broker
answers. What is measured:

- `fps`: frames a second that were looked at, of all cameras together; `skipped_share`: the share
  of all frames sent that were not, whatever the reason.
- `alert_p50_ms`, `alert_p95_ms`: from the capture of the frame that rang to the moment when the
  alert, stored by then, was on the console, as the daemon times it; `alert_seen_p95_ms`: to the
  moment when this bench had read it from the daemon's standard output. Capture is when the frame
  was decoded: what a camera and its network take comes on top.
- `cpu_share`: processor time of the daemon over the time that it was being fed, where 1 is one
  processor; `rss_mb`: the most memory that it held; `frame_p50_ms`: work on one frame.
- `frames`, `reads`, `hits`: what the daemon counted. `cars_expected`: cars in the drives,
  `cars_found`: those whose plate, O and 0 or I and 1 alike, is among the reads; `hits_expected`:
  cars on the hot list, `hits_found`: those that rang before or at the end of their pass.
- `cold_start_s`: from the start of the process to its first read on the console, of a picture
  that lies ready.
- With `--soak-frames`: the drives run over and over for that many frames or `--soak-seconds`;
  `soak_rss_mb` is the memory at a tenth, the middle and the end of them, `soak_frames` how many
  were looked at.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import psutil

from benches._streams import Drive, Stream, drive, served
from demo_drive.drive import DriveOptions
from demo_site.processes import BIN, command, free_port

EXAMPLE = "Example: scripts/bench edge --seconds 25 --json"
FPS = 10.0
CARS = 11
CARS_PER_S = 0.7
"""More do not fit on the way that a drive of so many seconds covers."""

_FIRST_PICTURE_WITHIN_S = 60.0
_STOPS_WITHIN_S = 60.0
_STANDS_S = 3.0
_SETTLES_S = 4.0
"""A pass ends when its plate has not been seen for three seconds."""


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--seconds", type=click.IntRange(10, 120), default=25, show_default=True)
@click.option("--fps", type=click.FloatRange(1, 60), default=FPS, show_default=True)
@click.option("--listed-share", type=click.FloatRange(0, 1), default=0.5, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--soak-frames", type=click.IntRange(0), default=0, help="Frames of a soak after it.")
@click.option("--soak-seconds", type=click.IntRange(10), default=300, show_default=True)
@click.option(
    "--drives",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps the drawn drives for the next run; drawing takes minutes.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Folder on the disk to measure; the system's for temporary files by default.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def main(
    seconds: int,
    fps: float,
    listed_share: float,
    seed: int,
    soak_frames: int,
    soak_seconds: int,
    drives: Path | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """See the module."""
    with tempfile.TemporaryDirectory(prefix="bench-edge-", dir=folder) as place:
        work = Path(place)
        cars = min(CARS, int(CARS_PER_S * seconds))
        options = [
            DriveOptions(seed=seed + one, cars=cars, frames=round(seconds * FPS), frames_per_s=FPS)
            for one in range(2)
        ]
        _say("drawing two drives, unless they are kept from before")
        drawn = [drive(drives or work / "drives", one) for one in options]
        unit = Unit.laid_out(work / "unit", drawn, listed_share)
        _say("the cold start")
        figures: dict[str, Any] = {"cold_start_s": round(_cold_start(unit, drawn[0]), 2)}
        _say(f"two cameras at {fps:g} frames a second for {seconds} seconds")
        frames = round(seconds * fps)
        figures |= _run(unit, drawn, fps, frames).figures(unit)
        if soak_frames:
            _say(f"a soak of {soak_frames} frames, for {soak_seconds} s at most")
            figures |= _soak(unit, drawn, soak_frames, soak_seconds)
    print(json.dumps(figures) if as_json else _as_table(figures))


@dataclass(frozen=True)
class Unit:
    """A unit laid out in a folder, and the plates on its hot list."""

    folder: Path
    plates: tuple[str, ...]
    listed: tuple[str, ...]

    @classmethod
    def laid_out(cls, folder: Path, drives: Sequence[Drive], share: float) -> Unit:
        """Make the unit's keys and its hot list."""
        folder.mkdir(parents=True)
        for name in ("keys", "repository"):
            command([str(BIN / "alpr-edge"), "enrol", "--keys", str(folder / name)])
        plates = [plate for one in drives for plate in one.plates]
        listed = plates[:: max(1, round(1 / share))] if share else []
        with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["plate", "state", "kind", "priority"])
            rows.writerows([plate, "", "stolen_vehicle", 1] for plate in listed or ["NOBODY1"])
        return cls(folder, tuple(plates), tuple(listed))

    def settings(self, sources: Sequence[str], *, max_fps: float = FPS) -> Path:
        """Settings with an empty spool and these cameras."""
        data = self.folder / f"data-{len(list(self.folder.glob('data-*')))}"
        cameras = "".join(
            f'[[cameras]]\nname = "camera-{number}"\nsource = "{source}"\nmax_fps = {max_fps}\n'
            for number, source in enumerate(sources)
        )
        path = data.with_suffix(".toml")
        path.write_text(
            f'[unit]\nagency = "bench"\nname = "unit"\nkeys = "keys"\ndata = "{data}"\n{cameras}'
            '[[hotlists]]\nname = "listed"\npath = "list.csv"\n[hotlists.alerts]\n'
            'repeat_after_s = 0\n[position]\nkind = "none"\n[uplink]\nhost = "127.0.0.1"\n'
            f'port = {free_port()}\nrepository_public_key = "repository/unit.pub"\n',
            encoding="utf-8",
        )
        data.mkdir()
        return path


@dataclass
class Daemon:
    """A running daemon, what it said on its console, and when."""

    settings: Path
    process: subprocess.Popen[str]
    events: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    said: threading.Event = field(default_factory=threading.Event)
    peak_rss: int = 0

    @classmethod
    def start(cls, settings: Path) -> Daemon:
        """Start 'alpr-edge run' and listen to it."""
        log = settings.with_suffix(".log").open("w", encoding="utf-8")
        with log:
            process = subprocess.Popen(
                [str(BIN / "alpr-edge"), "run", "--settings", str(settings), "--console", "json"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        daemon = cls(settings, process)
        threading.Thread(target=daemon._listen, name="console", daemon=True).start()
        return daemon

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.events.append((time.time(), json.loads(line)))
            self.said.set()

    def log_end(self) -> str:
        """The end of its log."""
        return self.settings.with_suffix(".log").read_text(encoding="utf-8")[-2000:]

    def require_alive(self) -> None:
        """Raise ClickException if it has ended by itself."""
        if (status := self.process.poll()) is not None:
            raise click.ClickException(f"the daemon ended with status {status}: {self.log_end()}")

    @property
    def rss(self) -> int:
        """Memory held now, in bytes."""
        rss = int(psutil.Process(self.process.pid).memory_info().rss)
        self.peak_rss = max(self.peak_rss, rss)
        return rss

    @property
    def cpu_s(self) -> float:
        """Processor time taken so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def stop(self) -> dict[str, Any]:
        """End it in good order; gives its last status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(_STOPS_WITHIN_S)
        data = self.settings.with_suffix("")
        status: dict[str, Any] = json.loads((data / "status.json").read_text(encoding="utf-8"))
        return status

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Outcome:
    """What a run gave."""

    sent: int
    seconds: float
    cpu_s: float
    peak_rss: int
    status: dict[str, Any]
    events: Sequence[tuple[float, dict[str, Any]]]

    def figures(self, unit: Unit) -> dict[str, Any]:
        """The figures of the bench."""
        counters, durations = self.status["counters"], self.status["durations"]
        alert = durations.get("frame_to_alert_ms", {"p50_ms": None, "p95_ms": None})
        reads = [event for _, event in self.events if event["event"] == "read"]
        found = {_folded(event["plate"]) for event in reads}
        rang = {
            _folded(hit["listed"])
            for _, event in self.events
            for hit in event["hits"]
            if hit["rang"]
        }
        seen_ms = sorted(
            (at_s - datetime.fromisoformat(event["captured_at"]).timestamp()) * 1000
            for at_s, event in self.events
            if event["event"] == "hit"
        )
        frames = counters.get("frames", 0)
        return {
            "fps": round(frames / self.seconds, 2),
            "skipped_share": round(1 - frames / self.sent, 4),
            "alert_p50_ms": _rounded(alert["p50_ms"]),
            "alert_p95_ms": _rounded(alert["p95_ms"]),
            "alert_seen_p95_ms": _rounded(_percentile(seen_ms, 95)),
            "frame_p50_ms": _rounded(durations["frame_ms"]["p50_ms"]),
            "frame_p95_ms": _rounded(durations["frame_ms"]["p95_ms"]),
            "cpu_share": round(self.cpu_s / self.seconds, 2),
            "rss_mb": round(self.peak_rss / 1e6),
            "frames": frames,
            "frames_sent": self.sent,
            "reads": counters.get("reads", 0),
            "hits": counters.get("hits", 0),
            "hits_early": sum(len(e["hits"]) for _, e in self.events if e["event"] == "hit"),
            "hits_expected": len(unit.listed),
            "hits_found": sum(_folded(plate) in rang for plate in unit.listed),
            "seconds": round(self.seconds, 1),
            "cars_expected": len(unit.plates),
            "cars_found": sum(_folded(plate) in found for plate in unit.plates),
            "processors": len(os.sched_getaffinity(0)),
        }


def _run(unit: Unit, drives: Sequence[Drive], fps: float, frames: int) -> Outcome:
    streams = tuple(Stream(one.pictures, fps, frames, stands_s=_STANDS_S) for one in drives)
    with ExitStack() as stack:
        sources = stack.enter_context(served(streams))
        daemon = stack.enter_context(Daemon.start(unit.settings(sources)))
        _wait(lambda: all(one.began_s is not None for one in streams), daemon)
        began_s, cpu_s = time.monotonic(), daemon.cpu_s
        while not all(one.ended.is_set() for one in streams):
            daemon.require_alive()
            _ = daemon.rss
            time.sleep(0.2)
        seconds, cpu_s = time.monotonic() - began_s, daemon.cpu_s - cpu_s
        time.sleep(_SETTLES_S)
        status = daemon.stop()
        sent = sum(one.sent for one in streams)
        return Outcome(sent, seconds, cpu_s, daemon.peak_rss, status, list(daemon.events))


def _soak(unit: Unit, drives: Sequence[Drive], frames: int, seconds: int) -> dict[str, Any]:
    """Feed the drives over and over, faster than they can be read."""
    fps, rss = 30.0, []
    streams = tuple(Stream(one.pictures, fps, round(fps * seconds)) for one in drives)
    with ExitStack() as stack:
        sources = stack.enter_context(served(streams))
        daemon = stack.enter_context(Daemon.start(unit.settings(sources, max_fps=fps)))
        _wait(lambda: all(one.began_s is not None for one in streams), daemon)
        status_file = daemon.settings.with_suffix("") / "status.json"
        began_s, looked = time.monotonic(), 0
        for share in (0.1, 0.5, 1.0):
            while looked < share * frames and time.monotonic() - began_s < share * seconds:
                time.sleep(1)
                daemon.require_alive()
                if status_file.exists():
                    status = json.loads(status_file.read_text(encoding="utf-8"))
                    looked = status["counters"].get("frames", 0)
            rss.append(round(daemon.rss / 1e6))
            _say(f"{looked} frames, {rss[-1]} MB")
        status = daemon.stop()
    return {
        "soak_frames": status["counters"].get("frames", 0),
        "soak_reads": status["counters"].get("reads", 0),
        "soak_seconds": round(time.monotonic() - began_s),
        "soak_rss_mb": rss,
    }


def _cold_start(unit: Unit, first: Drive) -> float:
    """Seconds from the process's start to its first read."""
    folder = unit.folder / "pictures"
    folder.mkdir()
    (folder / "000.jpg").write_bytes(first.pictures[2])
    began_s = time.time()
    with Daemon.start(unit.settings([str(folder)])) as daemon:
        _wait(daemon.said.is_set, daemon)
        return daemon.events[0][0] - began_s


def _wait(done: Any, daemon: Daemon) -> None:
    until_s = time.monotonic() + _FIRST_PICTURE_WITHIN_S
    while not done():
        daemon.require_alive()
        if time.monotonic() > until_s:
            raise click.ClickException(f"the daemon saw no picture: {daemon.log_end()}")
        time.sleep(0.05)


def _percentile(ordered: Sequence[float], percent: int) -> float | None:
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _folded(plate: str) -> str:
    return plate.replace("O", "0").replace("I", "1")


def _say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", file=sys.stderr, flush=True)


def _as_table(figures: dict[str, Any]) -> str:
    return "\n".join(f"{name:20} {value}" for name, value in figures.items())


if __name__ == "__main__":
    main(prog_name="scripts/bench edge")
