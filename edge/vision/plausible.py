"""Does an outline, then its reading, look like a plate's? What is plainly no plate is no read.

Pure judgement on what was detected and read; nothing here looks up a list of real plates.
"""

from __future__ import annotations

from edge.vision.geometry import Box
from edge.vision.reader import PlateReading

MIN_LENGTH = 2
MAX_LENGTH = 8
MIN_PLATE_HEIGHT_PX = 12  # a long European plate is legible at that, a US plate rarely
PLATE_ASPECTS = (0.9, 7.0)
EDGE_PX = 2
MIN_CONFIDENCE = 0.4
MIN_CONFIDENCE_SHORT = 0.8  # up to 4 characters: house numbers and fragments are that short
MIN_CONFIDENCE_ONE_KIND = 0.6  # letters alone or digits alone: vanity plates, but also words
MIN_PLATE_PROBABILITY = 0.25
MIN_PLATE_PROBABILITY_LETTERS = 0.7  # letters alone are far oftener a word than a vanity plate
SURE_PLATE_PROBABILITY = 0.9  # what is on a plate for certain may be uncertain text
MIN_SCORE_ONE_KIND = 0.6  # of a detector, above its usual 0.5: words and telephone numbers


def outline_fault(box: Box, picture_width_px: int) -> str | None:
    """Why a box in a picture of that width is not a whole plate's; None where it may be."""
    if box.h < MIN_PLATE_HEIGHT_PX:
        return "too small"
    if not PLATE_ASPECTS[0] <= box.w / box.h <= PLATE_ASPECTS[1]:
        return "not the shape of a plate"
    if box.x <= EDGE_PX or box.x + box.w >= picture_width_px - EDGE_PX:
        return "cut off by the picture's edge"
    return None


def text_fault(reading: PlateReading, probability: float, *, verified: bool) -> str | None:
    """Why a reading is not a plate's; None where it may be.

    `probability` is what the verifier gave the place that was read, or the detector's score
    where it was not `verified`.
    """
    text = reading.text
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        return "not the length of a plate"
    if reading.confidence < MIN_CONFIDENCE:
        return "too uncertain"
    if len(text) <= 4 and reading.confidence < MIN_CONFIDENCE_SHORT:
        return "too short for its certainty"
    letters = _is_word(text)
    sure_plate = verified and probability >= SURE_PLATE_PROBABILITY
    if is_one_kind(text) and not sure_plate and reading.confidence < MIN_CONFIDENCE_ONE_KIND:
        return "of one kind of character and uncertain"
    if verified and letters and probability < MIN_PLATE_PROBABILITY_LETTERS:
        return "letters alone on what is hardly a plate"
    if verified and probability < MIN_PLATE_PROBABILITY:
        return "on what is hardly a plate"
    if not verified and is_one_kind(text) and probability < MIN_SCORE_ONE_KIND:
        return "of one kind of character on what is hardly a plate"
    return None


def is_one_kind(text: str) -> bool:
    """Whether a text is letters alone or digits alone, as words and telephone numbers are."""
    return text.isdigit() or _is_word(text)


def _is_word(text: str) -> bool:
    return text.replace("0", "O").isalpha()  # a word's O may be read as 0, as on a plate
