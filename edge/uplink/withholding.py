"""Keeping reads on the unit: which rules are in force, and when their time is over.

How long such a read is kept is counted by the clock that never steps, while the unit runs; for the
time that it was off, the time of day is asked once, as soon as it can be believed. So a clock that
is set while the unit runs neither keeps a read too long nor purges it too soon. The time off does
not count for what was kept since, but for what a whole run kept that never had the time: how long
the unit was off before and how long after that run, nobody can tell, and such a read goes too soon
rather than too late.
"""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from edge.contract.plates import Confusables
from edge.contract.records import AnyRecord
from edge.spool.store import Spool
from edge.spool.withheld import Age, Withheld
from edge.uplink.errors import UplinkError
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.filters import Filter, FilterRule, PlateSet, Sighted

TEND_EVERY_S = 60.0
_MAX_PLATES_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TimeOff:
    """How long the unit was off, as it came to be known at an age.

    ``began_s`` is the age at the start, ``known_s`` the one at which the time was known, without
    the time off: what is kept from between them was kept after that.
    """

    began_s: float
    known_s: float
    off_s: float


class Ageing:
    """Counts the age of what is kept, over restarts."""

    def __init__(self, noted: Age, monotonic_s: float) -> None:
        """``noted`` is the age that the last run noted."""
        self._noted = noted
        self._started_s = monotonic_s
        self.time_off: TimeOff | None = None
        """None until the time of day is known."""

    def at(self, monotonic_s: float, now: datetime | None) -> Age:
        """The age at a moment of the monotonic clock; ``now`` is None while it is not known."""
        ran_s = monotonic_s - self._started_s
        began_s, noted_at = self._noted.age_s, self._noted.at
        if self.time_off is None and now is not None:
            since_s = (now - noted_at).total_seconds() if noted_at else 0.0
            self.time_off = TimeOff(began_s, began_s + ran_s, max(0.0, since_s - ran_s))
        off_s = 0.0 if self.time_off is None else self.time_off.off_s
        if now is None and self.time_off is None and noted_at is not None:
            now = noted_at + timedelta(seconds=ran_s)
        return Age(began_s + off_s + ran_s, now)


class Withholding:
    """The rules in force over one spool. Every method may be called from any thread."""

    def __init__(
        self,
        rules: Sequence[FilterSettings],
        confusables: Confusables,
        spool: Spool,
        *,
        monotonic_s: Callable[[], float],
        now: Callable[[], datetime | None],
        on_problem: Callable[[str | None], None],
    ) -> None:
        """Read the rules' files.

        ``monotonic_s`` should count while the unit sleeps; ``now`` is the time of day, or None
        while it cannot be believed; ``on_problem`` is told one sentence while a file of plates
        that has changed cannot be used, and None once it can.

        Raises:
            UplinkError: if a file of plates cannot be used: nothing is sent without it.
            SpoolError: if the spool cannot be read.
        """
        self._settings = tuple(rules)
        self._confusables = confusables
        self._spool = spool
        self._monotonic_s = monotonic_s
        self._now = now
        self._on_problem = on_problem
        self._guard = threading.Lock()
        self._signatures = self._look()
        self._filter = self._read()
        self._ageing = Ageing(spool.withheld_age(), monotonic_s())
        self._postponed = False
        self._tended_s: float | None = None

    def rule_for(self, read: Sighted) -> FilterRule | None:
        """The rule by which this read must stay on the unit; None if it may be sent."""
        return self._filter.withholds(read)

    def withheld(
        self,
        rule: FilterRule,
        builders: Sequence[Callable[[int], AnyRecord]],
        pictures: Mapping[str, bytes],
        *,
        provisional: bool = False,
    ) -> Withheld:
        """What the spool is to keep of a read that stays, by a rule."""
        keep_s = rule.keep_s or None
        return Withheld(tuple(builders), pictures, rule.name, self._age(), keep_s, provisional)

    def tend(self) -> None:
        """Take in files of plates that have changed, and purge what is due.

        Raises:
            SpoolError: if the spool cannot be written.
        """
        signatures = self._look()
        if signatures != self._signatures:
            self._signatures = signatures
            try:
                self._filter = self._read()
            except UplinkError as error:
                self._on_problem(f"{error}; the plates of before stay in force")
            else:
                self._on_problem(None)
        self._postpone()
        now_s = self._monotonic_s()
        if self._tended_s is None or now_s - self._tended_s >= TEND_EVERY_S:
            self._tended_s = now_s
            if self._spool.withheld().kept:
                self._spool.purge_withheld(self._age())

    def _postpone(self) -> None:
        """Once the time off is known, do not count it for what is kept since the start."""
        self._age()
        off = self._ageing.time_off
        if off is None or self._postponed:
            return
        if off.off_s:
            self._spool.postpone_withheld(off.began_s, off.known_s, off.off_s)
        self._postponed = True

    def _age(self) -> Age:
        with self._guard:
            return self._ageing.at(self._monotonic_s(), self._now())

    def _look(self) -> list[tuple[int, int, int] | None]:
        return [_signature(rule.plates) for rule in self._settings if rule.plates is not None]

    def _read(self) -> Filter:
        return Filter(tuple(_rule(rule, self._confusables) for rule in self._settings))


def _rule(settings: FilterSettings, confusables: Confusables) -> FilterRule:
    return FilterRule(
        name=settings.name,
        keep_s=settings.keep_hours * 3600,
        plates=None if settings.plates is None else _read_plates(settings.plates, confusables),
        area=settings.area(),
        schedule=None if settings.schedule is None else settings.schedule.schedule(),
        cameras=frozenset(settings.cameras) or None,
    )


def _read_plates(path: Path, confusables: Confusables) -> PlateSet:
    """The plates in a file that its owner alone can read."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                raise UplinkError(
                    f"{path}: others can read these plates (mode {mode:04o}): run "
                    f"'chmod 600 {path}'"
                )
            text = file.read(_MAX_PLATES_BYTES + 1)
        if len(text) > _MAX_PLATES_BYTES:
            raise UplinkError(f"{path}: more than {_MAX_PLATES_BYTES} bytes: use fewer plates")
        return PlateSet.of(text.splitlines(), confusables)
    except OSError as error:
        raise UplinkError(
            f"{path}: the plates that must not leave the unit cannot be read ({error.strerror})"
        ) from error
    except ValueError as error:
        what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UplinkError(f"{path}: the plates cannot be used: {what}") from error


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
