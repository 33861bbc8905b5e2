"""Measure ingest: reads a second from MQTT messages to committed rows, signatures verified.

What is measured:

- `reads_per_s`: signed batches of `--units` units wait in the sessions of `--processes` ingest
  processes at a real mosquitto, while these are stopped (SIGSTOP); from the moment they go on until
  every read is committed in PostgreSQL. Batches of a unit come to the processes in random turns,
  no more than four of a unit at once, as the uplink sends them; what no process took in time is
  sent again.
- `copy_per_s`: the server's own COPY of the same rows, that is of the reads and of the facts of
  their pictures, in binary form and from memory, into tables with the same columns, partitions and
  indexes, committed; the median of three, in the same run. `copy_of_reads_alone_per_s` is without
  the pictures' facts.
- `ratio`: the first over the second.
- `processor_us_per_read`: processor time of the ingest processes, the server, the broker, and the
  bench itself (who sends and watches), in that time; `copy_processor_us_per_read` is the server's
  for that COPY. Other work on the machine does not blur these: on two free cores a read takes half
  of their sum. The server's is known where it is the bench's own.
- `ingest_us_per_read`: where one ingest process spends its processor time on a read, measured
  apart: it takes the batches of some more units, without a broker. Each part is without those
  within it; of the database it is the client's side alone.

Without `--dsn` a PostgreSQL of its own is started; with it, give the address of an empty database.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import func, select, text

from benches._copy_rates import copy_rates
from benches._mosquitto import LONG_QUEUES, mosquitto
from benches._postgresql import postgresql
from benches._processor import parent_of, spent_s
from benches._unit_batches import AGENCY, Message, Unit
from benches._unit_sender import Sender
from demo_site.processes import BIN, DemoError, end, free_port, start, wait_for_line
from repository import bootstrap
from repository.bootstrap import Services
from repository.ingest import arrived, collector, opening, take, verify, work
from repository.ingest.take import Ingest
from repository.retention import holds
from repository.settings import load_settings
from repository.store import bulk, plates
from repository.store.tables.fleet import chains
from repository.store.tables.reads import reads
from repository.units import enrolment

EXAMPLE = "Example: scripts/bench ingest --units 100 --records 100000 --json"
_STARTS_WITHIN_S = 60.0

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Load:
    """What is sent: ``reads`` is of each unit."""

    units: int
    reads: int
    batch: int
    processes: int
    seed: int


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--units", type=click.IntRange(1), default=100, show_default=True)
@click.option(
    "--records", type=click.IntRange(1), default=100_000, show_default=True, help="In all."
)
@click.option("--batch", type=click.IntRange(1, 500), default=250, show_default=True)
@click.option("--processes", type=click.IntRange(1, 8), default=2, show_default=True)
@click.option("--dsn", help="Address of an empty PostgreSQL database.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(
    units: int,
    records: int,
    batch: int,
    processes: int,
    dsn: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Measure what the options ask for and print the figures."""
    report: Figures = {
        "units": units,
        "records": records,
        "batch": batch,
        "processes": processes,
        "seed": seed,
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-ingest-")))
        try:
            address = dsn or stack.enter_context(postgresql())
            load = _Load(units, max(1, records // units), batch, processes, seed)
            report |= _measure(folder, address, load, own_server=dsn is None)
        except DemoError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report))
        return
    for name, value in report.items():
        click.echo(f"{name:<14} {value}")


def _measure(folder: Path, dsn: str, load: _Load, *, own_server: bool) -> Figures:
    rng = random.Random(load.seed)  # noqa: S311 - invented reads
    now = datetime.now(UTC)
    total = load.reads * load.units
    port = free_port()
    services = _repository(folder, dsn, port)
    _say(f"making {total} signed reads")
    fleet = [Unit(f"car-{number}", rng, now) for number in range(load.units)]
    spare = [Unit(f"spare-{number}", rng, now) for number in range(min(load.units, 20))]
    _enrol(services, [*fleet, *spare])
    messages = {unit.name: list(unit.messages(load.reads, load.batch)) for unit in fleet}
    report: Figures = {"records": total}
    report["bytes_per_read"] = round(
        sum(len(one.body) for sent in messages.values() for one in sent) / total
    )
    server = _server(services) if own_server else []
    with mosquitto(folder, port, *LONG_QUEUES) as broker:
        sender = Sender(port, services.engine, messages, rng)
        watched = {"postgresql": server, "broker": [broker], "bench": [os.getpid()]}
        report |= _end_to_end(folder, sender, total, load.processes, watched)
        sender.close()
    _say("COPY of the same rows")
    _require_all(services, total)
    with services.engine.connect() as connection:
        report |= copy_rates(connection, total, lambda: spent_s({"it": server})["it"])
    report["ratio"] = round(report["reads_per_s"] / report["copy_per_s"], 3)
    _say("one process alone")
    alone = [
        message for unit in spare for message in unit.messages(min(load.reads, 500), load.batch)
    ]
    report["ingest_us_per_read"] = _parts(services.ingest, alone)
    services.close()
    return report


def _repository(folder: Path, dsn: str, port: int) -> Services:
    settings = folder / "repository.toml"
    settings.write_text(
        f'data = "data"\ndatabase = "{dsn}"\n[broker]\nport = {port}\n[jobs]\npurge_at = "never"\n'
    )
    bootstrap.initialise(load_settings(settings))
    return bootstrap.build(load_settings(settings))


def _enrol(services: Services, fleet: Sequence[Unit]) -> None:
    now = services.clock()
    with services.engine.begin() as connection:
        enrolment.add_agency(connection, name=AGENCY, title="Bench", ori=None, now=now)
        for unit in fleet:
            enrolment.add_unit(
                connection,
                agency=AGENCY,
                name=unit.name,
                public_key=unit.key.public_key(),
                now=now,
            )


def _end_to_end(
    folder: Path, sender: Sender, expected: int, processes: int, watched: dict[str, list[int]]
) -> Figures:
    command = [str(BIN / "alpr-repository"), "--settings", str(folder / "repository.toml")]
    with ExitStack() as stack:
        started = []
        for instance in range(1, processes + 1):
            log = folder / f"ingest-{instance}.log"
            process = start([*command, "run", "--only", "ingest", "--instance", str(instance)], log)
            stack.callback(end, process)
            started.append((log, process))
        for log, process in started:
            wait_for_line(log, "taking messages", process, _STARTS_WITHIN_S)
            if process.poll() is not None:
                raise DemoError(f"an ingest process ended early:\n{log.read_text()[-2000:]}")
            process.send_signal(signal.SIGSTOP)
        _say("filling the broker")
        sender.send_first()
        watched = {"ingest": [process.pid for _, process in started], **watched}
        before = spent_s(watched)
        for _, process in started:
            process.send_signal(signal.SIGCONT)
        began = time.perf_counter()
        took_s = sender.send_rest(expected) - began
        after = spent_s(watched)
    return {
        "reads_per_s": round(expected / took_s),
        "took_s": round(took_s, 2),
        "sent_again": sender.sent_again,
        "processor_us_per_read": {
            name: round((after[name] - before[name]) / expected * 1e6, 1) for name in watched
        },
    }


def _server(services: Services) -> list[int]:
    """The server's first process, which is the parent of every connection's."""
    with services.engine.connect() as connection:
        return [parent_of(int(connection.scalar(text("SELECT pg_backend_pid()")) or 0))]


def _require_all(services: Services, expected: int) -> None:
    with services.engine.connect() as connection:
        found = connection.scalar(select(func.count()).select_from(reads))
        if found != expected:
            raise DemoError(f"{found} reads are in the table, {expected} were sent")
        if connection.scalar(select(func.sum(chains.c.committed_through))) != expected:
            raise DemoError("the units' chains and their reads do not agree")


class _Clock:
    """Processor time spent in functions, each without those timed ones that it calls."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = defaultdict(float)
        self._within: list[float] = []

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            self._within.append(0.0)
            began = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                took = time.thread_time() - began
                self.spent_s[name] += took - self._within.pop()
                if self._within:
                    self._within[-1] += took

        return timed


def _parts(ingest: Ingest, messages: Sequence[Message]) -> dict[str, float]:
    collector.spare()
    clock = _Clock()
    wrapped: tuple[tuple[Any, str, str], ...] = (
        (opening, "decode_batch", "batch json"),
        (opening, "recognise", "plain reads"),
        (opening, "decode_record", "other records"),
        (opening, "record_digest", "digests and tree"),
        (verify, "verify_batch_root", "digests and tree"),
        (verify, "verify_batch_signature", "signature"),
        (verify, "judge", "judging"),
        (work.Work, "_add_rows", "rows"),
        (bulk, "binary_rows", "binary rows"),
        (work, "insert_many", "database copy and insert"),
        (plates, "remember", "database plates"),
        (holds, "catch", "database holds"),
        (take.Ingest, "_taken", "receipts"),
        (work.Work, "finish", "database other"),
    )
    originals = [(where, name, getattr(where, name)) for where, name, _ in wrapped]
    total = 0
    for where, name, label in wrapped:
        setattr(where, name, clock.wrap(label, getattr(where, name)))
    try:
        taking = clock.wrap("database begin, locks, commit", Ingest.take_all)
        open_message = clock.wrap("other opening", arrived.open_message)
        for first in range(0, len(messages), 20):
            some = messages[first : first + 20]
            opened = [open_message(one.topic, one.body) for one in some]
            taking(ingest, opened, [True] * len(opened))
            total += sum(one.last_seq - one.first_seq + 1 for one in some)
    finally:
        for where, name, original in originals:
            setattr(where, name, original)
    return {name: round(spent / total * 1e6, 2) for name, spent in sorted(clock.spent_s.items())}


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(prog_name="scripts/bench ingest")
