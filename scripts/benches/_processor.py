"""Processor time of processes and of their children, as Linux counts it in /proc."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def spent_s(pids: Mapping[str, list[int]]) -> dict[str, float]:
    """Seconds of processor time that the processes of each name have had, with their children.

    A child that stands under a name of its own counts there. What has ended is counted once its
    parent has seen it end; the parent of a connection's process is PostgreSQL's first one.
    """
    parents, spent = _all()
    named = {pid for each in pids.values() for pid in each}
    return {
        name: sum(_of(pid, parents, spent, named) for pid in each) for name, each in pids.items()
    }


def parent_of(pid: int) -> int:
    """The process that started that one.

    Raises:
        OSError: if no such process is on this machine.
    """
    return int(_fields(pid)[1])


def _of(
    pid: int, parents: Mapping[int, list[int]], spent: Mapping[int, float], named: set[int]
) -> float:
    below = (one for one in parents.get(pid, []) if one not in named)
    return spent.get(pid, 0.0) + sum(_of(one, parents, spent, named) for one in below)


def _all() -> tuple[dict[int, list[int]], dict[int, float]]:
    parents: dict[int, list[int]] = {}
    spent: dict[int, float] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            pid = int(folder.name)
            try:
                fields = _fields(pid)
            except OSError:
                continue  # it ended meanwhile
            parents.setdefault(int(fields[1]), []).append(pid)
            spent[pid] = sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_S
    return parents, spent


def _fields(pid: int) -> list[str]:
    # The name is in brackets and may hold anything; what follows are numbers.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
