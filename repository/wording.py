"""Words that depend on a number."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """The number with the noun: 1 read, 2 reads; ``plural`` where that has no mere s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
