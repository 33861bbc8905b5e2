"""Troubles that last, put on record: the unit reports its own malfunctions (policy, IV.D.4 and 6).

A camera or a model that fails is reported by whoever uses it, at once. This looks at everything
else that is in trouble, and reports each trouble once it has lasted for longer than a hiccup of
its kind, and again every day that it lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from edge.contract.records import Component
from edge.health.health import HealthReport

AGAIN_EVERY_S = 86_400.0
_LINK_DOWN_FOR_S = 4 * 3600.0

_COMPONENTS: tuple[tuple[str, Component], ...] = (
    ("camera", "camera"),
    ("picture", "camera"),
    ("engine", "model"),
    ("gps", "gps"),
    ("position", "gps"),
    ("clock", "clock"),
    ("disk", "disk"),
    ("spool", "disk"),
    ("status file", "disk"),
    ("hot list", "hotlist"),
    ("age of hot list", "hotlist"),
    ("lines of hot list", "hotlist"),
    ("hot-list", "hotlist"),
    ("uplink spool", "disk"),
    ("uplink receipts", "other"),
    ("uplink", "link"),
)
"""By how the name of a part in trouble begins, the first that fits."""

_LASTS_S: dict[Component, float] = {"gps": 120.0, "clock": 600.0, "link": _LINK_DOWN_FOR_S}
_HICCUP_S = 10.0
_SAME_S = 0.5

_REPORTED_AT_ONCE = ("camera ", "engine ", "records of ")
"""Parts that whoever uses them reports; 'engine providers' is no camera's and not among them."""

Report: TypeAlias = Callable[[Component, str | None, str, str], bool]
"""Puts a malfunction on record: component, camera, sentence, the part in trouble. False if one of
that part went on record too short a while ago."""


@dataclass(frozen=True, slots=True)
class _Record:
    """When a trouble began and when it last went on record, by the clock that never steps."""

    began_s: float
    recorded_s: float


class LastingTroubles:
    """Remembers which troubles are on record; used by one thread."""

    def __init__(self, link_down_for_s: float = _LINK_DOWN_FOR_S) -> None:
        self._lasts_s = {**_LASTS_S, "link": link_down_for_s}
        self._on_record: dict[str, _Record] = {}

    def report(self, health: HealthReport, report: Report) -> None:
        """Report every trouble that is due; what is not taken now is due at the next look."""
        self._on_record = {
            part: one for part, one in self._on_record.items() if part in health.troubles
        }
        for part, sentence in health.troubles.items():
            began_s = health.monotonic_s - health.lasting_s[part]
            if not self._due(part, began_s, health.monotonic_s):
                continue
            if report(component_of(part), camera_of(part), sentence, part):
                self._on_record[part] = _Record(began_s, health.monotonic_s)

    def _due(self, part: str, began_s: float, now_s: float) -> bool:
        known = self._on_record.get(part)
        if known is not None and abs(known.began_s - began_s) < _SAME_S:
            return now_s - known.recorded_s >= AGAIN_EVERY_S
        lasts_s = self._lasts_s.get(component_of(part), _HICCUP_S)
        if part.startswith(_REPORTED_AT_ONCE) and part != "engine providers":
            lasts_s = AGAIN_EVERY_S
        return now_s - began_s >= lasts_s


def component_of(part: str) -> Component:
    """The component that a part in trouble belongs to."""
    for kind in ("part ", "silence of ", "keeping of "):
        part = part.removeprefix(kind)
    return next((one for start, one in _COMPONENTS if part.startswith(start)), "other")


def camera_of(part: str) -> str | None:
    """The camera that a part in trouble belongs to, where it is one's."""
    for start in ("camera ", "engine ", "records of ", "part camera-", "silence of camera-"):
        if part.startswith(start) and part != "engine providers":
            return part.removeprefix(start)
    if part.startswith("picture "):
        return part.split()[1]
    return None
