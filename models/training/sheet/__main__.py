"""``scripts/train sheet``: drawn plates in a grid, to compare with real ones by eye."""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np

from edge.contract.plates import STATES
from models.training.plates import fonts
from models.training.plates.draw import draw_foreign, draw_plate
from models.training.plates.sheet import grid


@click.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG file to write")
@click.option("--states", default="", help="only these states, such as MA,NY; XX is foreign")
@click.option("--seed", default=0, show_default=True, help="same seed, same plates")
@click.option("--count", default=102, show_default=True, help="how many plates")
@click.option("--columns", default=8, show_default=True, help="plates in a row")
@click.option("--width", default=240, show_default=True, help="width of a plate in pixels")
def main(out: Path, states: str, seed: int, count: int, columns: int, width: int) -> None:
    """Draw plates and write them as one labelled picture."""
    chosen = [state.strip().upper() for state in states.split(",") if state.strip()] or list(STATES)
    unknown = [state for state in chosen if state not in STATES and state != "XX"]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: no such state", param_hint="--states")
    rng = np.random.default_rng(seed)
    try:
        fonts.check()
    except fonts.MissingFontsError as error:
        raise click.ClickException(str(error)) from error
    plates = []
    for index in range(count):
        state = chosen[index * len(chosen) // count] if count >= len(chosen) else chosen[index]
        plates.append(draw_foreign(rng) if state == "XX" else draw_plate(rng, state))
    if not cv2.imwrite(str(out), grid(plates, columns, width)):
        raise click.ClickException(f"{out}: could not be written")
    click.echo(f"{out}: {len(plates)} plates")


if __name__ == "__main__":
    main()
