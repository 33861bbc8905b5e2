"""What was refused or failed is an entry too, though all else of it is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Engine

from repository.ledger import log
from repository.ledger.entry import JSON, Entry, as_typed


@contextmanager
def attempt(
    engine: Engine, entry: Entry, refusal: type[Exception] | tuple[type[Exception], ...]
) -> Iterator[None]:
    """Record ``entry`` as refused, with the reason, where what is within raises ``refusal``.

    Any other exception is recorded as failed, by its kind alone, since its text may tell what the
    one who asked did not say. Both go on to the caller. What ends well records itself.
    """
    try:
        yield
    except refusal as error:
        record(engine, replace(entry, outcome="refused", request=_why(entry, str(error))))
        raise
    except Exception as error:
        record(engine, replace(entry, outcome="failed", request=_why(entry, type(error).__name__)))
        raise


def record(engine: Engine, entry: Entry) -> None:
    """Append an entry in a transaction of its own."""
    with engine.begin() as connection:
        log.append(connection, entry)


def _why(entry: Entry, reason: str) -> dict[str, JSON]:
    return {**entry.request, "reason": as_typed(reason)}
