"""A process of its own for what keeps a processor busy for minutes: it is asked, and answers.

It does not hold up the threads that look at pictures, runs only when nothing else wants the
processor, and gives its memory back. Its order, keys and all, goes there through memory, never
through the command line or the disk.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

from edge.hotfile.errors import HotfileError

LOOK_EVERY_S = 0.5
_NICENESS = 15


class StoppedError(HotfileError):
    """The unit stops before the list is in use."""


class ProcessApart:
    """Runs a module of this program as a process, with an order, for its answer.

    Args:
        module: its full name; run as a program it calls :func:`answer`.
        stop: ends a process that runs.
        beat: called while one does.
    """

    def __init__(self, module: str, stop: threading.Event, beat: Callable[[], None]) -> None:
        self._module = module
        self._stop = stop
        self._beat = beat

    def ask(self, hotlist: str, order: bytes) -> bytes:
        """The answer to an order on that list.

        Raises:
            StoppedError: if the unit stops meanwhile.
            HotfileError: if the process did not end well.
        """
        command = [sys.executable, "-P", "-m", self._module]
        # A file in memory, for a long order does not fit a pipe: what is left of it when the wait
        # for the answer is interrupted would never be written.
        with os.fdopen(os.memfd_create("order"), "w+b") as given:
            given.write(order)
            given.seek(0)
            with subprocess.Popen(  # noqa: S603 - this program itself
                command, stdin=given, stdout=subprocess.PIPE
            ) as process:
                said = self._wait(process, hotlist)
        if process.returncode:
            raise HotfileError(
                f"hot list {hotlist}: the process that builds it ended with status"
                f" {process.returncode}; it is tried again when there is something new"
            )
        return said

    def _wait(self, process: subprocess.Popen[bytes], hotlist: str) -> bytes:
        while True:
            try:
                said, _ = process.communicate(timeout=LOOK_EVERY_S)
            except subprocess.TimeoutExpired:
                self._beat()
                if self._stop.is_set():
                    process.kill()
                    raise StoppedError(f"hot list {hotlist}: the unit stops") from None
            else:
                return said


def answer(carry_out: Callable[[bytes], bytes]) -> None:
    """Be that process: carry out the order on the standard input, answer on the standard output."""
    os.nice(_NICENESS)
    sys.stdout.buffer.write(carry_out(sys.stdin.buffer.read()))
