"""Do the pictures that reads name lie there, whole and openable, and nothing beside them?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Literal, TypeAlias

from sqlalchemy import ColumnElement, Connection, Engine, exists, func, select

from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.pictures import (
    PictureChangedError,
    PictureKeyError,
    PictureMissingError,
    PictureStore,
    name,
)
from repository.store.pictures_leftovers import (
    Leftover,
    find_leftovers,
    pictures_of,
    still_left,
)
from repository.store.tables.reads import pictures

FaultKind: TypeAlias = Literal["missing", "changed", "undecryptable"]
_FAULTS: tuple[tuple[type[Exception], FaultKind], ...] = (
    (PictureMissingError, "missing"),
    (PictureChangedError, "changed"),
    (PictureKeyError, "undecryptable"),
)
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class PictureFault:
    """A picture that a read names and that cannot be shown; ``name`` is its file's."""

    kind: FaultKind
    name: str


@dataclass(frozen=True, slots=True)
class PicturesChecked:
    """What a check found; ``stored`` is how many pictures there were to draw from."""

    stored: int
    checked: int
    faults: tuple[PictureFault, ...]
    leftovers: tuple[Leftover, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with what was looked at."""
        return not self.faults and not self.leftovers


def check(
    engine: Engine,
    store: PictureStore,
    *,
    day: date | None,
    sample: int | None,
    progress: Callable[[int, int], None],
) -> PicturesChecked:
    """Open pictures, ``sample`` of them drawn by chance or with None all, and look for leftovers.

    Ingest and purges go on meanwhile: what looks wrong is looked at again while they wait.
    ``progress`` is told how many of how many are checked.

    Raises:
        PictureError: if the place itself does not answer.
        DatabaseUnavailableError: if the database does not.
    """
    with reading(engine) as connection:
        days = [day] if day is not None else _days(connection)
        stored = sum(_count(connection, each) for each in days)
        drawn: Iterable[tuple[date, str]]
        if sample is None:
            drawn, total = stored_pictures(connection, days), stored
        else:
            drawn = _drawn(connection, day, sample)
            total = len(drawn)
        suspects: list[tuple[date, str]] = []
        checked = 0
        for each in drawn:
            if _fault(connection, store, *each) is not None:
                suspects.append(each)
            checked += 1
            if checked % _AT_ONCE == 0:
                progress(checked, total)
        leftovers = list(find_leftovers(connection, store, day))
    progress(checked, total)
    faults = []
    if suspects or leftovers:
        with engine.begin() as connection:
            locks.take(connection, Turn.RETENTION)
            for suspect in suspects:
                kind = _fault(connection, store, *suspect)
                if kind is not None and is_stored(connection, *suspect):
                    faults.append(PictureFault(kind, name(*suspect)))
            leftovers = still_left(connection, store, leftovers)
    return PicturesChecked(stored, checked, tuple(faults), tuple(leftovers))


def _days(connection: Connection) -> list[date]:
    first, last = connection.execute(
        select(func.min(pictures.c.captured_at), func.max(pictures.c.captured_at))
    ).one()
    if first is None:
        return []
    start = first.astimezone(UTC).date()
    return [
        start + timedelta(days=number)
        for number in range((last.astimezone(UTC).date() - start).days + 1)
    ]


def _count(connection: Connection, day: date) -> int:
    query = select(func.count(pictures.c.sha256.distinct()))
    return connection.scalar(query.where(_stored_of(day))) or 0


def stored_pictures(connection: Connection, days: Iterable[date]) -> Iterator[tuple[date, str]]:
    """Day and digest of every picture of these days that is stored, each once."""
    for day in days:
        query = select(pictures.c.sha256).distinct().where(_stored_of(day))
        for sha256 in connection.scalars(query).all():
            yield day, sha256


def _drawn(connection: Connection, day: date | None, sample: int) -> list[tuple[date, str]]:
    which = pictures.c.stored_at.is_not(None) if day is None else _stored_of(day)
    query = (
        select(pictures.c.captured_at, pictures.c.sha256)
        .where(which)
        .order_by(func.random())
        .limit(sample)
    )
    rows = connection.execute(query)
    return sorted({(row.captured_at.astimezone(UTC).date(), row.sha256) for row in rows})


def _stored_of(day: date) -> ColumnElement[bool]:
    return pictures_of(day) & pictures.c.stored_at.is_not(None)


def _fault(connection: Connection, store: PictureStore, day: date, sha256: str) -> FaultKind | None:
    try:
        store.get(connection, day, sha256)
    except (PictureMissingError, PictureChangedError, PictureKeyError) as error:
        return next(kind for fault, kind in _FAULTS if isinstance(error, fault))
    return None


def is_stored(connection: Connection, day: date, sha256: str) -> bool:
    """Whether a read names that picture as stored."""
    which = _stored_of(day) & (pictures.c.sha256 == sha256)
    return bool(connection.scalar(select(exists().where(which))))
