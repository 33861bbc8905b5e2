"""What a search gives back, and what is said with every result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from repository.search.pattern import How

LEAD_ONLY = (
    "Each result is a lead to be followed up. It identifies nobody, it is not probable cause, "
    "and nobody may be stopped or arrested on its strength alone."
)


@dataclass(frozen=True, slots=True)
class FoundRead:
    """A read that fits, and whose it is. Places are WGS 84 degrees, null where not known.

    ``how`` its plate fits what was searched for; "any" if no plate was. The corrected plate and
    state are what its agency says they really are, where it says so.
    """

    read_id: UUID
    plate: str
    how: How | Literal["any"]
    state: str | None
    confidence: float
    captured_at: datetime
    latitude_deg: float | None
    longitude_deg: float | None
    site: str | None
    agency: str
    agency_title: str
    agency_ori: str | None
    unit_id: int
    unit: str
    camera: str
    on_hotlist: bool
    corrected_plate: str | None
    corrected_state: str | None

    @property
    def how_to_confirm(self) -> str:
        """What to do before acting on it."""
        ori = f" (ORI {self.agency_ori})" if self.agency_ori else ""
        return (
            f"Before acting, confirm this read with {self.agency_title}{ori}: name unit "
            f"{self.unit}, camera {self.camera} and read {self.read_id}."
        )


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Reads in order of time, newest first; ``next`` is where the next page begins, if any.

    ``ledger_index`` is the search's own entry in the ledger.
    """

    reads: tuple[FoundRead, ...]
    next: str | None
    ledger_index: int
    notice: str = LEAD_ONLY

    @property
    def more(self) -> bool:
        """Whether the limit cut some off."""
        return self.next is not None
