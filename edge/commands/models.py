"""The commands ``alpr-edge models``: take in models that people own, list and check them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from edge.commands.options import json_array_option, json_option
from edge.commands.say import say, say_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.vision.manifest import ModelEntry

Role = Literal["detector", "reader"]

_OWN_MANIFEST = Path("models.toml")

_manifest_option = click.option(
    "--manifest",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The unit's own manifest, as the setting engine.models names it; else models.toml here.",
)


@click.group()
def models() -> None:
    """Take in detectors and readers that you own, list and check all models.

    Example: alpr-edge models check --manifest /etc/plateward/models/manifest.toml
    """


@models.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--as", "role", type=click.Choice(get_args(Role)), required=True, help="What it is for."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The YAML file that a fast-plate-ocr reader came with.",
)
@click.option("--name", help="Its name in the manifest; by default made of the file's name.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    help="The detector's class that is a plate, by name or number; may be repeated.",
)
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A picture to try it on (a scene, or a plate's crop for a reader); else a drawn one.",
)
@_manifest_option
@json_option
def add(
    file: Path,
    role: Role,
    config: Path | None,
    name: str | None,
    classes: tuple[str, ...],
    picture: Path | None,
    manifest: Path | None,
    as_json: bool,
) -> None:
    """Tell what an ONNX file is, try it, and add it to the unit's manifest.

    Known are Ultralytics detectors (YOLOv8 and later), end-to-end YOLO exports as
    open-image-models ships them, fast-plate-ocr readers with their configuration, and models
    trained by scripts/train. The file is copied beside the manifest.

    Example: alpr-edge models add best.onnx --as detector --manifest models/manifest.toml
    """
    from edge.vision.own_models import add_model

    if role == "detector" and config is not None:
        raise click.UsageError("--config is for readers: a detector's file says all itself")
    if role == "reader" and classes:
        raise click.UsageError("--class is for detectors")
    manifest = manifest or _OWN_MANIFEST
    added = add_model(
        file, role, manifest, name=name, config=config, classes=classes, picture=_read(picture)
    )
    if as_json:
        say_json(_shown(added.entry) | {"is": added.explained, "trial": added.trial})
        return
    say(f"{file} is {added.explained}; {added.trial}")
    if not added.found_anything:
        say("try it on a picture of your own before you trust it: --picture")
    say(f"written to {manifest}; to use it, put into the settings:")
    say("[engine]")
    say(f'models = "{manifest.resolve()}"')
    say(f'{role} = "{added.entry.name}"')


@models.command("list")
@_manifest_option
@json_array_option
def list_models(manifest: Path | None, as_json: bool) -> None:
    """List the product's models and those of the unit's own manifest.

    Example: alpr-edge models list --manifest /etc/plateward/models/manifest.toml --json
    """
    entries = _known(manifest)
    if as_json:
        say_json([_shown(entry) for entry in entries])
        return
    for entry in entries:
        kind = f"{entry.role} ({entry.format})" if entry.format else entry.role
        say(f"{entry.name:<20} {kind:<34} {entry.sha256[:12]}  {entry.file}")


@models.command()
@_manifest_option
@json_array_option
def check(manifest: Path | None, as_json: bool) -> None:
    """Load every model, compare its digest, and try it on a drawn picture.

    The exit status is 1 if a model cannot be used. One whose package is not installed is not
    counted.

    Example: alpr-edge models check --manifest /etc/plateward/models/manifest.toml
    """
    from edge.vision.own_models import check_model

    results = [check_model(entry) for entry in _known(manifest)]
    if as_json:
        say_json([_shown(one.entry) | {"usable": one.usable, "said": one.said} for one in results])
    else:
        words = {True: "good", False: "BAD", None: "not installed"}
        for one in results:
            say(f"{one.entry.name:<20} {words[one.usable]:<14} {one.said}")
    if any(one.usable is False for one in results):
        sys.exit(1)


def _known(manifest: Path | None) -> list[ModelEntry]:
    from edge.vision.manifest import known_models

    own = _OWN_MANIFEST if manifest is None and _OWN_MANIFEST.exists() else manifest
    return list(known_models(own).values())


def _read(picture: Path | None) -> NDArray[np.uint8] | None:
    from edge.vision.pictures import read_picture

    return None if picture is None else read_picture(picture)


def _shown(entry: ModelEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "role": entry.role,
        "format": entry.format,
        "file": entry.file,
        "folder": None if entry.package else str(entry.folder),
        "package": entry.package,
        "sha256": entry.sha256,
        "input": entry.input,
        "licence": entry.licence,
        "options": dict(entry.options),
    }
