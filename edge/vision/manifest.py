"""The models that an engine may load: the product's, and those that a unit's owner added.

A manifest is a TOML file of ``[[model]]`` tables. `name`, `file` and `sha256` are required;
`role` says what the model is for and `format` which adapter speaks to it, with that adapter's
`options`. Everything else is for people.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edge.vision.errors import ModelError
from edge.vision.models import INSTALL_AGAIN, OnnxModel, installed_file, load_onnx
from edge.vision.settings import ProviderName

_CHECKOUT = Path(__file__).parents[2] / "models"
_INSTALLED = Path(sys.prefix) / "share" / "plateward" / "models"

ADD_AGAIN = "copy it back or add it again"
ROLES = ("detector", "reader", "verifier", "part")


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: where its file is, the SHA-256 that the file must have, and how it is used.

    The file is in the installed `package`, or else in the manifest's own `folder`. `role` is one
    of ROLES. `input` and `licence` are words for people, and so is `remedy`: what to do about a
    file that is missing or another.
    """

    name: str
    package: str | None
    folder: Path
    file: str
    sha256: str
    role: str = "part"
    format: str | None = None
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    input: str = ""
    licence: str = ""
    remedy: str = INSTALL_AGAIN

    @property
    def path(self) -> Path:
        """Where the file should be; raises ModelError where its package is not installed."""
        if self.package is None:
            return self.folder / self.file
        return installed_file(self.package, self.file)

    def load(self, threads: int = 1, providers: Sequence[ProviderName] = ("cpu",)) -> OnnxModel:
        """The model; raises ModelError where its file is missing, another or corrupt."""
        return load_onnx(
            self.path,
            threads=threads,
            sha256=self.sha256,
            providers=providers,
            remedy=self.remedy,
        )


def manifest_file() -> Path:
    """The manifest of the checkout, or else the installed one; raises ModelError without one."""
    for folder in (_CHECKOUT, _INSTALLED):
        if (path := folder / "manifest.toml").is_file():
            return path
    raise ModelError("models/manifest.toml is missing: install the product again")


def read_manifest(
    path: Path, remedy: str = INSTALL_AGAIN, file_remedy: str = INSTALL_AGAIN
) -> dict[str, ModelEntry]:
    """The entries of a manifest by name; raises ModelError, with the remedy, if it is not one.

    `file_remedy` is that of the files beside the manifest.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("model")
        if not entries:
            raise ValueError("it holds no [[model]]")
        read = [_entry(entry, path.parent, file_remedy) for entry in entries]
        for entry in read:
            if sum(entry.name == other.name for other in read) > 1:
                raise ValueError(f"two models are named '{entry.name}'")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no manifest of models ({error}): {remedy}") from error
    return {entry.name: entry for entry in read}


def known_models(own: Path | None) -> dict[str, ModelEntry]:
    """The product's models, and those of a unit's `own` manifest where it has one.

    Raises ModelError where a manifest cannot be read or both have a model of one name.
    """
    product = read_manifest(manifest_file())
    if own is None:
        return product
    added = read_manifest(own, "'alpr-edge models add' writes one", ADD_AGAIN)
    for name in added:
        if name in product:
            raise ModelError(f"{own}: '{name}' is the name of a model of the product: use another")
    return product | added


def find_model(entries: Mapping[str, ModelEntry], name: str) -> ModelEntry:
    """The entry of that name; raises ModelError, naming those there are."""
    if name not in entries:
        raise ModelError(f"no manifest has a model named '{name}': there are {', '.join(entries)}")
    return entries[name]


def load_model(name: str, threads: int = 1) -> OnnxModel:
    """A model of the product's manifest, on the processor; raises ModelError if it cannot be."""
    return find_model(read_manifest(manifest_file()), name).load(threads)


def _entry(table: Mapping[str, Any], folder: Path, file_remedy: str) -> ModelEntry:
    role = table.get("role", "part")
    if role not in ROLES:
        raise ValueError(f"role {role!r} is none of {', '.join(ROLES)}")
    package = table.get("package")
    if package is not None and not (isinstance(package, str) and package.isidentifier()):
        raise ValueError(f"package {package!r} is no name of a Python package, such as 'rapidocr'")
    return ModelEntry(
        name=str(table["name"]),
        package=package,
        folder=folder,
        file=str(table["file"]),
        sha256=str(table["sha256"]),
        role=role,
        format=table.get("format"),
        options=MappingProxyType(dict(table.get("options", {}))),
        input=str(table.get("input", "")),
        licence=str(table.get("licence", "")),
        remedy=INSTALL_AGAIN if package else file_remedy,
    )
