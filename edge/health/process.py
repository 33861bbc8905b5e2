"""What the kernel says of this process (proc(5)); on a system without /proc it says nothing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from edge.health.status import ProcessFact

_PROC = Path("/proc/self")
_STATE, _START_TIME = 0, 19
"""Places of ``state`` and ``starttime`` after the process's name in parentheses."""

_DEAD = ("Z", "X")
"""States of a process that has ended and whose end nobody has taken note of yet."""


def process_fact() -> ProcessFact:
    """Memory in RAM, threads and open files."""
    return ProcessFact(
        pid=os.getpid(),
        started_ticks=_started_ticks(_PROC),
        memory_bytes=_resident_bytes(),
        threads=threading.active_count(),
        open_files=_open_files(),
    )


def running_s() -> float:
    """How long the process runs, from before its interpreter was there; 0 if unknown."""
    ticks = _started_ticks(_PROC)
    if ticks is None:
        return 0.0
    try:
        started_s = ticks / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, ValueError, AttributeError):
        return 0.0


def process_lives(process: ProcessFact) -> bool:
    """Whether that very process still runs, as far as this user may know."""
    if process.pid <= 0:
        return True
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # it is another user's
    folder = Path(f"/proc/{process.pid}")
    try:
        if _after_name(folder)[_STATE] in _DEAD:
            return False
    except (OSError, ValueError, IndexError):
        return True
    started = _started_ticks(folder)
    return None in (started, process.started_ticks) or started == process.started_ticks


def _started_ticks(folder: Path) -> int | None:
    """When a process was started, in clock ticks since the machine was; None if unknown."""
    try:
        return int(_after_name(folder)[_START_TIME])
    except (OSError, ValueError, IndexError):
        return None


def _after_name(folder: Path) -> list[str]:
    """What the kernel says of a process after its name, which may hold anything."""
    return (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()


def _resident_bytes() -> int:
    try:
        pages = int((_PROC / "statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _open_files() -> int:
    try:
        return sum(1 for _ in (_PROC / "fd").iterdir())
    except OSError:
        return 0
