"""What is wrong with a receiver, in a sentence for the person who looks after the unit; no I/O.

From the port outwards: it cannot be opened; it is silent; it sends, but nothing that is a
sentence; there are sentences, but no fix; there were fixes, and they stopped. The first of these
that holds is said. While it is not yet clear whether what was wrong still is, it stays said.
"""

from __future__ import annotations

from collections.abc import Callable

from edge.position.nmea import MAX_LINE_BYTES, Fix, Report

DEAF_AFTER_S = 5.0
"""Receivers speak once a second; one that was heard may pause for as long as a fix lasts."""


class ReceiverWatch:
    """Follows one receiver; used by the receiver's thread alone.

    Args:
        name: what the sentences begin with, such as "GPS receiver".
        now_s: a clock that never steps, in seconds.
        fix_lasts_s: how long without a fix is no trouble yet.
        say: called with a sentence when something is wrong or another thing is, and with None
            when all is well again.
        beat: called as long as the receiver's thread turns.
    """

    def __init__(
        self,
        name: str,
        *,
        now_s: Callable[[], float],
        fix_lasts_s: float,
        say: Callable[[str | None], None],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._now_s = now_s
        self._fix_lasts_s = fix_lasts_s
        self._say = say
        self._beat = beat
        self._said: str | None = ""  # nothing yet
        self._hint = ""
        self._opened_s = self._sentence_s = self._fix_s = float("-inf")
        self._senseless_bytes = 0
        self._told_no_fix = False

    def closed(self, sentence: str) -> None:
        """There is nothing to listen to, and why."""
        self._beat()
        self._tell(f"{self._name}{sentence}")

    def opened(self, hint: str) -> None:
        """There is something to listen to; ``hint`` is what to do if it makes no sense."""
        self._hint = hint
        self._opened_s = self._now_s()
        self._senseless_bytes = 0

    def heard_bytes(self, number: int) -> None:
        """So many bytes came, whatever they were."""
        self._senseless_bytes += number

    def heard_sentence(self, report: Report | None) -> None:
        """A whole sentence came, and perhaps completed a report."""
        self._sentence_s = self._now_s()
        self._senseless_bytes = 0
        if isinstance(report, Fix):
            self._fix_s, self._told_no_fix = self._now_s(), False
        elif report is not None:
            self._told_no_fix = True

    @property
    def deaf(self) -> bool:
        """Whether no sentence came for so long that another port or speed may do better."""
        if self._sentence_s < self._opened_s:
            return self._now_s() - self._opened_s > DEAF_AFTER_S
        return self._now_s() - self._sentence_s > max(DEAF_AFTER_S, self._fix_lasts_s)

    def check(self) -> None:
        """Say what has changed; to be called at least once a second while something is open."""
        self._beat()
        now_s = self._now_s()
        if self.deaf:
            if self._senseless_bytes > MAX_LINE_BYTES:
                self._tell(f"{self._name} sends nothing but garbage: {self._hint}")
            else:
                self._tell(f"{self._name} is silent: check its power and its cable")
        elif self._sentence_s < self._opened_s:
            return
        elif now_s - self._fix_s <= self._fix_lasts_s:
            self._tell(None)
        elif now_s - self._opened_s <= self._fix_lasts_s or now_s - self._sentence_s > DEAF_AFTER_S:
            return
        elif self._told_no_fix:
            self._tell(
                f"{self._name} has no fix: give its antenna a free view of the sky; reads have no"
                " place until then"
            )
        else:
            self._tell(
                f"{self._name} talks, but tells no place any more: restart it, and see that it"
                " sends RMC or GGA"
            )

    def _tell(self, sentence: str | None) -> None:
        if sentence != self._said:
            self._said = sentence
            self._say(sentence)
