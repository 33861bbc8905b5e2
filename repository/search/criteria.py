"""What is searched for: a plate, exact or folded, in a window of time. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.contract.plates import normalise
from repository.ledger.entry import JSON
from repository.search.errors import SearchRefusedError

MAX_WINDOW = timedelta(days=366)
MAX_PLATE = 12
MAX_RESULTS = 1000
DEFAULT_RESULTS = 100


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
class Criteria:
    """A plate in canonical spelling and a window of time, from ``start`` until before ``end``.

    ``folded`` finds plates that differ only in characters easily taken for one another.
    """

    plate: str
    start: datetime
    end: datetime
    folded: bool = False
    limit: int = DEFAULT_RESULTS

    @classmethod
    def of(
        cls,
        plate: str,
        start: datetime,
        end: datetime,
        *,
        folded: bool = False,
        limit: int = DEFAULT_RESULTS,
    ) -> Criteria:
        """The criteria that were typed.

        Raises:
            SearchRefusedError: naming the field that is wrong.
        """
        spelled = normalise(plate)
        if not 1 <= len(spelled) <= MAX_PLATE:
            raise SearchRefusedError(f"plate: expected 1 to {MAX_PLATE} letters and digits")
        for field, moment in (("from", start), ("to", end)):
            if moment.utcoffset() is None:
                raise SearchRefusedError(f"{field}: needs its offset from UTC")
        if not start < end:
            raise SearchRefusedError("from: must lie before 'to'")
        if end - start > MAX_WINDOW:
            raise SearchRefusedError(f"from: the window is at most {MAX_WINDOW.days} days")
        if not 1 <= limit <= MAX_RESULTS:
            raise SearchRefusedError(f"limit: expected 1 to {MAX_RESULTS}")
        try:
            window = start.astimezone(UTC), end.astimezone(UTC)
        except OverflowError as error:
            raise SearchRefusedError("from: no such time") from error
        return cls(spelled, *window, folded, limit)

    def as_json(self) -> Mapping[str, JSON]:
        """The criteria as the ledger and the case file keep them."""
        return {
            "plate": self.plate,
            "folded": self.folded,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
            "limit": self.limit,
        }
