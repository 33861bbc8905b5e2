"""A unit's own models: take in an ONNX file, write its manifest entry, and check what is there."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray

from edge.vision.errors import ModelError, VisionError
from edge.vision.formats.adapters import adapt_detector, adapt_reader, adapt_verifier
from edge.vision.formats.tell import Told, tell_detector, tell_reader
from edge.vision.formats.trial import (
    TrialResult,
    drawn_plate,
    drawn_scene,
    try_detector,
    try_reader,
)
from edge.vision.manifest import ModelEntry, manifest_file, read_manifest
from edge.vision.models import OnnxModel, load_onnx

AddedRole = Literal["detector", "reader"]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HEADER = (
    "# Models of this unit, written by 'alpr-edge models add'. A file with another digest is\n"
    "# refused. The setting engine.models names this file.\n"
)


@dataclass(frozen=True, slots=True)
class Added:
    """A model that was taken in: its entry, what it is and what the trial gave, in words."""

    entry: ModelEntry
    explained: str
    trial: str
    found_anything: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of checking one entry; `usable` is None where its package is not installed."""

    entry: ModelEntry
    usable: bool | None
    said: str


def add_model(
    file: Path,
    role: AddedRole,
    manifest: Path,
    *,
    name: str | None = None,
    config: Path | None = None,
    classes: Sequence[str] = (),
    picture: NDArray[np.uint8] | None = None,
) -> Added:
    """Tell what an ONNX file is, try it, copy it beside the manifest and write its entry there.

    `config` is the configuration file of a reader, `classes` the detector's classes that are
    plates, `picture` an (H, W, 3) uint8 BGR scene or crop to try it on. Nothing is written where
    anything fails. Raises ModelError for what is not known, with what was found.
    """
    chosen = name or re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")
    if not _NAME.fullmatch(chosen):
        raise ModelError(f"'{chosen}' is no name: lower-case letters, digits and hyphens")
    if manifest.resolve() == manifest_file().resolve():
        raise ModelError(f"{manifest} is the product's own: name a manifest of the unit's")
    if chosen in read_manifest(manifest_file()):
        raise ModelError(f"'{chosen}' is the product's own model: choose another with --name")
    if chosen in _entries(manifest):
        raise ModelError(f"a model named '{chosen}' is there already: choose another with --name")
    model = load_onnx(file, remedy="export it again")
    told = _tell(model, role, config, classes, picture)
    entry = ModelEntry(
        name=chosen,
        package=None,
        folder=manifest.parent,
        file=f"{chosen}.onnx",
        sha256=model.sha256,
        role=role,
        format=told.format,
        options=told.options,
        input=", ".join(str(one) for one in model.inputs),
        licence=model.metadata.get("license", "not stated in the file"),
    )
    result = _try(entry, model, picture)
    _write(file, entry, manifest, ", ".join(str(one) for one in model.outputs))
    return Added(entry, told.explained, result.said, result.score is not None)


def _tell(
    model: OnnxModel,
    role: AddedRole,
    config: Path | None,
    classes: Sequence[str],
    picture: NDArray[np.uint8] | None,
) -> Told:
    if role == "reader":
        return tell_reader(model, None if config is None else read_config(config))
    return tell_detector(model, drawn_scene() if picture is None else picture, classes)


def read_config(path: Path) -> Mapping[str, Any]:
    """The mapping in a YAML file; raises ModelError where it cannot be read or holds none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ModelError(f"configuration {path} cannot be read: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ModelError(f"configuration {path} holds no keys with values")
    return content


def check_model(entry: ModelEntry) -> Checked:
    """Whether a model's file is there, is the right one, and gives an answer to a picture."""
    try:
        _ = entry.path
    except ModelError as error:
        return Checked(entry, None, str(error))
    try:
        model = entry.load()
        return Checked(entry, True, _try(entry, model, None).said)
    except VisionError as error:
        return Checked(entry, False, str(error))
    except Exception as error:  # noqa: BLE001 - whatever one model does, the others get their row
        return Checked(entry, False, f"model '{entry.name}' fails: {error!r}")


def _try(entry: ModelEntry, model: OnnxModel, picture: NDArray[np.uint8] | None) -> TrialResult:
    if entry.role == "detector":
        scene = drawn_scene() if picture is None else picture
        return try_detector(adapt_detector(entry, model, "fast"), scene)
    if entry.role == "reader":
        crop = drawn_plate() if picture is None else picture
        return try_reader(adapt_reader(entry, model).reader, crop)
    if entry.role == "verifier":
        adapt_verifier(entry, model)
    return TrialResult("it loads", None)


def _entries(manifest: Path) -> Mapping[str, ModelEntry]:
    remedy = "correct it, or name another with --manifest"
    return read_manifest(manifest, remedy) if manifest.exists() else {}


def _write(file: Path, entry: ModelEntry, manifest: Path, output: str) -> None:
    """Copy the model, then put the entry at the manifest's end, whole or not at all."""
    target = manifest.parent / entry.file
    made: list[Path] = []
    try:
        manifest.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not target.samefile(file):
            raise ModelError(f"{target} is there already: choose another name with --name")
        content = _content(file, entry.sha256)
        if not target.exists():
            _put(target, content, made)
        before = manifest.read_text(encoding="utf-8") if manifest.exists() else _HEADER
        text = before.rstrip("\n") + "\n\n" + entry_text(entry, output)
        tomllib.loads(text)
        _put(manifest, text.encode("utf-8"), made)
    except OSError as error:
        _remove(made)
        raise ModelError(f"{target} cannot be added to {manifest}: {_why(error)}") from error
    except BaseException:
        _remove(made)
        raise


def _content(file: Path, sha256: str) -> bytes:
    """The bytes of the file that was tried; raises ModelError where they are others by now."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ModelError(f"model file {file} cannot be read ({_why(error)})") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(f"{file} changed while it was copied: try again")
    return content


def _put(path: Path, content: bytes, made: list[Path]) -> None:
    """Write a file whole or not at all; one that was not there before is noted in `made`."""
    fresh = path.with_name(f"{path.name}.new")
    existed = path.exists()
    try:
        with fresh.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    except BaseException:
        _remove([fresh])
        raise
    if not existed:
        made.append(path)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _why(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def entry_text(entry: ModelEntry, output: str) -> str:
    """An entry as a TOML table; `output` describes what the graph gives."""
    fields = {
        "name": entry.name,
        "file": entry.file,
        "sha256": entry.sha256,
        "role": entry.role,
        "format": entry.format,
        "input": entry.input,
        "output": output,
        "licence": entry.licence,
    }
    lines = ["[[model]]", *(f"{key} = {_toml(value)}" for key, value in fields.items())]
    if entry.options:
        lines += ["", "[model.options]"]
        lines += [f"{key} = {_toml(value)}" for key, value in entry.options.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A TOML value: JSON writes strings, numbers, true and false, and lists of them alike."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
