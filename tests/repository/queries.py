"""What a use case asks of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine.default import DefaultExecutionContext


@contextmanager
def statements(engine: Engine) -> Iterator[list[DefaultExecutionContext]]:
    """The statements that are run within, without what begins a transaction."""
    found: list[DefaultExecutionContext] = []

    def note(*said: Any) -> None:
        context = said[4]
        if context.compiled is not None:
            found.append(context)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
