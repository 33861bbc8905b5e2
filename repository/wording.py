"""Words that depend on a number."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """The number with the noun, whose plural has an s: 1 read, 2 reads."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
