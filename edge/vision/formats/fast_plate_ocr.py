"""Readers that fast-plate-ocr trained and exported, with their configuration file.

The input is N x H x W x C (or channels first), pixels 0..255; the output `plate` holds for each
of a fixed number of places the probabilities of the alphabet, in which one character stands for
'nothing here'; `region`, where the model has it, the probabilities of the regions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.contract.plates import STATES, normalise
from edge.vision.errors import ModelError, VisionError
from edge.vision.models import OnnxModel
from edge.vision.reader import (
    UNKNOWN_STATE,
    CharacterReading,
    PlateReading,
    StateReading,
    plate_reading,
)
from edge.vision.states import NAMES

MAX_ALTERNATIVES = 5
MIN_PROBABILITY = 0.001
_TOLERANCE = 0.05  # networks of 8-bit weights miss the sum of one by a little
_INTERPOLATIONS = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos4": cv2.INTER_LANCZOS4,
}
_ELEMENTS: dict[str, type[np.generic]] = {"uint8": np.uint8, "float": np.float32}


@dataclass(frozen=True, slots=True)
class OcrConfig:
    """What a reader's configuration file says; the fields' names are its keys."""

    max_plate_slots: int
    alphabet: str
    pad_char: str
    img_height: int
    img_width: int
    keep_aspect_ratio: bool = False
    interpolation: str = "linear"
    image_color_mode: str = "grayscale"
    padding_color: tuple[int, int, int] = (114, 114, 114)
    plate_regions: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return 3 if self.image_color_mode == "rgb" else 1

    @staticmethod
    def of(table: Mapping[str, Any]) -> OcrConfig:
        """The configuration in that table; raises ModelError, naming the key that is wrong."""
        unknown = sorted(set(table) - set(OcrConfig.__dataclass_fields__))
        if unknown:
            raise ModelError(f"{unknown[0]}: not a key of a fast-plate-ocr configuration")
        values = dict(table)
        for key in ("max_plate_slots", "img_height", "img_width"):
            if not isinstance(values.get(key), int) or isinstance(values[key], bool):
                raise ModelError(f"{key}: needs a whole number")
            if not 1 <= values[key] <= 4096:
                raise ModelError(f"{key}: {values[key]} is out of range")
        alphabet, pad = values.get("alphabet"), values.get("pad_char")
        if not isinstance(alphabet, str) or len(set(alphabet)) != len(alphabet):
            raise ModelError("alphabet: needs a string without a character twice")
        if not isinstance(pad, str) or len(pad) != 1 or pad not in alphabet:
            raise ModelError("pad_char: needs one character of the alphabet")
        if values.get("interpolation", "linear") not in _INTERPOLATIONS:
            raise ModelError(f"interpolation: needs one of {', '.join(_INTERPOLATIONS)}")
        if values.get("image_color_mode", "grayscale") not in ("grayscale", "rgb"):
            raise ModelError("image_color_mode: needs grayscale or rgb")
        if not isinstance(values.get("keep_aspect_ratio", False), bool):
            raise ModelError("keep_aspect_ratio: needs true or false")
        values["padding_color"] = _colour(values.get("padding_color", 114))
        regions = values.get("plate_regions") or ()
        if isinstance(regions, str) or not all(isinstance(name, str) for name in regions):
            raise ModelError("plate_regions: needs a list of names")
        values["plate_regions"] = tuple(regions)
        return OcrConfig(**values)


def _colour(value: Any) -> tuple[int, int, int]:
    parts = (value,) * 3 if isinstance(value, int) else value
    if (
        not isinstance(parts, list | tuple)
        or len(parts) != 3
        or not all(isinstance(part, int) and 0 <= part <= 255 for part in parts)
    ):
        raise ModelError("padding_color: needs a number or three, 0 to 255")
    return (parts[0], parts[1], parts[2])


class FastPlateOcrReader:
    """A Reader around a fast-plate-ocr network."""

    def __init__(self, model: OnnxModel, config: OcrConfig) -> None:
        """Raises ModelError where the graph does not take the configuration's pictures."""
        self._model = model
        self._config = config
        self._channels_first, self._element = ocr_input(model, config)
        self._plate, self._region = ocr_outputs(model)

    def read(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """See Reader.read."""
        picture = ocr_picture(crop, self._config)[np.newaxis]
        if self._channels_first:
            picture = picture.transpose(0, 3, 1, 2)
        outputs = self._model.run_all(np.ascontiguousarray(picture, dtype=self._element))
        characters = decode_slots(outputs[self._plate], self._config)
        if not characters:
            return None
        state = UNKNOWN_STATE
        if self._region is not None and self._config.plate_regions:
            state = decode_region(outputs[self._region], self._config.plate_regions)
        return plate_reading(characters, state)


def ocr_input(model: OnnxModel, config: OcrConfig) -> tuple[bool, type[np.generic]]:
    """Whether the input has channels first, and its element type; raises ModelError if neither."""
    expected = (config.img_height, config.img_width, config.channels)
    inputs = model.inputs
    if len(inputs) == 1 and len(inputs[0].axes) == 4 and inputs[0].dtype in _ELEMENTS:
        given, element = inputs[0].axes[1:], _ELEMENTS[inputs[0].dtype]
        if _fits(given, expected):
            return False, element
        if _fits(given, (expected[2], expected[0], expected[1])):
            return True, element
    shown = ", ".join(str(one) for one in inputs)
    raise ModelError(
        f"model {model.name} takes {shown}, and its configuration says "
        f"N x {expected[0]} x {expected[1]} x {expected[2]}: give the configuration it came with"
    )


def _fits(axes: tuple[int | None, ...], expected: tuple[int, ...]) -> bool:
    return all(axis in (None, wanted) for axis, wanted in zip(axes, expected, strict=True))


def ocr_outputs(model: OnnxModel) -> tuple[str, str | None]:
    """The names of the outputs with the plate and with the region, where there is one."""
    names = [output.name for output in model.outputs]
    plate = next((name for name in names if name.split("/")[-1].split(":")[0] == "plate"), names[0])
    region = next((name for name in names if name.split("/")[-1].split(":")[0] == "region"), None)
    return plate, region


def ocr_picture(crop: NDArray[np.uint8], config: OcrConfig) -> NDArray[np.uint8]:
    """An (h, w, 3) uint8 BGR crop as the configuration wants it: (height, width, channels)."""
    colour = cv2.COLOR_BGR2RGB if config.channels == 3 else cv2.COLOR_BGR2GRAY
    picture = np.asarray(cv2.cvtColor(crop, colour), dtype=np.uint8)
    interpolation = _INTERPOLATIONS[config.interpolation]
    size = (config.img_width, config.img_height)
    if not config.keep_aspect_ratio:
        resized = cv2.resize(picture, size, interpolation=interpolation)
        return np.asarray(resized, dtype=np.uint8).reshape(size[1], size[0], config.channels)
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    resized = cv2.resize(picture, inner, interpolation=interpolation)
    padded = np.empty((size[1], size[0], config.channels), dtype=np.uint8)
    padded[:] = config.padding_color[: config.channels]
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    padded[top : top + inner[1], left : left + inner[0]] = np.asarray(resized).reshape(
        inner[1], inner[0], config.channels
    )
    return padded


def decode_slots(output: NDArray[np.float32], config: OcrConfig) -> tuple[CharacterReading, ...]:
    """The characters of one plate from (1, places * alphabet) or (1, places, alphabet).

    Classes that no US plate has, the padding among them, are 'no character here'; both cases of a
    letter add up. Raises VisionError where the output is of another size or no probabilities.
    """
    size = config.max_plate_slots, len(config.alphabet)
    if output.size != size[0] * size[1]:
        raise VisionError(
            f"a reader gave {output.shape}, not {size[0]} places of {size[1]} characters"
        )
    slots = output.reshape(size)
    if slots.min() < -_TOLERANCE or slots.sum(axis=1).max() > 1 + _TOLERANCE:
        raise VisionError("a reader gave numbers that are no probabilities")
    meanings = [normalise(character) for character in config.alphabet]
    characters = []
    for place in slots:
        sums: dict[str, float] = {}
        for meaning, probability in zip(meanings, place, strict=True):
            key = meaning if len(meaning) == 1 else ""
            sums[key] = sums.get(key, 0.0) + float(probability)
        nothing = sums.pop("", 0.0)
        ranked = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))
        if ranked and ranked[0][1] > nothing:
            kept = [ranked[0]] + [pair for pair in ranked[1:] if pair[1] >= MIN_PROBABILITY]
            characters.append(
                CharacterReading(
                    tuple((glyph, min(1.0, p)) for glyph, p in kept[:MAX_ALTERNATIVES])
                )
            )
    return tuple(characters)


def decode_region(output: NDArray[np.float32], regions: tuple[str, ...]) -> StateReading:
    """The state from (1, regions) probabilities; regions that are no US state are unknown."""
    if output.size != len(regions):
        raise VisionError(f"a reader gave {output.shape} for {len(regions)} regions")
    sums: dict[str, float] = {}
    for name, probability in zip(regions, output.reshape(-1), strict=True):
        code = state_code(name)
        if code is not None:
            sums[code] = sums.get(code, 0.0) + float(probability)
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_ALTERNATIVES]
    if not ranked or ranked[0][1] <= 1 - sum(sums.values()):
        return StateReading(None, 0.0, tuple(ranked))
    return StateReading(*ranked[0], tuple(ranked))


def state_code(region: str) -> str | None:
    """The USPS code that a region's name means: the code itself or the state's name."""
    word = normalise(region)
    if word in STATES:
        return word
    return next((code for code, name in NAMES.items() if name == word and code in STATES), None)
