"""Load an ONNX model, knowing exactly which bytes were loaded.

The SHA-256 of every model goes into each read's engine information, so that a reading can be
traced to the weights that made it.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge.vision.errors import ModelError, VisionError
from edge.vision.onnx_part import cut_to
from edge.vision.providers import open_session
from edge.vision.settings import ProviderName

INSTALL_AGAIN = "install it again"


@dataclass(frozen=True, slots=True)
class TensorShape:
    """An input or output of a graph: its name, its axes and its element type.

    A free axis is None. `dtype` is onnxruntime's word for it, such as "float" or "uint8".
    """

    name: str
    axes: tuple[int | None, ...]
    dtype: str

    def __str__(self) -> str:
        axes = " x ".join("?" if axis is None else str(axis) for axis in self.axes)
        return f"{self.name} {axes or 'scalar'} {self.dtype}"


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A loaded model with one input, and the digest of its file.

    `notices` are sentences on execution providers that were asked for and do not serve.
    """

    name: str
    sha256: str
    session: Any
    input_name: str
    notices: tuple[str, ...] = ()
    open_part: Callable[[Collection[str]], Any] | None = None
    """Opens a session of some outputs alone; None where the file is not at hand."""

    def only(self, *outputs: str) -> OnnxModel:
        """The same network with these outputs alone, which takes less time; itself if it cannot.

        Raises ModelError where the network has no such output.
        """
        if self.open_part is None:
            return self
        try:
            session = self.open_part(outputs)
        except Exception as error:  # onnxruntime's classes share no narrower public root
            raise ModelError(f"model {self.name} cannot be cut to {', '.join(outputs)}") from error
        return replace(self, session=session, open_part=None)

    @property
    def metadata(self) -> dict[str, str]:
        """The key-value pairs that the model's author stored in the file."""
        return dict(self.session.get_modelmeta().custom_metadata_map)

    @property
    def inputs(self) -> tuple[TensorShape, ...]:
        """What the graph takes."""
        return _shapes(self.session.get_inputs())

    @property
    def outputs(self) -> tuple[TensorShape, ...]:
        """What the graph gives, in its own order."""
        return _shapes(self.session.get_outputs())

    def run(self, tensor: NDArray[Any]) -> NDArray[np.float32]:
        """The first output, as float32; see run_all."""
        return self._finite(self._infer(tensor, None)[0])

    def run_all(self, tensor: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
        """Every output by its name, as float32, for a batch of the graph's own type.

        Raises VisionError where inference fails or gives a value that is not a number.
        """
        names = [output.name for output in self.session.get_outputs()]
        outputs = self._infer(tensor, names)
        return {name: self._finite(output) for name, output in zip(names, outputs, strict=True)}

    def _infer(self, tensor: NDArray[Any], names: list[str] | None) -> list[Any]:
        try:
            outputs: list[Any] = self.session.run(names, {self.input_name: tensor})
        except Exception as error:  # onnxruntime's classes share no narrower public root
            said = " ".join(str(error).split())
            raise VisionError(f"model {self.name} failed on a picture: {said}") from error
        return outputs

    def _finite(self, output: Any) -> NDArray[np.float32]:
        result = np.asarray(output, dtype=np.float32)
        if not np.isfinite(result).all():
            raise VisionError(f"model {self.name} gave values that are not numbers")
        return result


def _shapes(arguments: Sequence[Any]) -> tuple[TensorShape, ...]:
    return tuple(
        TensorShape(
            argument.name,
            tuple(axis if isinstance(axis, int) else None for axis in argument.shape),
            argument.type.removeprefix("tensor(").removesuffix(")"),
        )
        for argument in arguments
    )


def load_onnx(
    path: Path,
    *,
    threads: int = 1,
    sha256: str | None = None,
    providers: Sequence[ProviderName] = ("cpu",),
    remedy: str = INSTALL_AGAIN,
) -> OnnxModel:
    """Load a model with `threads` threads inside each operation of the processor.

    `sha256` is the digest that the file must have, where one is prescribed. `providers` are tried
    in their order before the processor; the model's `notices` say which of them do not serve.
    Raises ModelError with one sentence, which ends in the `remedy`, where the file is missing,
    differs or is not a model.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"model file {path} cannot be read ({error.strerror}): {remedy}"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise ModelError(f"model file {path} has SHA-256 {digest}, expected {sha256}: {remedy}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Pictures differ in size: a plan of memory for each would be kept for ever. The arena grows
    # to the largest picture's need and stays smaller than what malloc keeps without it.
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # the exception says it; stderr need not say it twice
    try:
        session, notices = open_session(content, options, providers)
    except Exception as error:  # onnxruntime's classes share no narrower public root
        raise ModelError(f"model file {path} is corrupt or not an ONNX model: {remedy}") from error
    inputs = session.get_inputs()
    if not inputs:
        raise ModelError(f"model file {path} has no input, so it takes no picture: {remedy}")

    def open_part(outputs: Collection[str]) -> Any:
        return open_session(cut_to(content, outputs), options, providers)[0]

    return OnnxModel(path.stem, digest, session, inputs[0].name, notices, open_part)


def installed_file(package: str, relative: str) -> Path:
    """The path of a file inside an installed package, found without importing the package.

    Raises ModelError where the package is not installed; the file itself is not checked.
    """
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None:
        raise ModelError(f"package {package}, which holds the models, is not installed")
    return Path(spec.origin).parent / relative
