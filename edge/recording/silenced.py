"""Hits that did not ring since their plate had rung: kept, should what rang be taken back.

Only the last few are, since each has a frame. One that is no longer kept is said with the
withdrawal and does not ring, as is one that was seen too long ago.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TypeAlias

from edge.contract.records import Hit, HotlistMatch, Read
from edge.hotfile.alerts import Sighted
from edge.instant import Instant
from edge.vision.frames import Frame
from edge.vision.geometry import Box

MOST_KEPT = 4

_Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quiet:
    """A hit on record that did not ring, its read, and what the officer is shown of it.

    It was seen last at ``at``; ``stays`` says that both records stay on the unit.
    """

    read: Read
    hit: Hit
    at: Instant
    frame: Frame
    box: Box
    stays: bool


class Silenced:
    """The quiet hits of all cameras; safe to use from any thread."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Quiet] = OrderedDict()
        self._wanted: deque[_Key] = deque(maxlen=MOST_KEPT)
        self._lock = threading.Lock()

    def keep(self, sighted: Sighted, quiet: Quiet) -> Quiet | None:
        """Keep a hit; it is given back at once where it was asked for before it was on record."""
        key = _key(sighted, quiet.hit.match)
        with self._lock:
            if key in self._wanted:
                self._wanted.remove(key)
                return quiet
            self._kept[key] = quiet
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return None

    def take(self, sighted: Sighted, match: HotlistMatch) -> Quiet | None:
        """The hit of a sighting with what ``match`` matched, to ring after all; once."""
        key = _key(sighted, match)
        with self._lock:
            quiet = self._kept.pop(key, None)
            if quiet is None:
                self._wanted.append(key)
        return quiet


def _key(sighted: Sighted, match: HotlistMatch) -> _Key:
    about = match.list_name, match.plate, match.state or "", match.kind
    return sighted.camera, sighted.plate, str(sighted.at.at_s), *about
