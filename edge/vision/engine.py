"""Detector, verifier, rectify, reader and judgement of plausibility as one: a picture's plates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.vision.detector import Detection, Detector
from edge.vision.geometry import Box, Corners, grown, intersection
from edge.vision.personalised import spelt
from edge.vision.plausible import (
    MIN_PLATE_PROBABILITY,
    MIN_SCORE_ONE_KIND,
    is_one_kind,
    outline_fault,
    text_fault,
)
from edge.vision.reader import (
    UNKNOWN_STATE,
    PlateReading,
    Reader,
    StateReading,
    TwoPartReader,
)
from edge.vision.rectify import rectify
from edge.vision.serials import NO_LOOKALIKES, Lookalikes, Shapes, weigh
from edge.vision.verifier import Verifier
from edge.vision.vote import Ballot, vote

EVIDENCE_GROWTH = 1.25
UNSURE = 0.8
SAME_PLATE_OVERLAP = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class PlateObservation:
    """One plate in one picture.

    `box` is its outline in pixels of the picture; `crop` the straightened plate with a margin,
    (h, w, 3) uint8 BGR.
    """

    detection: Detection
    box: Box
    reading: PlateReading
    crop: NDArray[np.uint8]


KnownState: TypeAlias = Callable[[Box], StateReading | None]
"""The state of issuance of the plate at a place, where it is known from earlier frames."""


TimeLeft: TypeAlias = Callable[[], bool]
"""Whether there is time to look again at what was read unsurely."""


def nothing_known(_: Box) -> StateReading | None:
    """No plate's state is known: a picture that stands alone."""
    return None


def no_hurry() -> bool:
    """There is time: nobody waits for this picture."""
    return True


@dataclass(frozen=True, slots=True, eq=False)
class EngineParts:
    """What an engine is made of.

    The `verifier` is asked before reading where it is to `verify_all`, else after it about words
    and numbers alone. `reader_growth` is how much larger than the plate's outline the crop is that
    the reader is shown, `second_growth` that of another where the first reading is unsure (None:
    no other), `lookalikes` what it cannot tell apart by what it learnt. `digests` are
    the (name, SHA-256) of every model in use, `notices` sentences on what does not run as asked.
    """

    detector: Detector
    reader: Reader
    reader_growth: float
    verifier: Verifier | None = None
    verify_all: bool = False
    second_growth: float | None = None
    lookalikes: Lookalikes = field(default_factory=lambda: NO_LOOKALIKES)
    digests: tuple[tuple[str, str], ...] = ()
    notices: tuple[str, ...] = ()


class PlateEngine:
    """Finds and reads the plates of a picture with any Detector, Verifier and Reader."""

    def __init__(self, parts: EngineParts, shapes: Shapes) -> None:
        """`shapes` are the serials that states issue."""
        self._parts = parts
        self._shapes = shapes
        self.digests = parts.digests
        self.notices = parts.notices

    def read_frame(
        self,
        image: NDArray[np.uint8],
        known: KnownState = nothing_known,
        time_left: TimeLeft = no_hurry,
    ) -> tuple[PlateObservation, ...]:
        """Plates in an (H, W, 3) uint8 BGR picture, surest first, each once.

        Where a state is `known` it is not read again but taken for granted, and the reading says
        nothing of it: it is no new witness. `time_left` is asked before each second look.

        Raises VisionError where any stage fails; an empty tuple means that there is no plate.
        """
        observations = []
        for detection, probability in self._likely(image):
            outline = detection.outline
            state = known(detection.box)
            reading = self._read(image, outline, state, time_left)
            if reading is not None and self._fault(image, detection, reading, probability) is None:
                if state is not None:
                    reading = replace(reading, state=UNKNOWN_STATE)
                crop = rectify(image, grown(outline, EVIDENCE_GROWTH))
                observations.append(PlateObservation(detection, detection.box, reading, crop))
        observations.sort(key=lambda seen: -seen.reading.confidence)
        return _once_each(observations)

    def read_crop(self, crop: NDArray[np.uint8]) -> PlateReading | None:
        """Read a picture (h, w, 3) uint8 BGR that is itself the crop of one plate.

        None means that it holds no text. Raises VisionError where the reader fails.
        """
        reading = self._parts.reader.read(crop)
        return None if reading is None else self._written(reading)

    def _read(
        self,
        image: NDArray[np.uint8],
        outline: Corners,
        state: StateReading | None,
        time_left: TimeLeft,
    ) -> PlateReading | None:
        """Read the plate in an outline, its text twice where unsure: margins mislead at random."""
        parts = self._parts
        reader = parts.reader
        apart = reader if isinstance(reader, TwoPartReader) else None
        read = apart.read_text if apart else reader.read
        crop = rectify(image, grown(outline, parts.reader_growth))
        readings = [read(crop)]
        unsure = readings[0] is None or readings[0].confidence < UNSURE
        if unsure and parts.second_growth is not None and time_left():
            readings.append(read(rectify(image, grown(outline, parts.second_growth))))
        ballots = [Ballot(reading, 1.0) for reading in readings if reading is not None]
        if not ballots:
            return None
        joint = vote(ballots)
        if state is None and apart is not None:
            state = apart.read_state(crop)
        return self._written(joint if state is None else replace(joint, state=state))

    def _written(self, reading: PlateReading) -> PlateReading:
        """What was read, as the shapes of serials and the rule for personalised plates say."""
        return spelt(weigh(reading, self._shapes, self._parts.lookalikes), self._shapes)

    def _likely(self, image: NDArray[np.uint8]) -> list[tuple[Detection, float]]:
        """What looks like a plate, and how much: nothing else is read."""
        shaped = [
            detection
            for detection in self._parts.detector.detect(image)
            if outline_fault(detection.box, int(image.shape[1])) is None
        ]
        if self._parts.verifier is None or not self._parts.verify_all:
            return [(detection, detection.score) for detection in shaped]
        probabilities = self._parts.verifier.probabilities(image, shaped)
        return [
            (detection, probability)
            for detection, probability in zip(shaped, probabilities, strict=True)
            if probability >= MIN_PLATE_PROBABILITY
        ]

    def _fault(
        self,
        image: NDArray[np.uint8],
        detection: Detection,
        reading: PlateReading,
        probability: float,
    ) -> str | None:
        """Why a reading is not a plate's; the verifier is asked here about words and numbers."""
        parts = self._parts
        doubtful = is_one_kind(reading.text) and detection.score >= MIN_SCORE_ONE_KIND
        if parts.verifier is None or parts.verify_all or not doubtful:
            return text_fault(reading, probability, verified=parts.verify_all)
        (asked,) = parts.verifier.probabilities(image, (detection,))
        return text_fault(reading, asked, verified=True)


def _once_each(observations: list[PlateObservation]) -> tuple[PlateObservation, ...]:
    kept: list[PlateObservation] = []
    for seen in observations:
        if not any(_same_plate(seen.box, other.box) for other in kept):
            kept.append(seen)
    return tuple(kept)


def _same_plate(a: Box, b: Box) -> bool:
    return intersection(a, b) >= SAME_PLATE_OVERLAP * min(a.area, b.area)
