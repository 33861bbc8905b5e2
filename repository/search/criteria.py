"""What is searched for: a plate or a part of one, a place, a window of time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.contract.plates import STATES
from repository.ledger.entry import JSON
from repository.search.cursor import Cursor
from repository.search.errors import SearchRefusedError
from repository.search.pattern import ENOUGH_ADJACENT, PlatePattern
from repository.search.place import Place

MAX_WINDOW = timedelta(days=366)
MAX_BROAD_WINDOW = timedelta(days=31)
MAX_RESULTS = 1000
DEFAULT_RESULTS = 100
MAX_NAME = 63


def parse_moment(field: str, typed: str) -> datetime:
    """The moment that was typed for that field.

    Raises:
        SearchRefusedError: if it is none.
    """
    try:
        return datetime.fromisoformat(typed)
    except ValueError as error:
        raise SearchRefusedError(
            f"{field}: expected a moment such as 2026-03-01T14:00:00-05:00"
        ) from error


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` until before ``end``, in UTC."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime) -> Window:
        """The window between these moments.

        Raises:
            SearchRefusedError: if it has no offset from UTC, no length, or too much of it.
        """
        for field, moment in (("from", start), ("to", end)):
            if moment.utcoffset() is None:
                raise SearchRefusedError(f"{field}: needs its offset from UTC")
        if not start < end:
            raise SearchRefusedError("from: must lie before 'to'")
        if end - start > MAX_WINDOW:
            raise SearchRefusedError(f"from: the window is at most {MAX_WINDOW.days} days")
        try:
            return cls(start.astimezone(UTC), end.astimezone(UTC))
        except OverflowError as error:
            raise SearchRefusedError("from: no such time") from error


@dataclass(frozen=True, slots=True)
class Criteria:
    """What a read must meet, all of it; None where nothing is asked.

    Built by :meth:`of`, which sees to it that a search is narrow enough: by a whole plate or three
    adjacent characters of one, or else by a window of time, and by a short one where no place is
    given. ``after`` is where the page before ended; ``state_or_unknown`` takes reads, too, whose
    state could not be told; ``second_guesses`` those, too, whose reader thought the plate possible.
    """

    pattern: PlatePattern | None = None
    window: Window | None = None
    place: Place | None = None
    state: str | None = None
    agency: str | None = None
    unit: str | None = None
    camera: str | None = None
    hits_only: bool = False
    limit: int = DEFAULT_RESULTS
    after: Cursor | None = None
    state_or_unknown: bool = False
    second_guesses: bool = False

    @classmethod
    def of(
        cls,
        plate: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        folded: bool = False,
        place: Place | None = None,
        state: str | None = None,
        agency: str | None = None,
        unit: str | None = None,
        camera: str | None = None,
        hits_only: bool = False,
        limit: int = DEFAULT_RESULTS,
        after: Cursor | None = None,
        state_or_unknown: bool = False,
        second_guesses: bool = False,
    ) -> Criteria:
        """The criteria that were typed.

        Raises:
            SearchRefusedError: naming the field that is wrong or missing.
        """
        pattern = None if plate is None else PlatePattern.of(plate, folded=folded)
        if folded and pattern is None:
            raise SearchRefusedError("folded: needs a plate")
        if second_guesses and (pattern is None or not pattern.whole):
            raise SearchRefusedError("second_guesses: needs a whole plate")
        window = _window(pattern, place, start, end)
        if state is not None and state not in STATES:
            raise SearchRefusedError("state: expected a state's two letters, such as MA")
        if state_or_unknown and state is None:
            raise SearchRefusedError("state or unknown: needs a state")
        for field, name in (("agency", agency), ("unit", unit), ("camera", camera)):
            if name is not None and not (name.isascii() and name.isprintable() and name.strip()):
                raise SearchRefusedError(f"{field}: expected its name")
            if name is not None and len(name) > MAX_NAME:
                raise SearchRefusedError(f"{field}: a name has at most {MAX_NAME} characters")
        if not 1 <= limit <= MAX_RESULTS:
            raise SearchRefusedError(f"limit: expected 1 to {MAX_RESULTS}")
        return cls(
            pattern,
            window,
            place,
            state,
            agency,
            unit,
            camera,
            hits_only,
            limit,
            after,
            state_or_unknown,
            second_guesses,
        )

    def as_json(self) -> Mapping[str, JSON]:
        """The criteria as the ledger and the case file keep them: what was asked, nothing else."""
        asked: dict[str, JSON] = {"limit": self.limit}
        if self.pattern is not None:
            asked |= {"plate": self.pattern.text, "folded": self.pattern.folded}
        if self.window is not None:
            asked["from"] = self.window.start.isoformat()
            asked["to"] = self.window.end.isoformat()
        if self.place is not None:
            asked |= self.place.as_json()
        for field, name in (
            ("state", self.state),
            ("agency", self.agency),
            ("unit", self.unit),
            ("camera", self.camera),
            ("after", None if self.after is None else str(self.after)),
        ):
            if name is not None:
                asked[field] = name
        if self.hits_only:
            asked["hits_only"] = True
        if self.state_or_unknown:
            asked["state_or_unknown"] = True
        if self.second_guesses:
            asked["second_guesses"] = True
        return asked


def _window(
    pattern: PlatePattern | None,
    place: Place | None,
    start: datetime | None,
    end: datetime | None,
) -> Window | None:
    by_plate = pattern is not None and (pattern.whole or pattern.adjacent >= ENOUGH_ADJACENT)
    if start is not None and end is not None:
        window = Window.of(start, end)
        if not by_plate and place is None and window.end - window.start > MAX_BROAD_WINDOW:
            raise SearchRefusedError(
                f"from: without a place or {ENOUGH_ADJACENT} adjacent characters of a plate, the "
                f"window is at most {MAX_BROAD_WINDOW.days} days"
            )
        return window
    if start is not None or end is not None:
        missing = "from" if start is None else "to"
        raise SearchRefusedError(f"{missing}: missing; a window of time has two ends")
    if not by_plate:
        raise SearchRefusedError(
            "from: missing; give a window of time, or a plate, or at least "
            f"{ENOUGH_ADJACENT} adjacent characters of one"
        )
    return None
