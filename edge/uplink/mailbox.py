"""What other threads leave for the uplink's, and what that says of problems."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Literal

from edge.uplink.mqtt import LinkEvent, LinkReceived

MAX_MAIL = 1000
MAX_MAIL_BYTES = 8 * 1024 * 1024

ProblemOf = Literal["link", "spool", "chain", "certificate", "key", "refused"]


class Mailbox:
    """Word for the uplink's thread. Receipts beyond the limits are dropped: they come again."""

    def __init__(self) -> None:
        self.dropped = 0
        self._mail: deque[LinkEvent] = deque()
        self._bytes = 0
        self._woken = False
        self._changed = threading.Condition()

    def put(self, mail: LinkEvent) -> None:
        """Leave word; never waits."""
        with self._changed:
            if isinstance(mail, LinkReceived):
                more_bytes = self._bytes + len(mail.payload)
                if len(self._mail) >= MAX_MAIL or more_bytes > MAX_MAIL_BYTES:
                    self.dropped += 1
                    return
                self._bytes = more_bytes
            self._mail.append(mail)
            self._changed.notify()

    def wake(self) -> None:
        """Have ``take`` return though there may be no word."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def take(self, timeout_s: float) -> list[LinkEvent]:
        """Everything that was left, in order; waits for something at most that long."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._mail, timeout_s)
            taken = list(self._mail)
            self._mail.clear()
            self._bytes = 0
            self._woken = False
            return taken


class Problems:
    """Says each problem once, and None once when it is over."""

    def __init__(self, say: Callable[[ProblemOf, str | None], None]) -> None:
        self._say = say
        self._last: dict[ProblemOf, str | None] = {}

    def set(self, of: ProblemOf, sentence: str | None) -> None:
        """What is wrong there now."""
        if self._last.get(of) != sentence:
            self._last[of] = sentence
            self._say(of, sentence)
