"""Waiting for what another thread or process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_PATIENCE_S = 60.0
_T = TypeVar("_T")


def until(look: Callable[[], _T | None]) -> _T:
    """What ``look`` gives once it gives something true."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)
    return found
