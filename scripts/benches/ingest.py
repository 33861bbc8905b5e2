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
- `us_per_read`: where one process spends its time on a read, in microseconds, measured apart: it
  takes the batches of some more units, without a broker and alone on the machine. `database` is
  waiting for PostgreSQL. Each part is without those within it.

Without `--dsn` a PostgreSQL of its own is started; with it, give the address of an empty database.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Connection, Table, func, select, text

from benches._postgresql import postgresql
from benches._unit_batches import AGENCY, Message, Unit
from demo_site.processes import BIN, DemoError, end, free_port, start, wait_for_line, wait_for_port
from edge.contract import records
from repository import bootstrap
from repository.bootstrap import Services
from repository.ingest import arrived, opening, take, verify, work
from repository.ingest.take import Ingest
from repository.retention import holds
from repository.settings import load_settings
from repository.store import bulk, plates
from repository.store.tables.fleet import chains
from repository.store.tables.reads import pictures, reads
from repository.units import enrolment

EXAMPLE = "Example: scripts/bench ingest --units 100 --records 100000 --json"
UNDER_WAY = 4
_STARTS_WITHIN_S = 60.0
_ENDS_WITHIN_S = 3600.0
_SEND_AGAIN_S = 5.0

Figures = dict[str, Any]


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
            report |= _measure(folder, address, units, records, batch, processes, seed)
        except DemoError as error:
            raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(report))
        return
    for name, value in report.items():
        click.echo(f"{name:<14} {value}")


def _measure(
    folder: Path, dsn: str, units: int, records: int, batch: int, processes: int, seed: int
) -> Figures:
    rng = random.Random(seed)  # noqa: S311 - invented reads
    now = datetime.now(UTC)
    each = max(1, records // units)
    port = free_port()
    services = _repository(folder, dsn, port)
    _say(f"making {each * units} signed reads")
    fleet = [Unit(f"car-{number}", rng, now) for number in range(units)]
    spare = [Unit(f"spare-{number}", rng, now) for number in range(min(units, 20))]
    _enrol(services, [*fleet, *spare])
    messages = {unit.name: list(unit.messages(each, batch)) for unit in fleet}
    report: Figures = {"records": each * units}
    report["bytes_per_read"] = round(
        sum(len(one.body) for sent in messages.values() for one in sent) / (each * units)
    )
    with _mosquitto(folder, port):
        report |= _end_to_end(folder, services, port, messages, each * units, processes, rng)
    _say("COPY of the same rows")
    report |= _copy_rates(services, each * units)
    report["ratio"] = round(report["reads_per_s"] / report["copy_per_s"], 3)
    _say("one process alone")
    alone = [message for unit in spare for message in unit.messages(min(each, 500), batch)]
    report["us_per_read"] = _parts(services.ingest, alone)
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
    folder: Path,
    services: Services,
    port: int,
    messages: dict[str, list[Message]],
    expected: int,
    processes: int,
    rng: random.Random,
) -> Figures:
    sender = _Sender(port, messages, rng)
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
            process.send_signal(signal.SIGSTOP)
        _say("filling the broker")
        sender.send_first()
        for _, process in started:
            process.send_signal(signal.SIGCONT)
        began = time.perf_counter()
        done = sender.send_rest(lambda: _committed(services), expected)
        took_s = done - began
    sender.close()
    return {
        "reads_per_s": round(expected / took_s),
        "took_s": round(took_s, 2),
        "sent_again": sender.sent_again,
    }


class _Sender:
    """All units: four batches of each under way, more as they are committed."""

    def __init__(self, port: int, messages: dict[str, list[Message]], rng: random.Random) -> None:
        self.sent_again = 0
        self._messages = messages
        self._rng = rng
        self._next = dict.fromkeys(messages, 0)
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bench-units")
        self._client.max_inflight_messages_set(1000)
        connected = threading.Event()
        self._client.on_connect = lambda *_: connected.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not connected.wait(_STARTS_WITHIN_S):
            raise DemoError("the broker does not answer")

    def send_first(self) -> None:
        """Send what may be under way at once, and wait until the broker has it."""
        sent = self._send({})
        for one in sent:
            one.wait_for_publish(_STARTS_WITHIN_S)

    def send_rest(self, committed: Callable[[], dict[str, int]], expected: int) -> float:
        """Send the rest as the first are committed; the moment at which all are."""
        deadline = time.monotonic() + _ENDS_WITHIN_S
        moved, last = time.monotonic(), 0
        while True:
            through = committed()
            total = sum(through.values())
            if total >= expected:
                return time.perf_counter()
            if total > last:
                moved, last = time.monotonic(), total
            elif time.monotonic() - moved > _SEND_AGAIN_S:
                self._send_again(through)
                moved = time.monotonic()
            if time.monotonic() > deadline:
                raise DemoError(f"{total} of {expected} reads are committed and no more come")
            self._send(through)
            _say(f"{total} of {expected}   ", end="\r")
            time.sleep(0.02)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, through: dict[str, int]) -> list[mqtt.MQTTMessageInfo]:
        due = []
        for unit, all_of_it in self._messages.items():
            done = sum(one.last_seq <= through.get(unit, 0) for one in all_of_it)
            due.append(all_of_it[self._next[unit] : done + UNDER_WAY])
            self._next[unit] = max(self._next[unit], min(done + UNDER_WAY, len(all_of_it)))
        sent = []
        while any(due):  # each unit in its own order, the units in any
            one = self._rng.choice([each for each in due if each]).pop(0)
            sent.append(self._client.publish(one.topic, one.body, qos=1))
        return sent

    def _send_again(self, through: dict[str, int]) -> None:
        for unit, all_of_it in self._messages.items():
            for one in all_of_it[: self._next[unit]]:
                if one.last_seq > through.get(unit, 0):
                    self.sent_again += 1
                    self._client.publish(one.topic, one.body, qos=1)


def _committed(services: Services) -> dict[str, int]:
    with services.engine.connect() as connection:
        return {unit.name: unit.committed_through for unit in enrolment.list_units(connection)}


def _copy_rates(services: Services, expected: int) -> Figures:
    """Reads a second of COPY: of the reads with their pictures' facts, and of the reads alone."""
    with services.engine.connect() as connection:
        found = connection.scalar(select(func.count()).select_from(reads))
        if found != expected:
            raise DemoError(f"{found} reads are in the table, {expected} were sent")
        if connection.scalar(select(func.sum(chains.c.committed_through))) != expected:
            raise DemoError("the units' chains and their reads do not agree")
        data = {table.name: _copied_out(connection, table) for table in (reads, pictures)}
        everything, alone = [], []
        for _ in range(3):
            reads_s = _copied_in(connection, reads, data["reads"])
            pictures_s = _copied_in(connection, pictures, data["pictures"])
            everything.append(expected / (reads_s + pictures_s))
            alone.append(expected / reads_s)
    return {
        "copy_per_s": round(statistics.median(everything)),
        "copy_of_reads_alone_per_s": round(statistics.median(alone)),
    }


def _copied_out(connection: Connection, table: Table) -> bytes:
    """The table's rows in binary form; a twin of the table is made, empty, with all indexes."""
    name, twin = table.name, f"copied_{table.name}"
    connection.execute(
        text(f"CREATE TABLE {twin} (LIKE {name} INCLUDING ALL) PARTITION BY RANGE (captured_at)")
    )
    bounds = connection.scalars(
        text(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid IN "
            "(SELECT inhrelid FROM pg_inherits WHERE inhparent = CAST(:name AS regclass))"
        ),
        {"name": name},
    )
    for number, bound in enumerate(bounds.all()):
        connection.execute(text(f"CREATE TABLE {twin}_{number} PARTITION OF {twin} {bound}"))
    connection.commit()
    taking = f"COPY (SELECT {_names(table)} FROM {name}) TO STDOUT (FORMAT BINARY)"  # noqa: S608 - names of the schema
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(taking) as copy:
        return b"".join(bytes(part) for part in copy)


def _copied_in(connection: Connection, table: Table, data: bytes) -> float:
    """Seconds that COPY into the empty twin takes, with its commit."""
    twin = f"copied_{table.name}"
    connection.execute(text(f"TRUNCATE {twin}"))
    connection.commit()
    driver: Any = connection.connection.driver_connection
    began = time.perf_counter()
    with driver.cursor() as cursor:
        with cursor.copy(f"COPY {twin} ({_names(table)}) FROM STDIN (FORMAT BINARY)") as copy:
            for first in range(0, len(data), 1 << 20):
                copy.write(data[first : first + (1 << 20)])
        driver.commit()
    return time.perf_counter() - began


def _names(table: Table) -> str:
    return ", ".join(column.name for column in table.c)


class _Clock:
    """Time spent in functions, each without those that it calls and that are timed too."""

    def __init__(self) -> None:
        self.spent_s: dict[str, float] = defaultdict(float)
        self._within: list[float] = []

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            self._within.append(0.0)
            began = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                took = time.perf_counter() - began
                self.spent_s[name] += took - self._within.pop()
                if self._within:
                    self._within[-1] += took

        return timed


def _parts(ingest: Ingest, messages: Sequence[Message]) -> dict[str, float]:
    clock = _Clock()
    wrapped: tuple[tuple[Any, str, str], ...] = (
        (opening, "decode_batch", "batch json"),
        (opening, "decode_record", "record json"),
        (records, "is_canonical", "canonical check"),
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


@contextmanager
def _mosquitto(folder: Path, port: int) -> Iterator[None]:
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    settings = folder / "mosquitto.conf"
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 500\n"
        "max_queued_messages 100000\n"
    )
    log = folder / "mosquitto.log"
    process = start([program, "-c", str(settings)], log)
    try:
        wait_for_port(port, process, log, _STARTS_WITHIN_S)
        yield
    finally:
        end(process)


def _say(words: str, end: str = "\n") -> None:
    sys.stderr.write(words + end)
    sys.stderr.flush()


if __name__ == "__main__":
    main()
