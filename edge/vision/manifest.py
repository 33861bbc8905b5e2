"""The models that the engine loads, from ``models/manifest.toml``: each with its digest."""

from __future__ import annotations

import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from edge.vision.errors import ModelError
from edge.vision.models import OnnxModel, installed_file, load_onnx

_CHECKOUT = Path(__file__).parents[2] / "models"
_INSTALLED = Path(sys.prefix) / "share" / "plateward" / "models"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model: where its file is, and the SHA-256 that the file must have.

    The file is in the installed `package`, or else in the manifest's own `folder`.
    """

    name: str
    package: str | None
    folder: Path
    file: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the file should be; raises ModelError where its package is not installed."""
        if self.package is None:
            return self.folder / self.file
        return installed_file(self.package, self.file)

    def load(self, threads: int) -> OnnxModel:
        """The model; raises ModelError where its file is missing, another or corrupt."""
        return load_onnx(self.path, threads=threads, sha256=self.sha256)


def manifest_file() -> Path:
    """The manifest of the checkout, or else the installed one; raises ModelError without one."""
    for folder in (_CHECKOUT, _INSTALLED):
        if (path := folder / "manifest.toml").is_file():
            return path
    raise ModelError("models/manifest.toml is missing: install the product again")


def read_manifest(path: Path) -> dict[str, ModelEntry]:
    """The entries of a manifest by name; raises ModelError where it is not one."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["model"]
        return {
            entry["name"]: ModelEntry(
                name=entry["name"],
                package=entry.get("package"),
                folder=path.parent,
                file=entry["file"],
                sha256=entry["sha256"],
            )
            for entry in entries
        }
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no manifest of models ({error}): install it again") from error
