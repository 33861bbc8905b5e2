"""Measure the unit's hot list: building, opening, memory, and looking plates up.

What is measured, each structure in a process of its own, on the same invented entries:

- `build_s`: from a department's CSV file to the built, encrypted list, synced to the disk.
- `open_ms`: opening it, all of its index proven; `open_cpu_ms` is the processor's time for that.
  Before each kind of lookup all of it is brought into the page cache, and the disk has nothing
  left to write. A system may take pages out again even so: `*_from_disk` is the share of lookups,
  of the first of each plate, that had to wait for the disk, as far as pages can tell.
- `interruptions_per_s`: how often, beside the exact lookups, a loop that only reads the clock was
  held up for more than 3 us, by the system or the host of a virtual machine; `interruption_p50_us`:
  for how long.
- `rss_mb`: resident memory of the process once all lookups are done.
- `exact_*`, `miss_*`: the store's own lookup of one folded plate, its folding included; what is
  found is decrypted and its plate compared, the details of an entry are decoded once it matches
  (`match_exact_*`). A hundredth of the plates consist of confusable characters alone.
- `confusable_*`: a whole match (Hotlists.match) of plates that consist of confusable characters
  alone, one of them misread, each with the reader's doubt between its group's members.
- `alternatives_p99_us`: the same, where the reader also doubts every character beyond its group.
- `match_exact_p99_us`, `match_miss_p99_us`: a whole match of plates that were read surely.
- `dict_*`, `sqlite_*`, `mapped_*`, `marisa_*`: the other structures, which are not encrypted.
  marisa is measured where marisa-trie is installed. `*_p99_us` is the exact lookup of plates that
  are listed.
- `*_settled_p99_us`: of five lookups of each plate the median, of those the 99th percentile.
  Of what takes long by itself the median is long too; what was held up once or twice is left out.
  The other figures are of each plate's first lookup, held up or not.
- `wildcard_p99_us`: fitting a plate to 10,000 plates with wildcards.
- `ratio_*`: that structure's exact p99 over that of the list that ships.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benches._hotfile_entries import Invented
from benches._hotfile_rivals import KEY, RIVALS, hotlists_of, open_shipped
from edge.contract.hotlist_table import MAX_WILDCARDS
from edge.contract.plates import load_confusables
from edge.contract.records import Alternative, Character
from edge.hotfile.build import build_csv
from edge.hotfile.settings import HotlistSource
from edge.hotfile.wildcards import WildcardIndex

EXAMPLE = "Example: scripts/bench hotfile --entries 1000000 --json"
WARM_UP = 1000
_LOOKS = 5
_READINGS = 5
_HARDLY_BYTES = 1 << 20
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_WATCHED_NS = 1_000_000_000
_INTERRUPTED_NS = 3000

Figures = dict[str, Any]


@click.command(epilog=EXAMPLE, help="\b\n" + (__doc__ or "").replace("\n\n", "\n\n\b\n"))
@click.option("--entries", type=click.IntRange(1000), default=1_000_000, show_default=True)
@click.option("--lookups", type=click.IntRange(1000), default=20_000, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to work.")
@click.option(
    "--only", multiple=True, type=click.Choice(tuple(RIVALS)), help="Only these structures."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(
    entries: int,
    lookups: int,
    seed: int,
    folder: Path | None,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """Run every structure in turn and print the figures."""
    invented = Invented(entries, seed)
    figures: Figures = {"entries": entries}
    with tempfile.TemporaryDirectory(dir=folder) as working:
        place = Path(working)
        samples = _alone(_draw, invented, lookups)
        for name in only or tuple(RIVALS):
            if name == "hotfile":
                figures |= _alone(_build_shipped, invented, place)
                _say(f"{name}: built in {figures['build_s']} s")
                figures |= _alone(_measure_shipped, place, samples)
                _say(f"{name}: exact p99 {figures['exact_p99_us']} us")
                continue
            figures[f"{name}_build_s"] = _alone(_build_rival, name, invented, place)
            _say(f"{name}: built in {figures[f'{name}_build_s']} s")
            figures |= _alone(_measure_rival, name, invented, place, samples)
            _say(f"{name}: exact p99 {figures[f'{name}_p99_us']} us")
    for name in RIVALS:
        if name != "hotfile" and f"{name}_p99_us" in figures and "exact_p99_us" in figures:
            figures[f"ratio_{name}"] = round(figures[f"{name}_p99_us"] / figures["exact_p99_us"], 2)
    print(json.dumps(figures) if as_json else _table(figures))


def _alone(work: Callable[..., Any], *given: object) -> Any:
    """What a piece of work returns, done in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, *given).result()


def _build_shipped(invented: Invented, folder: Path) -> Figures:
    path = folder / "list.csv"
    invented.write_csv(path)
    source = HotlistSource(name="bench", path=path)
    start = time.perf_counter()
    build = build_csv(
        source,
        confusables=load_confusables(),
        key=KEY,
        target_for=lambda version: folder / f"{version}.hotfile",
        progress=lambda done: _say(f"hotfile: {done} entries") if done % 1_000_000 == 0 else None,
    )
    build_s = time.perf_counter() - start
    path.unlink()
    return {
        "build_s": round(build_s, 2),
        "build_peak_mb": _memory_mb("VmHWM"),
        "rejected": build.rejected,
        "file_mb": round(build.file.stat().st_size / 1e6, 1),
    }


@dataclass(frozen=True)
class _Samples:
    """Plates to look up, drawn in a process of its own: what draws them takes much memory."""

    present: list[str]
    absent: list[str]
    confusable: list[str]


def _draw(invented: Invented, lookups: int) -> _Samples:
    return _Samples(invented.some(lookups), invented.absent(lookups), invented.confusable(lookups))


def _measure_shipped(folder: Path, samples: _Samples) -> Figures:
    confusables = load_confusables()
    start, start_cpu = time.perf_counter(), time.process_time()
    stored = open_shipped(folder)
    open_cpu_ms = 1000 * (time.process_time() - start_cpu)
    open_ms = 1000 * (time.perf_counter() - start)
    hotlists = hotlists_of(stored, confusables)
    present, absent, confusable = samples.present, samples.absent, samples.confusable
    misread = _Misreader()

    def find(plate: str) -> object:
        return stored.find(confusables.fold(plate))

    def match(characters: Sequence[Character]) -> object:
        plate = "".join(one.alternatives[0].char for one in characters)
        return hotlists.match(plate, characters, None, stored.facts.issued_at)

    figures: Figures = {"open_ms": round(open_ms, 1), "open_cpu_ms": round(open_cpu_ms, 1)}
    for name, work, plates, prepare in (
        ("exact", find, present, str),
        ("miss", find, absent, str),
        ("confusable", match, confusable, misread.reading),
        ("match_exact", match, present, _surely),
        ("match_miss", match, absent, _surely),
        ("alternatives", match, confusable, misread.in_doubt),
    ):
        _read_whole(folder)
        figures |= _times(name, work, plates, prepare)
        if name == "exact":
            figures |= _interruptions()
    figures["rss_mb"] = _memory_mb("VmRSS")
    if stored.fault is not None:
        raise click.ClickException(stored.fault)
    if not all(find(plate) for plate in present):
        raise click.ClickException("a listed plate was not found")
    return figures | _wildcard_times(absent)


def _read_whole(folder: Path) -> None:
    """Bring everything that lies in the folder into the page cache.

    What building left for the system to write and to free is done before, so that it does not hold
    up what is measured. What was taken out again in the time that a slow disk needs is read again.
    """
    os.sync()
    for _ in range(_READINGS):
        before = _from_disk_bytes()
        for path in folder.iterdir():
            with path.open("rb") as file:
                while file.read(1 << 20):
                    pass
        if _from_disk_bytes() - before < _HARDLY_BYTES:
            return


def _from_disk_bytes() -> int:
    """What this process has caused to be read from disks so far."""
    with Path("/proc/self/io").open(encoding="ascii") as lines:
        return int(next(line for line in lines if line.startswith("read_bytes:")).split()[1])


def _wildcard_times(plates: Sequence[str]) -> Figures:
    draw = random.Random(5)  # noqa: S311 - figures, no secrets
    patterns = []
    for plate in plates[:MAX_WILDCARDS]:
        kept = set(draw.sample(range(len(plate)), 4))
        patterns.append("".join(c if place in kept else "?" for place, c in enumerate(plate)))
    index = WildcardIndex(patterns)
    return _times("wildcard", lambda plate: index.find(list(plate)), plates)


def _build_rival(name: str, invented: Invented, folder: Path) -> float:
    start = time.perf_counter()
    RIVALS[name]().build(invented.entries(), folder)
    return round(time.perf_counter() - start, 2)


def _measure_rival(name: str, invented: Invented, folder: Path, samples: _Samples) -> Figures:
    fold = load_confusables().fold
    start = time.perf_counter()
    find = RIVALS[name]().open(invented.entries(), folder)
    open_ms = 1000 * (time.perf_counter() - start)
    present, absent = samples.present, samples.absent

    def lookup(plate: str) -> object:
        return find(fold(plate))

    _read_whole(folder)
    times = _times(name, lookup, present)
    _read_whole(folder)
    times |= _times(f"{name}_miss", lookup, absent)
    rss_mb = _memory_mb("VmRSS")
    if not all(lookup(plate) for plate in present):
        raise click.ClickException(f"{name}: a listed plate was not found")
    return {f"{name}_open_ms": round(open_ms, 1), **times, f"{name}_rss_mb": rss_mb}


def _times(
    name: str,
    work: Callable[[Any], object],
    plates: Sequence[str],
    prepare: Callable[[str], Any] = lambda plate: plate,
) -> Figures:
    """Median and 99th percentile of one call, in microseconds; ``prepare`` is not timed."""
    for plate in plates[:WARM_UP]:
        work(prepare(plate))
    before = _from_disk_bytes()
    first = _once_each(work, plates, prepare)
    from_disk = (_from_disk_bytes() - before) / PAGE_BYTES
    again = [_once_each(work, plates, prepare) for _ in range(_LOOKS - 1)]
    taken = np.array([first, *again]) / 1000
    return {
        f"{name}_p50_us": round(float(np.percentile(taken[0], 50)), 2),
        f"{name}_p99_us": round(float(np.percentile(taken[0], 99)), 2),
        f"{name}_settled_p99_us": round(float(np.percentile(np.median(taken, axis=0), 99)), 2),
        f"{name}_from_disk": round(from_disk / len(plates), 4),
    }


def _once_each(
    work: Callable[[Any], object], plates: Sequence[str], prepare: Callable[[str], Any]
) -> NDArray[np.int64]:
    """How long one call takes for each plate, in nanoseconds.

    Nothing is kept that takes memory anew: the first touch of a page is the system's time, and
    numbers kept would fill a page for every hundredth lookup or so.
    """
    clock = time.perf_counter_ns
    taken = np.ones(len(plates), dtype=np.int64)
    for at, plate in enumerate(plates):
        what = prepare(plate)
        start = clock()
        work(what)
        taken[at] = clock() - start
    return taken


def _interruptions() -> Figures:
    """How often and how long nothing at all is held up here."""
    clock = time.perf_counter_ns
    found = []
    start = last = clock()
    while last - start < _WATCHED_NS:
        now = clock()
        if now - last > _INTERRUPTED_NS:
            found.append(now - last)
        last = now
    found.sort()
    return {
        "interruptions_per_s": round(len(found) * 1e9 / _WATCHED_NS),
        "interruption_p50_us": round(found[len(found) // 2] / 1000, 1) if found else 0.0,
    }


def _surely(plate: str) -> tuple[Character, ...]:
    return tuple(Character(alternatives=(Alternative(char, 1.0),)) for char in plate)


class _Misreader:
    """Readings of plates with one character of each taken for another of its group."""

    def __init__(self) -> None:
        self._groups = load_confusables().groups

    def reading(self, plate: str) -> tuple[Character, ...]:
        """The plate misread, each character in doubt between two of its group."""
        draw = random.Random(plate)  # noqa: S311 - figures, no secrets
        wrong = draw.randrange(len(plate))
        characters = []
        for place, char in enumerate(plate):
            group = next(group for group in self._groups if char in group)
            other = draw.choice([one for one in group if one != char])
            best, second = (other, char) if place == wrong else (char, other)
            characters.append(
                Character(alternatives=(Alternative(best, 0.6), Alternative(second, 0.3)))
            )
        return tuple(characters)

    def in_doubt(self, plate: str) -> tuple[Character, ...]:
        """The same with a third thing that each character may be, of no group."""
        return tuple(
            Character(alternatives=(*one.alternatives, Alternative("X", 0.1)))
            for one in self.reading(plate)
        )


def _memory_mb(field: str) -> float:
    with Path("/proc/self/status").open(encoding="ascii") as lines:
        (line,) = (line for line in lines if line.startswith(f"{field}:"))
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def _table(figures: Figures) -> str:
    return "\n".join(f"{key:<24}{value}" for key, value in figures.items())


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(prog_name="scripts/bench hotfile")
