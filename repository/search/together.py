"""Which plates were seen together with one: the question, and how it is answered.

Each time that the plate was read at a known place is an occasion; reads of it that follow one
another within the time asked for are one occasion. A plate was together with it on an occasion if
it was read within that time before or after, at most that far away. What reads alike to a machine
counts as one plate, and what reads like the plate itself is not its companion.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from repository.ledger.entry import JSON
from repository.search.criteria import MAX_RESULTS, Criteria, Window
from repository.search.errors import SearchRefusedError
from repository.search.pattern import Fold, PlatePattern
from repository.search.place import Circle, Point
from repository.search.result import Companion, FoundRead, FoundTogether
from repository.search.run import Sight, run
from repository.store.bounded import BoundedReader

MAX_SPAN = timedelta(days=31)
MAX_DISTANCE_M = 1000.0
MAX_WITHIN_S = 600.0
MAX_TIMES = 100
MAX_SEEN = 500
MAX_COMPANIONS = 50
MAX_READS = 1000


@dataclass(frozen=True, slots=True)
class TogetherCriteria:
    """A plate, a window, and what is called together: how often, how near, how soon."""

    pattern: PlatePattern
    window: Window
    distance_m: float
    within_s: float
    times: int

    @classmethod
    def of(
        cls,
        pattern: PlatePattern,
        start: datetime,
        end: datetime,
        *,
        distance_m: float,
        within_s: float,
        times: int,
    ) -> TogetherCriteria:
        """The criteria that were typed.

        Raises:
            SearchRefusedError: naming the field that is wrong.
        """
        if not pattern.whole:
            raise SearchRefusedError("plate: needs to be whole, without ? and *")
        window = Window.of(start, end)
        if window.end - window.start > MAX_SPAN:
            raise SearchRefusedError(f"from: the window is at most {MAX_SPAN.days} days")
        if not 0 < distance_m <= MAX_DISTANCE_M:
            raise SearchRefusedError(f"distance: more than 0, at most {MAX_DISTANCE_M:.0f} m")
        if not 0 < within_s <= MAX_WITHIN_S:
            raise SearchRefusedError(f"within: more than 0, at most {MAX_WITHIN_S:.0f} seconds")
        if not 2 <= times <= MAX_TIMES:
            raise SearchRefusedError(f"times: expected 2 to {MAX_TIMES}; once is chance")
        return cls(pattern, window, distance_m, within_s, times)

    def as_json(self) -> Mapping[str, JSON]:
        """The criteria as the ledger and the case file keep them."""
        return {
            "plate": self.pattern.text,
            "from": self.window.start.isoformat(),
            "to": self.window.end.isoformat(),
            "distance_m": self.distance_m,
            "within_s": self.within_s,
            "times": self.times,
        }


def find(
    reader: BoundedReader, criteria: TogetherCriteria, *, sight: Sight, fold: Fold
) -> FoundTogether:
    """The plates that were seen with the one as often as asked for.

    Raises:
        SearchRefusedError: if the plate was read, or others were near it, too often to go through.
        TooLongError: if the reader's time is up.
    """
    own = run(
        reader,
        Criteria(criteria.pattern, criteria.window, limit=MAX_SEEN),
        sight=sight,
        fold=fold,
    )
    if own.next is not None:
        raise SearchRefusedError(
            f"from: the plate was read more than {MAX_SEEN} times; choose a shorter window"
        )
    seen = sorted(own.reads, key=lambda read: read.captured_at)
    placed = [(read, place) for read in seen if (place := _place(read)) is not None]
    apart = timedelta(seconds=criteria.within_s)
    occasion, before = 0, None
    itself = fold(criteria.pattern.text)
    near: dict[str, dict[object, tuple[int, FoundRead]]] = defaultdict(dict)
    for read, place in placed:
        if before is None or read.captured_at - before > apart:
            occasion += 1
        before = read.captured_at
        for other in _near(reader, criteria, read, place, sight, fold):
            plate = fold(other.plate)
            if plate != itself:
                key = other.unit_id, other.captured_at, other.read_id
                near[plate].setdefault(key, (occasion, other))
    companions = [
        _companion(some.values())
        for some in near.values()
        if len({number for number, _ in some.values()}) >= criteria.times
    ]
    companions.sort(key=lambda each: (-each.times, each.plate))
    if len(companions) > MAX_COMPANIONS or sum(len(each.reads) for each in companions) > MAX_READS:
        raise SearchRefusedError(
            "times: too many plates were seen with it so often; ask for more times, a smaller "
            "distance or a shorter window"
        )
    return FoundTogether(occasion, len(seen) - len(placed), tuple(companions))


def _place(read: FoundRead) -> Point | None:
    if read.latitude_deg is None or read.longitude_deg is None:
        return None
    return Point(read.latitude_deg, read.longitude_deg)


def _near(
    reader: BoundedReader,
    criteria: TogetherCriteria,
    read: FoundRead,
    place: Point,
    sight: Sight,
    fold: Fold,
) -> tuple[FoundRead, ...]:
    apart = timedelta(seconds=criteria.within_s)
    window = Window(read.captured_at - apart, read.captured_at + apart + timedelta.resolution)
    found = run(
        reader,
        Criteria(window=window, place=Circle(place, criteria.distance_m), limit=MAX_RESULTS),
        sight=sight,
        fold=fold,
    )
    if found.next is not None:
        raise SearchRefusedError(
            f"distance: more than {MAX_RESULTS} reads are that near to one of its reads; ask for "
            "less distance or time"
        )
    return found.reads


def _companion(some: Collection[tuple[int, FoundRead]]) -> Companion:
    reads = sorted((read for _, read in some), key=lambda read: read.captured_at)
    ((plate, _),) = Counter(read.plate for read in reads).most_common(1)
    return Companion(
        plate,
        len({number for number, _ in some}),
        len({read.captured_at.date() for read in reads}),
        tuple(reads),
    )
