"""Draw a sheet of training scenes with their labels, to be looked at."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click
import cv2

from .photos import open_photos
from .sheet import sheet
from .textures import make


@click.command(context_settings={"show_default": True})
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True,
    help="The folder with the training pictures, such as ../shared/data/train.",
)  # fmt: skip
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="The picture to write (.png).",
)  # fmt: skip
@click.option(
    "--cache", type=click.Path(path_type=Path, file_okay=False),
    help="A folder that keeps drawn plates and drives for next time; without one, no drives.",
)  # fmt: skip
@click.option("--plates", default=200, type=click.IntRange(2), help="Plates to draw.")
@click.option("--columns", default=4, type=click.IntRange(1))
@click.option("--rows", default=5, type=click.IntRange(1))
@click.option("--width", default=640, type=click.IntRange(64), help="Of each scene, in pixels.")
@click.option("--height", default=384, type=click.IntRange(64), help="Of each scene, in pixels.")
@click.option("--seed", default=1, type=int)
def main(
    data: Path,
    out: Path,
    cache: Path | None,
    plates: int,
    columns: int,
    rows: int,
    width: int,
    height: int,
    seed: int,
) -> None:
    """Write a sheet of scenes: plates outlined in green, boxes alone orange, doubts purple."""
    try:
        photos = open_photos(data, drives=cache / "drives" if cache else None)
    except (FileNotFoundError, ValueError) as problem:
        raise click.ClickException(str(problem)) from problem
    with tempfile.TemporaryDirectory() as scratch:
        textures = make(plates, (cache or Path(scratch)) / "textures", seed)
        picture = sheet(photos, textures, (width, height), (columns, rows), seed)
    if not cv2.imwrite(str(out), picture):
        raise click.ClickException(f"{out} could not be written")
    click.echo(f"{columns * rows} scenes in {out}")


if __name__ == "__main__":
    main()
