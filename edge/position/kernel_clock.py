"""What the operating system knows of time: who keeps its clock, and a clock that never steps."""

from __future__ import annotations

import ctypes
import time

_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """The head of Linux's ``struct timex`` (adjtimex(2)); the rest is only room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def kernel_error_ms() -> float | None:
    """The greatest error that the kernel grants its clock, while a time service keeps it.

    None if no service does, or the system is not one where the kernel knows (adjtimex(2)).
    """
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None:
        return None
    timex = _Timex()
    state = adjtimex(ctypes.byref(timex))
    if state < 0 or state == _TIME_ERROR or timex.status & _STA_UNSYNC:
        return None
    return float(timex.maxerror) / 1000


def seconds_since_boot() -> float:
    """A clock that never steps and does not stop while the machine is suspended.

    Linux's CLOCK_MONOTONIC stands still in suspend, CLOCK_BOOTTIME does not (clock_gettime(2)).
    Where there is none, the monotonic clock.
    """
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
