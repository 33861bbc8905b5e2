"""Which numbers a public table may show, so that no small one can be read or worked out: pure.

A cell is the number of hits of one kind of one agency in one month; the cells of a month and an
agency stand beside their sum. A number below the smallest allowed is hidden. Where the sum and the
cells shown would still tell too much of a hidden one, further cells are hidden, the smallest first,
and if that does not do, the sum is. No other sums are published: a reader who adds up what is shown
learns nothing of what is hidden. Numbers of nought are not listed.

The rule is the usual one of primary and complementary suppression, as in the Federal Committee on
Statistical Methodology's Statistical Policy Working Paper 22, chapter II.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """The cells of one agency and month, and their sum; None where it is hidden."""

    cells: Mapping[str, int | None]
    total: int | None


def suppress(cells: Mapping[str, int], smallest: int) -> Shown:
    """What may be shown of these cells, none of which is nought.

    From all that is shown, a hidden cell may be as large as ``smallest``, or larger.
    """
    hidden = {kind for kind, number in cells.items() if number < smallest}
    rest = sorted((kind for kind in cells if kind not in hidden), key=lambda kind: cells[kind])
    total: int | None = sum(cells.values())
    while hidden and not _vague([cells[kind] for kind in hidden], smallest):
        if not rest:
            total = None
            break
        hidden.add(rest.pop(0))
    return Shown(
        cells={kind: None if kind in hidden else number for kind, number in cells.items()},
        total=total,
    )


def _vague(hidden: list[int], smallest: int) -> bool:
    """Whether each of these may be as large as ``smallest`` for one who knows their sum alone.

    The largest that one can be leaves one for each of the others.
    """
    return sum(hidden) - (len(hidden) - 1) >= smallest
