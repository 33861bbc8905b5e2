"""Measure the spool: how fast it makes reads durable, and how fast it empties.

What is measured:

- `records_per_s`: reads with two pictures, each stored by a transaction of its own that is on the
  disk before the next begins, as a camera's thread does it; `plain_records_per_s`: without
  pictures; `cameras_records_per_s`: with pictures, from `--cameras` threads at once.
- `fsync_per_s`, `plain_fsync_per_s`: the same bytes, that is each read's canonical JSON and its
  pictures, written to the end of a file beside the spool and synced, one read after the other. The
  two take turns of a few seconds' reads, so that both meet the same moods of the disk.
- `ratio`, `plain_ratio`, `cameras_ratio`: the spool's rate over that of the file.
- `drain_s`: from the start of the uplink to the receipt of the last of `--records` reads without
  pictures, through a mosquitto and a repository of their own on loopback, the unit in this process;
  `drain_per_s`: reads a second. A unit's settings bound the bytes a second; `--bytes-per-s` does
  so here, by default beyond what matters. `--dsn` names the address of an empty PostgreSQL
  database to use; without it the repository uses SQLite.

The disk is that of `--folder`.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from benches._mosquitto import mosquitto
from demo_site import site as sites
from demo_site.processes import DemoError, end, start, wait_for_line
from edge.contract import records as r
from edge.enrolment import load_keys, load_public_key
from edge.spool.store import Spool
from edge.uplink.messages import Pace
from edge.uplink.mqtt import LinkSettings
from edge.uplink.uplink import Uplink

EXAMPLE = "Example: scripts/bench spool --adds 500 --records 10000 --json"
TURN = 50
FILL_AT_ONCE = 250
_STARTS_WITHIN_S = 60.0
_DRAINS_WITHIN_S = 3600.0

Figures = dict[str, Any]
Build = Callable[[int], r.AnyRecord]


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--adds", type=click.IntRange(TURN), default=2000, show_default=True)
@click.option("--records", type=click.IntRange(0), default=100_000, show_default=True)
@click.option("--cameras", type=click.IntRange(1), default=4, show_default=True)
@click.option("--plate-bytes", type=click.IntRange(1), default=6_000, show_default=True)
@click.option("--scene-bytes", type=click.IntRange(1), default=60_000, show_default=True)
@click.option("--bytes-per-s", type=click.IntRange(1024), default=2**30, show_default=True)
@click.option("--dsn", help="PostgreSQL database for the repository of the drain.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to work.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(
    adds: int,
    records: int,
    cameras: int,
    plate_bytes: int,
    scene_bytes: int,
    bytes_per_s: int,
    dsn: str | None,
    seed: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Measure what the options ask for and print the figures."""
    report: Figures = {
        "adds": adds,
        "records": records,
        "cameras": cameras,
        "plate_bytes": plate_bytes,
        "scene_bytes": scene_bytes,
        "bytes_per_s": bytes_per_s,
        "database": "postgresql" if dsn else "sqlite",
        "seed": seed,
    }
    reads = Reads(random.Random(seed))  # noqa: S311 - invented plates
    with tempfile.TemporaryDirectory(prefix="bench-spool-", dir=folder) as work:
        sizes = (plate_bytes, scene_bytes)
        _say("storing reads with pictures")
        report |= storing(Path(work) / "pictures", reads, adds, sizes, cameras)
        _say("storing reads without pictures")
        plain = storing(Path(work) / "plain", reads, adds, (), 1)
        report |= {f"plain_{name}": plain[name] for name in ("records_per_s", "fsync_per_s")}
        report["plain_ratio"] = plain["ratio"]
        if records:
            try:
                report |= draining(Path(work) / "site", reads, records, bytes_per_s, dsn)
            except DemoError as error:
                raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report))
        return
    for name, value in report.items():
        click.echo(f"{name:<24} {value}")


@dataclass
class Reads:
    """Invented reads of one unit, as full as real ones: seven characters, three readings each."""

    rng: random.Random

    def read(self, pictures: Sequence[bytes]) -> Build:
        """The builder of a read with these pictures, the first its plate's."""
        now = datetime.now(UTC)
        plate = "".join(self.rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ0123456789", k=7))
        kinds = ("plate", "scene")
        facts: dict[str, Any] = {
            "id": r.mint_id(now, self.rng.randbytes),
            "salt": self.rng.randbytes(16).hex(),
            "plate": plate,
            "characters": tuple(self._character(char) for char in plate),
            "pictures": tuple(
                r.Picture(
                    kind=kinds[number],  # type: ignore[arg-type]
                    sha256=sha256(content).hexdigest(),
                    size_bytes=len(content),
                    width_px=1280,
                    height_px=720,
                    box=None,
                )
                for number, content in enumerate(pictures)
            ),
        }
        return lambda seq: r.Read(
            agency=sites.AGENCY,
            unit=sites.UNIT,
            seq=seq,
            captured_at=now,
            clock=r.Clock(source="gps", error_ms=2.0),
            camera=sites.CAMERA,
            confidence=0.97,
            state=r.StateOfIssuance(
                code="MA",
                confidence=0.91,
                alternatives=(r.StateAlternative(code="NH", probability=0.05),),
            ),
            position=r.NoPosition(reason="no_receiver"),
            hits=(),
            engine=r.Engine(
                software="plateward bench",
                models=(r.ModelDigest(name="detector", sha256="0" * 64),),
            ),
            frames=12,
            first_seen=now,
            last_seen=now,
            **facts,
        )

    def _character(self, char: str) -> r.Character:
        others = self.rng.sample("XYWV810", 2)
        alternatives = [(char, 0.97), *((other, 0.01) for other in others if other != char)]
        return r.Character(
            alternatives=tuple(
                r.Alternative(char=one, probability=probability)
                for one, probability in alternatives
            )
        )


def storing(folder: Path, reads: Reads, adds: int, sizes: Sequence[int], cameras: int) -> Figures:
    """Rates of storing reads with pictures of these sizes, beside a synced file."""
    folder.mkdir()
    spool_s = file_s = cameras_s = 0.0
    done = 0
    with ExitStack() as stack:
        spool = stack.enter_context(_spool(folder / "spool"))
        shared = stack.enter_context(_spool(folder / "shared"))
        file = stack.enter_context((folder / "file").open("ab", buffering=0))
        while done < adds:
            turn = [_with_pictures(reads, sizes) for _ in range(min(TURN, adds - done))]
            spool_s += _timed(lambda: _add_all(spool, turn))  # noqa: B023 - called at once
            file_s += _timed(lambda: _write_all(file.fileno(), turn))  # noqa: B023
            if cameras > 1:
                cameras_s += _timed(lambda: _add_from(shared, turn, cameras))  # noqa: B023
            done += len(turn)
            _say(f"{done} of {adds}", end="\r")
    _say("")
    figures: Figures = {
        "records_per_s": round(adds / spool_s, 1),
        "fsync_per_s": round(adds / file_s, 1),
        "ratio": round(file_s / spool_s, 3),
    }
    if cameras > 1:
        figures["cameras_records_per_s"] = round(adds / cameras_s, 1)
        figures["cameras_ratio"] = round(file_s / cameras_s, 3)
    return figures


def draining(
    folder: Path, reads: Reads, records: int, bytes_per_s: int, dsn: str | None
) -> Figures:
    """How long a filled spool takes to empty into a real broker and repository."""
    _say("laying out a repository and a broker")
    site = sites.lay_out(folder, str(folder), None, None, database=dsn)
    keys = load_keys(folder / "keys")
    with (
        mosquitto(site.logs, site.broker_port),
        _ingest(site),
        Spool.open(folder / "spool", keys.spool_key, agency=sites.AGENCY, unit=sites.UNIT) as spool,
    ):
        left = records
        while left:
            number = min(left, FILL_AT_ONCE)
            spool.add([reads.read(()) for _ in range(number)], {})
            left -= number
        _say(f"draining {records} reads")
        started = time.perf_counter()
        _drain(spool, site, folder, bytes_per_s)
        drain_s = time.perf_counter() - started
    return {"drain_s": round(drain_s, 2), "drain_per_s": round(records / drain_s, 1)}


def _drain(spool: Spool, site: sites.Site, folder: Path, bytes_per_s: int) -> None:
    uplink = Uplink(
        spool,
        load_keys(folder / "keys").signing_key,
        load_public_key(folder / "repository" / "keys" / "receipts.pub"),
        LinkSettings(host="127.0.0.1", port=site.broker_port),
        software="plateward bench",
        pace=Pace(bytes_per_s=bytes_per_s, burst_bytes=bytes_per_s, window_bytes=2**20),
        on_problem=lambda of, sentence: _say(f"{of}: {sentence}") if sentence else None,
        on_refusal=lambda refused: _say(f"refused: {refused}"),
    )
    uplink.start()
    deadline = time.monotonic() + _DRAINS_WITHIN_S
    try:
        while waiting := spool.counts().waiting:
            if time.monotonic() > deadline:
                raise DemoError(f"{waiting} records still wait; see {site.logs}")
            _say(f"{waiting} wait   ", end="\r")
            time.sleep(0.05)
    finally:
        uplink.stop()
    _say("")


@contextmanager
def _ingest(site: sites.Site) -> Iterator[None]:
    log = site.logs / "repository.log"
    process = start(site.repository("run", "--only", "ingest"), log)
    try:
        wait_for_line(log, "taking messages", process, _STARTS_WITHIN_S)
        yield
    finally:
        end(process)


def _spool(folder: Path) -> Spool:
    return Spool.open(folder, os.urandom(32), agency=sites.AGENCY, unit=sites.UNIT)


def _with_pictures(reads: Reads, sizes: Sequence[int]) -> tuple[Build, dict[str, bytes]]:
    contents = [reads.rng.randbytes(size) for size in sizes]
    return reads.read(contents), {sha256(content).hexdigest(): content for content in contents}


def _add_all(spool: Spool, turn: Sequence[tuple[Build, dict[str, bytes]]]) -> None:
    for build, pictures in turn:
        spool.add([build], pictures)


def _add_from(spool: Spool, turn: Sequence[tuple[Build, dict[str, bytes]]], cameras: int) -> None:
    threads = [
        threading.Thread(target=_add_all, args=(spool, turn[camera::cameras]))
        for camera in range(cameras)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write_all(descriptor: int, turn: Sequence[tuple[Build, dict[str, bytes]]]) -> None:
    for build, pictures in turn:
        os.write(descriptor, b"".join([r.encode_record(build(1)), *pictures.values()]))
        os.fsync(descriptor)


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _say(text: str, end: str = "\n") -> None:
    sys.stderr.write(text + end)
    sys.stderr.flush()


if __name__ == "__main__":
    main(prog_name="scripts/bench spool")
