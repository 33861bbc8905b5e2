"""The partitions of the days to come, made before the first read of a day arrives."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Connection

from repository.store.partitions import ensure_days

DAYS_AHEAD = 7


def coming_days(today: date) -> list[date]:
    """Today and the days after it for which there shall be partitions."""
    return [today + timedelta(days=ahead) for ahead in range(DAYS_AHEAD)]


def ensure_coming_days(connection: Connection, today: date) -> None:
    """Make what is missing of their partitions, in the caller's transaction."""
    ensure_days(connection, coming_days(today))
