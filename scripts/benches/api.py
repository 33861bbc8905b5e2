"""Measure people searching at once over HTTP, and check that each search left its ledger entry.

The web part of the repository runs in a process of its own, as it is deployed, over a PostgreSQL of
the bench's own (or that of `--dsn`). People of several agencies, each with a session of their own,
in full standing, ask for whole plates at the same time, each the next when the last was answered.

- `p50_ms`, `p95_ms`: from sending a search to its whole answer; `searches_per_s` of all people.
- `processor_ms`: of the web part itself for one search, its database's processes apart; unlike the
  times it says much the same on a machine that is busy with other things.
- `health_p95_ms`: the peer, the same people asking for /healthz the same way: what the server and
  the asking cost without any work. `entries_per_s`: ledger entries that one connection appends to
  the same database by itself, each durable before the next, which bounds `searches_per_s`.
- `missing_entries`: searches answered without an entry under the answer's index that bears the
  person, the count and the digest of the ids they were shown. `extra_entries`: entries of searches
  that nobody was answered. `out_of_order`: answers to a person whose entry stands before that of
  the answer they had before. `errors`: answers other than 200, and none at all.
  `ledger_verifies`: whether the whole tree does.

Limits for one person and address are set high in the bench's settings. The asking takes part of
the machine that is measured.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from benches import _api_site
from benches._api_site import Person
from benches._postgresql import postgresql
from benches._processor import spent_s
from demo_site.processes import DemoError, free_port
from repository.bootstrap import Services
from repository.ledger import log
from repository.ledger.entry import Actor, Entry, digest_of_ids
from repository.store.engine import reading

EXAMPLE = "Example: scripts/bench api --users 200 --json"
_STARTS_WITHIN_S = 120.0
_APPENDS = 200

Figures = dict[str, Any]


@click.command(epilog=EXAMPLE, help="\b\n" + (__doc__ or "").replace("\n\n", "\n\n\b\n"))
@click.option("--users", type=click.IntRange(1, 2000), default=200, show_default=True)
@click.option("--requests", type=click.IntRange(20), default=4000, show_default=True)
@click.option("--reads", type=click.IntRange(1000), default=300_000, show_default=True)
@click.option("--dsn", help="An empty PostgreSQL database to use instead of a cluster of its own.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(users: int, requests: int, reads: int, dsn: str | None, seed: int, as_json: bool) -> None:
    """Fill a repository, ask it, look into its ledger, and print the figures."""
    with ExitStack() as stack:
        try:
            address = dsn or stack.enter_context(postgresql())
        except DemoError as error:
            raise click.ClickException(str(error)) from error
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-api-")))
        port = free_port()
        path, services = _api_site.make(folder, address, port)
        stack.callback(services.close)
        rng = random.Random(seed)  # noqa: S311 - invented plates
        _say(f"filling in {reads} reads")
        plates = _api_site.fill(services, reads, rng)
        _say(f"hiring {users} people")
        people = _api_site.hire(services, users, rng)
        figures: Figures = {"users": users, "requests": requests, "reads": reads}
        figures["entries_per_s"] = _appends(services)
        web = {"web": [stack.enter_context(_web(path, port))]}
        asyncio.run(_ask_all(port, people, users, _health))
        health = asyncio.run(_ask_all(port, people, requests, _health))
        figures["health_p95_ms"] = _cut(health.times_s, 19)
        _say("searching")
        before_s = spent_s(web)["web"]
        asked = asyncio.run(
            _ask_all(port, people, requests, lambda person: person.search(rng.choice(plates)))
        )
        figures |= {
            "p50_ms": _cut(asked.times_s, 10),
            "p95_ms": _cut(asked.times_s, 19),
            "searches_per_s": round(len(asked.times_s) / asked.took_s, 1),
            "processor_ms": round((spent_s(web)["web"] - before_s) / len(asked.times_s) * 1000, 1),
            "errors": asked.errors,
        }
        _say("looking into the ledger")
        figures |= _compare(services, asked.answers)
    print(json.dumps(figures) if as_json else _table(figures))


@dataclass
class Asked:
    """What came of asking: times, and every answer by person in the order they had them."""

    times_s: list[float] = field(default_factory=list)
    answers: list[tuple[Person, Any]] = field(default_factory=list)
    errors: int = 0
    took_s: float = 0.0


async def _ask_all(
    port: int, people: Sequence[Person], requests: int, make: Callable[[Person], bytes]
) -> Asked:
    asked = Asked()
    left = requests

    async def one(person: Person) -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            request = make(person)
            started = time.perf_counter()
            try:
                writer.write(request)
                status, content = await _answer(reader)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                asked.errors += 1
                _say(f"no answer: {error}")
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                continue
            asked.times_s.append(time.perf_counter() - started)
            if status == 200:
                asked.answers.append((person, json.loads(content)))
            else:
                asked.errors += 1
                _say(f"{status}: {content[:200]!r}")
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    await asyncio.gather(*map(one, people))
    asked.took_s = time.perf_counter() - started
    return asked


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(each[16:]) for each in lines if each.startswith(b"content-length: "))
    return int(lines[0].split()[1]), await reader.readexactly(length)


def _health(_person: Person) -> bytes:
    return b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def _appends(services: Services) -> int:
    actor = Actor("bench", "bench", "Bench", "bench-pd")
    started = time.perf_counter()
    for _ in range(_APPENDS):
        with services.engine.begin() as connection:
            log.append(connection, Entry("bench.append", actor, services.clock(), "bench"))
    return round(_APPENDS / (time.perf_counter() - started))


def _compare(services: Services, answers: Sequence[tuple[Person, Any]]) -> Figures:
    """Whether each answer has its entry, and each entry its answer."""
    entries = {}
    with reading(services.engine) as connection:
        for row in log.rows(connection):
            if row.action == "search.run":
                entries[row.index] = json.loads(row.body)
    missing = out_of_order = 0
    before: dict[str, int] = {}
    for person, answer in answers:
        index = answer["ledger_entry"]
        entry = entries.pop(index, None)
        reads = [each["id"] for each in answer["reads"]]
        missing += (
            entry is None
            or entry["actor"]["login"] != person.login
            or entry["count"] != len(reads)
            or entry["result_digest"] != digest_of_ids(reads)
            or entry["index"] != index
        )
        out_of_order += index <= before.get(person.login, -1)
        before[person.login] = index
    return {
        "missing_entries": missing,
        "extra_entries": len(entries),
        "out_of_order": out_of_order,
        "ledger_verifies": services.ledger.verify().ok,
    }


@contextmanager
def _web(settings: Path, port: int) -> Iterator[int]:
    program = Path(sys.executable).with_name("alpr-repository")
    command = [str(program), "--settings", str(settings), "run", "--only", "web"]
    process = subprocess.Popen(command, stdout=sys.stderr)
    try:
        _wait(process, port)
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise click.ClickException("the web part did not start; what it said is above")


def _cut(times_s: Sequence[float], twentieth: int) -> float:
    return round(statistics.quantiles(times_s, n=20)[twentieth - 1] * 1000, 1)


def _table(figures: Figures) -> str:
    return "\n".join(f"{name:<20} {value}" for name, value in figures.items())


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(prog_name="scripts/bench api")
