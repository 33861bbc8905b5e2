"""When the unit uploads, and over which links pictures go: as the administrator set it (C-7a)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Literal

from edge.schedule import Schedule
from edge.spool.pictures import Standing
from edge.uplink.messages import Allowed
from edge.uplink.upload_settings import PictureRule

Wish = Literal["none", "upload", "everything"]
"""What somebody asked for: an upload now, or everything now, over whatever link there is."""


@dataclass(frozen=True, slots=True)
class LinkCost:
    """Which network interfaces cost by the byte; names may hold wildcards as in ``wwan*``."""

    metered: tuple[str, ...] = ()
    unmetered: tuple[str, ...] = ()

    def is_metered(self, interface: str | None) -> bool:
        """Whether that interface costs. One that is not known does, where any are named."""
        if interface is None:
            return bool(self.metered or self.unmetered)
        if any(fnmatchcase(interface, name) for name in self.metered):
            return True
        return bool(self.unmetered) and not any(
            fnmatchcase(interface, name) for name in self.unmetered
        )


@dataclass(frozen=True, slots=True)
class UploadRule:
    """When to upload; without a schedule and not on command alone, always."""

    schedule: Schedule | None = None
    on_command: bool = False
    hits_at_once: bool = True
    pictures: PictureRule = "now"

    def is_open(self, now: datetime | None, wish: Wish) -> bool:
        """Whether records may go; ``now`` is None while the time of day is not known."""
        if wish != "none" or (self.schedule is None and not self.on_command):
            return True
        return self.schedule is not None and now is not None and self.schedule.is_open(now)

    def allowed(self, now: datetime | None, wish: Wish, *, metered: bool) -> Allowed:
        """What may be sent now over a link that costs, or does not."""
        is_open = self.is_open(now, wish)
        return Allowed(
            hits=is_open or self.hits_at_once,
            records=is_open,
            pictures=self._pictures(wish, metered=metered) if is_open else None,
        )

    def _pictures(self, wish: Wish, *, metered: bool) -> Standing | None:
        if wish == "everything" or self.pictures == "now":
            return Standing.ORDINARY
        if self.pictures == "command":
            return Standing.ORDINARY if wish == "upload" else None
        if not metered:
            return Standing.ORDINARY
        return Standing.HIT_SCENE if self.pictures == "hits" else None
