"""Settings of the plate engine; nothing here loads OpenCV or onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator

from edge.section import Section

EngineKind = Literal["plateward", "ppocr"]
ProviderName = Literal["cpu", "cuda", "tensorrt", "openvino"]
DetectorSize = Literal["fast", "far"]

ENGINE_KINDS: tuple[EngineKind, ...] = get_args(EngineKind)
DETECTOR_SIZES: tuple[DetectorSize, ...] = get_args(DetectorSize)
SIZE_LIMITS_PX = (160, 4096)

PLATE_DETECTOR = "plate-detector"
PLATE_READER = "plate-reader"
PLATE_VERIFIER = "plate-verifier"


class EngineSettings(Section):
    """The plate engine."""

    kind: EngineKind = Field(
        "plateward",
        description="'plateward' is this product's detector and reader, or the models named below; "
        "'ppocr' is PP-OCRv6, which reads any text, slower: it needs the extra 'ppocr'.",
    )
    detector: str = Field(
        PLATE_DETECTOR,
        min_length=1,
        description="The detector, by its name in a manifest; 'alpr-edge models list' shows them.",
    )
    reader: str = Field(
        PLATE_READER, min_length=1, description="The reader, by its name in a manifest."
    )
    verifier: str = Field(
        PLATE_VERIFIER,
        description="A model that is asked whether a place is a plate where its text is a word or "
        "a number alone, by its name in a manifest; '' asks none. The kind 'ppocr' asks its own "
        "about every place.",
    )
    models: Path | None = Field(
        None,
        description="Manifest of this unit's own models, which 'alpr-edge models add' writes; the "
        "product's own manifest is always read.",
    )
    size: DetectorSize | int = Field(
        "fast",
        description="How large pictures are searched: 'fast', 'far' for smaller plates at more "
        "time, or the long side in pixels. A detector of one fixed size searches at that.",
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=64,
        description="Processor threads inside one operation of a network; without it the "
        "processors are shared evenly by the cameras, each of which looks in a thread of its own.",
    )
    providers: tuple[ProviderName, ...] = Field(
        ("cpu",),
        description="What runs the networks, the first that can: 'tensorrt', 'cuda', 'openvino', "
        "'cpu'. The processor runs what no other does; 'alpr-edge status' says so.",
    )

    @field_validator("size", mode="before")
    @classmethod
    def _require_size(cls, value: Any) -> Any:
        low, high = SIZE_LIMITS_PX
        named = isinstance(value, str) and value in DETECTOR_SIZES
        whole = isinstance(value, int) and not isinstance(value, bool)
        if named or (whole and low <= value <= high):
            return value
        raise ValueError(f"must be 'fast', 'far' or a whole number of pixels, {low} to {high}")
