"""What a search gives back, and what is said with every result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from repository.search.pattern import How

LEAD_ONLY = (
    "Each result is a lead to be followed up. It identifies nobody, it is not probable cause, "
    "and nobody may be stopped or arrested on its strength alone."
)
LOOKALIKES = (
    "no read is written exactly so, but there are reads of plates easily taken for it, such as O "
    "for 0: search again folded (--folded at the command line)"
)


@dataclass(frozen=True, slots=True)
class FoundRead:
    """A read that fits, and whose it is. Places are WGS 84 degrees, null where not known.

    ``how`` its plate fits what was searched for; "any" if no plate was. The corrected plate and
    state are what its agency says they really are, where it says so. ``engine`` is what read it;
    ``likelihood`` is how likely that thought the plate that was searched for, from 0 to 1, where a
    whole one was; ``guess`` says in words where the two differ.
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
    engine: str | None = None
    likelihood: float | None = None
    guess: str | None = None

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

    Those of a page of second guesses are in order of likelihood. ``ledger_index`` is the search's
    own entry in the ledger, ``emergency_review`` the number of the review that an emergency leads
    to. ``lookalikes`` says that no read is of exactly the plate, and some are of plates that are
    easily taken for it.
    """

    reads: tuple[FoundRead, ...]
    next: str | None
    ledger_index: int
    searched_at: datetime
    emergency_review: int | None = None
    lookalikes: bool = False
    notice: str = LEAD_ONLY

    @property
    def hint(self) -> str | None:
        """How to ask for what an exact search left out, if it found nothing and there is some."""
        return LOOKALIKES if self.lookalikes else None

    @property
    def more(self) -> bool:
        """Whether the limit cut some off."""
        return self.next is not None


@dataclass(frozen=True, slots=True)
class Companion:
    """A plate that was seen together with the one; its reads, oldest first.

    ``times`` counts occasions, ``days`` the UTC days that they fell on.
    """

    plate: str
    times: int
    days: int
    reads: tuple[FoundRead, ...]


@dataclass(frozen=True, slots=True)
class FoundTogether:
    """What was found: most often first. ``without_place`` reads of the plate could not be used."""

    occasions: int
    without_place: int
    companions: tuple[Companion, ...]

    def reads(self) -> Iterator[FoundRead]:
        """Every read of a companion."""
        for each in self.companions:
            yield from each.reads


@dataclass(frozen=True, slots=True)
class TogetherResult:
    """The plates that were seen with one; the rest is as in `SearchResult`."""

    found: FoundTogether
    ledger_index: int
    searched_at: datetime
    emergency_review: int | None = None
    notice: str = LEAD_ONLY
