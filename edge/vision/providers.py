"""Execution providers: what runs a network, by the short names of the settings.

The processor runs whatever another provider cannot. A provider that was asked for and does not
serve is named in one sentence; the processor takes its place, slower but right.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import onnxruntime as ort

from edge.vision.settings import ProviderName

CPU = "CPUExecutionProvider"
ONNXRUNTIME_NAMES = MappingProxyType(
    {
        "cpu": CPU,
        "cuda": "CUDAExecutionProvider",
        "tensorrt": "TensorrtExecutionProvider",
        "openvino": "OpenVINOExecutionProvider",
    }
)
_PACKAGES = {"cuda": "onnxruntime-gpu", "tensorrt": "onnxruntime-gpu"}


def open_session(
    content: bytes, options: Any, providers: Sequence[ProviderName]
) -> tuple[Any, tuple[str, ...]]:
    """A session of the model's bytes, and a sentence for each provider that does not serve.

    `options` are onnxruntime's SessionOptions. Raises what onnxruntime raises where the processor
    cannot load the model either.
    """
    usable, notices = usable_providers(providers)
    while usable:
        chosen = [*(ONNXRUNTIME_NAMES[name] for name in usable), CPU]
        try:
            session = _open(content, options, chosen)
        except Exception as error:  # noqa: BLE001 - onnxruntime's classes share no narrower root
            notices.append(_broken(usable.pop(0), str(error).split("\n", 1)[0]))
        else:
            serving = session.get_providers()
            notices += [
                _broken(name, "onnxruntime left it out")
                for name in usable
                if ONNXRUNTIME_NAMES[name] not in serving
            ]
            return session, tuple(notices)
    return _open(content, options, [CPU]), tuple(notices)


def usable_providers(
    providers: Sequence[ProviderName],
) -> tuple[list[ProviderName], list[str]]:
    """Those before the processor that onnxruntime has, and a sentence for each that it lacks."""
    available = ort.get_available_providers()
    wanted = list(takewhile(lambda name: name != "cpu", providers))  # the processor can do it all
    usable = [name for name in wanted if ONNXRUNTIME_NAMES[name] in available]
    return usable, [_missing(name) for name in wanted if name not in usable]


def _open(content: bytes, options: Any, chosen: list[str]) -> Any:
    session = ort.InferenceSession(content, options, providers=chosen, enable_fallback=0)
    session._model_bytes = None  # kept for another start with other providers, which never comes
    return session


def _missing(name: str) -> str:
    package = _PACKAGES.get(name, f"onnxruntime-{name}")
    return (
        f"provider {name} is not in the installed onnxruntime, so the processor does its work: "
        f"install {package} in its place, or take {name} out of the setting engine.providers"
    )


def _broken(name: str, why: str) -> str:
    return (
        f"provider {name} does not start ({why}), so the next does its work: check its "
        f"driver and libraries, or take {name} out of the setting engine.providers"
    )
