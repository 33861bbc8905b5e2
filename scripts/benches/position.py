"""Measure how far off the place of a frame is, on drives with turns and stops.

A receiver tells a fix a second. A frame is taken some time after the last fix that came, and its
place is asked for, in three ways:

- `held`: the last fix as it was.
- `carried`: the last fix, carried on at its speed and heading: what the unit says of the newest.
- `between`: on the line to the next fix, where that has come: what the unit says in a read.

For frames of each age of the last fix, in seconds: the median and 95th percentile of the error in
metres, and the share of places whose stated radius holds the unit, which is to be 0.95 at least.
`between` has no ages: a frame lies within a second of the fix before it. The drives are invented
and follow from the seed; the receiver's error is that of a plain fix, wandering, or none at all
with --exact, so that only the error of the way is left.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import pairwise

import click

from benches._drive import UERE_M, Drive, drive
from edge.contract.records import GpsFix
from edge.position.history import FixHistory

EXAMPLE = "Example: scripts/bench position --exact --json"
AGES_S = ((0.0, 1.0), (1.0, 2.0), (2.0, 5.0), (5.0, 10.0))


class Errors:
    """Errors of one way in metres, and how often the stated radius held the unit."""

    def __init__(self) -> None:
        self._errors_m: list[float] = []
        self._held = 0

    def add(self, error_m: float, radius_m: float) -> None:
        """One place."""
        self._errors_m.append(error_m)
        self._held += error_m <= radius_m

    def figures(self) -> dict[str, float]:
        """Median, 95th percentile by nearest rank, and share that the radius held."""
        ordered = sorted(self._errors_m)
        return {
            "p50_m": round(ordered[(len(ordered) - 1) // 2], 2),
            "p95_m": round(ordered[-(-len(ordered) * 95 // 100) - 1], 2),
            "held_share": round(self._held / len(ordered), 4),
        }


@click.command(epilog=EXAMPLE, help=f"\b\n{__doc__}")
@click.option("--minutes", type=click.IntRange(2), default=60, show_default=True)
@click.option("--top-speed", type=click.FloatRange(1), default=17.0, show_default=True, help="m/s.")
@click.option("--exact", is_flag=True, help="The receiver has no error of its own.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def main(minutes: int, top_speed: float, exact: bool, seed: int, as_json: bool) -> None:
    """Drive, ask, compare."""
    chance = random.Random(seed)  # noqa: S311 - an invented drive
    print(f"driving for {minutes} minutes", file=sys.stderr)
    driven = drive(60 * minutes, seed, top_speed_mps=top_speed, uere_m=0.0 if exact else UERE_M)
    figures: dict[str, object] = {"minutes": minutes, "top_speed_mps": top_speed, "exact": exact}
    for youngest_s, oldest_s in AGES_S:
        held, carried = _alone(driven, chance, youngest_s, oldest_s)
        age = f"{youngest_s:g}_to_{oldest_s:g}_s"
        figures[f"held_{age}"] = {
            name: value for name, value in held.figures().items() if name != "held_share"
        }
        figures[f"carried_{age}"] = carried.figures()
    figures["between"] = _between(driven, chance).figures()
    if as_json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:20} {value}")


def _alone(
    driven: Drive, chance: random.Random, youngest_s: float, oldest_s: float
) -> tuple[Errors, Errors]:
    """Frames while no later fix has come: the last one held, and carried on."""
    held, carried = Errors(), Errors()
    for second, told in enumerate(driven.fixes[: -int(oldest_s) - 1]):
        history = FixHistory(fix_lasts_s=oldest_s)
        history.add(told, second)
        at_s = second + round(chance.uniform(youngest_s, oldest_s), 2)
        position = history.at(at_s)
        held.add(driven.error_m(told.latitude_deg, told.longitude_deg, at_s), 0.0)
        carried.add(*_error(driven, position, at_s))
    return held, carried


def _between(driven: Drive, chance: random.Random) -> Errors:
    """Frames of reads: the next fix has come by the time the read is stored."""
    errors = Errors()
    for second, (told, following) in enumerate(pairwise(driven.fixes)):
        history = FixHistory()
        history.add(told, second)
        history.add(following, second + 1)
        at_s = second + round(chance.uniform(0, 0.99), 2)
        errors.add(*_error(driven, history.at(at_s), at_s))
    return errors


def _error(driven: Drive, position: object, at_s: float) -> tuple[float, float]:
    if not isinstance(position, GpsFix) or not isinstance(position.uncertainty_m, float):
        raise click.ClickException(f"no place {at_s:.2f} s after the start")
    error_m = driven.error_m(position.latitude_deg, position.longitude_deg, at_s)
    return error_m, position.uncertainty_m


if __name__ == "__main__":
    main(prog_name="scripts/bench position")
