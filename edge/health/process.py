"""What the kernel says of this process (proc(5)); on a system without /proc it says nothing."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from edge.health.status import ProcessFact

_PROC = Path("/proc/self")
_START_TIME = 19
"""Place of ``starttime`` after the process's name in parentheses."""


def process_fact() -> ProcessFact:
    """Memory in RAM, threads and open files."""
    return ProcessFact(
        pid=os.getpid(),
        memory_bytes=_resident_bytes(),
        threads=threading.active_count(),
        open_files=_open_files(),
    )


def running_s() -> float:
    """How long the process runs, from before its interpreter was there; 0 if unknown."""
    try:
        after_name = (_PROC / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        started_s = int(after_name[_START_TIME]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started_s)
    except (OSError, ValueError, IndexError, AttributeError):
        return 0.0


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
