"""Load an ONNX model, knowing exactly which bytes were loaded.

The SHA-256 of every model goes into each read's engine information, so that a reading can be
traced to the weights that made it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge.vision.errors import ModelError, VisionError


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A loaded model with one input and one output used, and the digest of its file."""

    name: str
    sha256: str
    session: Any
    input_name: str

    @property
    def metadata(self) -> dict[str, str]:
        """The key-value pairs that the model's author stored in the file."""
        return dict(self.session.get_modelmeta().custom_metadata_map)

    def run(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output for a float32 batch; raises VisionError where inference fails."""
        try:
            outputs = self.session.run(None, {self.input_name: tensor})
        except Exception as error:  # onnxruntime's classes share no narrower public root
            raise VisionError(f"model {self.name} failed on a picture: {error}") from error
        result = np.asarray(outputs[0], dtype=np.float32)
        if not np.isfinite(result).all():
            raise VisionError(f"model {self.name} gave values that are not numbers")
        return result


def load_onnx(path: Path, *, threads: int = 1, sha256: str | None = None) -> OnnxModel:
    """Load a model for the processor with `threads` threads inside each operation.

    `sha256` is the digest that the file must have, where one is prescribed. Raises ModelError
    with one sentence where the file is missing, differs from it or is not a model.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model file {path} cannot be read ({error.strerror}): install it again"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise ModelError(
            f"model file {path} has SHA-256 {digest}, expected {sha256}: install it again"
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # pictures differ in size: an arena only ever grows
    options.log_severity_level = 4  # the exception says it; stderr need not say it twice
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's classes share no narrower public root
        raise ModelError(
            f"model file {path} is corrupt or not an ONNX model: install it again"
        ) from error
    return OnnxModel(path.stem, digest, session, session.get_inputs()[0].name)


def installed_file(package: str, relative: str) -> Path:
    """The path of a file inside an installed package, found without importing the package.

    Raises ModelError where the package is not installed; the file itself is not checked.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelError(f"package {package}, which holds the models, is not installed")
    return Path(spec.origin).parent / relative
