"""Does a reading look like a plate? A car's badge or a street sign is not a read.

Pure judgement on what was detected and read; nothing here looks up a list of real plates.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.geometry import Box
from edge.vision.reader import PlateReading
from edge.vision.states import is_state_word
from edge.vision.text import edit_distance

MIN_LENGTH = 2
MAX_LENGTH = 8
MIN_PLATE_HEIGHT_PX = 20
PLATE_ASPECTS = (0.9, 7.0)
MIN_CONTRAST = 3.0  # grey levels, standard deviation over the crop
MIN_CONFIDENCE = 0.2
MIN_CONFIDENCE_SHORT = 0.8  # up to 4 characters: house numbers and fragments are that short
MIN_CONFIDENCE_ONE_KIND = 0.6  # letters alone or digits alone: vanity plates, but also words
MIN_LETTERS = 4  # of letters alone: trim levels (GT, XLT) have fewer
MIN_GROUND_DIFFERENCE = 16.0  # CIE L*a*b* in 8 bits, colour weighted by half as much again

MAKERS = (
    "ACURA", "AUDI", "BENTLEY", "BMW", "BUICK", "CADILLAC", "CHEVROLET", "CHEVY", "CHRYSLER",
    "CITROEN", "DATSUN", "DODGE", "EAGLE", "FERRARI", "FIAT", "FORD", "FREIGHTLINER", "GENESIS",
    "GEO", "GMC", "HARLEY", "HINO", "HONDA", "HUMMER", "HYUNDAI", "INFINITI", "INTERNATIONAL",
    "ISUZU", "IVECO", "JAGUAR", "JEEP", "KENWORTH", "KIA", "LEXUS", "LINCOLN", "LUCID", "MACK",
    "MASERATI", "MAZDA", "MERCEDES", "MERCURY", "MINI", "MITSUBISHI", "NISSAN", "OLDSMOBILE",
    "OPEL", "PEUGEOT", "PETERBILT", "PLYMOUTH", "POLESTAR", "PONTIAC", "PORSCHE", "RAM",
    "RENAULT", "RIVIAN", "ROVER", "SAAB", "SATURN", "SCION", "SEAT", "SKODA", "SMART", "SUBARU",
    "SUZUKI", "TESLA", "TOYOTA", "VOLKSWAGEN", "VOLVO", "YAMAHA",
)  # fmt: skip
MODELS = (
    "ACCENT", "ACCORD", "ALTIMA", "ARMADA", "ASTRO", "AVALON", "AVENGER", "BEETLE", "BLAZER",
    "BRONCO", "CALIBER", "CAMARO", "CAMRY", "CARAVAN", "CAYENNE", "CHARGER", "CHEROKEE", "CIVIC",
    "COBALT", "COLORADO", "COMPASS", "COROLLA", "CORVETTE", "CRUZE", "DAKOTA", "DURANGO",
    "ECONOLINE", "EDGE", "ELANTRA", "EQUINOX", "ESCALADE", "ESCAPE", "ESCORT", "EXPEDITION",
    "EXPLORER", "EXPRESS", "FIESTA", "FOCUS", "FORESTER", "FRONTIER", "FUSION", "GALANT",
    "GOLF", "HIGHLANDER", "IMPALA", "IMPREZA", "INSIGHT", "INTREPID", "JETTA", "JOURNEY",
    "LANCER", "LEGACY", "LIBERTY", "MALIBU", "MATRIX", "MAXIMA", "MONTERO", "MURANO", "MUSTANG",
    "NAVIGATOR", "NEON", "ODYSSEY", "OPTIMA", "OUTBACK", "OUTLANDER", "PASSAT", "PATHFINDER",
    "PATRIOT", "PILOT", "PRIUS", "QUEST", "RANGER", "RENEGADE", "RIDGELINE", "ROGUE", "SABLE",
    "SANTAFE", "SAVANA", "SENTRA", "SEQUOIA", "SIENNA", "SIERRA", "SILVERADO", "SOLARA",
    "SONATA", "SONIC", "SORENTO", "SPORTAGE", "STRATUS", "SUBURBAN", "TACOMA", "TAHOE", "TAURUS",
    "TERRAIN", "TIGUAN", "TITAN", "TRAVERSE", "TUCSON", "TUNDRA", "VENTURE", "VERSA", "WINDSTAR",
    "WRANGLER", "XTERRA", "YARIS", "YUKON",
)  # fmt: skip
BADGES = (
    "4WD", "4X4", "AWD", "DIESEL", "DOHC", "ECOBOOST", "EDITION", "ELECTRIC", "FLEXFUEL", "GLS",
    "HYBRID", "LIMITED", "LARIAT", "LTD", "LTZ", "PLATINUM", "PREMIUM", "QUATTRO", "SPORT",
    "SPECIAL", "TDI", "TOURING", "TURBO", "V6", "V8", "VTEC", "XLE", "XLT",
)  # fmt: skip
SIGNS = (
    "ACCESS", "AHEAD", "AVE", "BANK", "BLVD", "BUS", "CAUTION", "CHURCH", "CLEAN", "CLEANING",
    "CLOSED", "CROSSING", "DANGER", "DETOUR", "DRIVE", "EAST", "EMPLOYEES", "END", "ENTER",
    "ENTRANCE", "EXIT", "FIRE", "FREE", "GAS", "HOTEL", "HOSPITAL", "LANE", "LEFT", "LIMIT",
    "LOT", "MAXIMUM", "MERGE", "MILES", "MPH", "NORTH", "NOTICE", "ONE", "ONLY", "OPEN", "PARK",
    "PARKING", "PED", "PERMIT", "POLICE", "PRIVATE", "RAMP", "RENTAL", "RESERVED", "RESIDENT",
    "RIGHT", "ROAD", "SALE", "SCHOOL", "SHERIFF", "SLOW", "SOUTH", "SPEED", "STOP", "STREET",
    "TAXI", "TOW", "TRAFFIC", "TRUCK", "TURN", "VAN", "VIDEO", "VISITOR", "WAY", "WEST", "WORK",
    "XING", "YIELD", "ZONE",
)  # fmt: skip
KNOWN_WORDS = frozenset(MAKERS + MODELS + BADGES + SIGNS)
_LETTER_FOR_DIGIT = str.maketrans("01568", "OISGB")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a reading looks like a plate and, where not, which test it failed."""

    plausible: bool
    reason: str


PLAUSIBLE = Verdict(True, "")


def judge(box: Box, crop: NDArray[np.uint8], reading: PlateReading) -> Verdict:
    """Judge a reading from a box of the picture and its crop (h, w, 3) uint8 BGR."""
    reason = (
        _outline_fault(box)
        or _crop_fault(crop)
        or _text_fault(reading)
        or _word_fault(crop, reading)
    )
    return PLAUSIBLE if reason is None else Verdict(False, reason)


def _outline_fault(box: Box) -> str | None:
    if box.h < MIN_PLATE_HEIGHT_PX:
        return "too small"
    if not PLATE_ASPECTS[0] <= box.w / box.h <= PLATE_ASPECTS[1]:
        return "not the shape of a plate"
    return None


def _crop_fault(crop: NDArray[np.uint8]) -> str | None:
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    return "no contrast" if float(grey.std()) < MIN_CONTRAST else None


def _text_fault(reading: PlateReading) -> str | None:
    text = reading.text
    if not MIN_LENGTH <= len(text) <= MAX_LENGTH:
        return "not the length of a plate"
    if reading.confidence < MIN_CONFIDENCE:
        return "too uncertain"
    if len(text) <= 4 and reading.confidence < MIN_CONFIDENCE_SHORT:
        return "too short for its certainty"
    one_kind = text.isdigit() or text.isalpha()
    if one_kind and reading.confidence < MIN_CONFIDENCE_ONE_KIND:
        return "of one kind of character and uncertain"
    if text.isdigit() and len(text) == MAX_LENGTH:
        return "a date or a telephone number"
    if is_vehicle_or_street_word(text) or is_state_word(text):
        return "a known word"
    return None


def _word_fault(crop: NDArray[np.uint8], reading: PlateReading) -> str | None:
    """Letters alone are far oftener a word than a personalised plate: they need more evidence."""
    if not reading.text.isalpha() or reading.state.code is not None:
        return None
    if len(reading.text) < MIN_LETTERS:
        return "too few letters without a digit"
    if ground_difference(crop) < MIN_GROUND_DIFFERENCE:
        return "letters on the same ground as around them"
    return None


def ground_difference(crop: NDArray[np.uint8]) -> float:
    """How much the ground behind the characters differs in colour from the crop's edges.

    A plate is a patch of its own; a badge's letters stand on the car's paint. Of the four edges
    the second most alike decides, since one may lie on the plate or on a bumper of its colour.
    """
    lab = cv2.cvtColor(crop, cv2.COLOR_BGR2LAB).astype(np.float32) * (1.0, 1.5, 1.5)
    height, width = crop.shape[:2]
    middle = lab[
        round(height * 0.32) : max(1, round(height * 0.68)),
        round(width * 0.14) : max(1, round(width * 0.86)),
    ].reshape(-1, 3)
    lightness = middle[:, 0].astype(np.uint8)
    threshold, _ = cv2.threshold(lightness, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light, dark = middle[lightness > threshold], middle[lightness <= threshold]
    ground = np.median(light if len(light) > len(dark) else dark, axis=0)
    rows, columns = max(1, round(height * 0.06)), max(1, round(width * 0.05))
    edges = (lab[:rows], lab[-rows:], lab[:, :columns], lab[:, -columns:])
    differences = sorted(
        float(np.linalg.norm(np.median(edge.reshape(-1, 3), axis=0) - ground)) for edge in edges
    )
    return differences[1]


def is_vehicle_or_street_word(text: str) -> bool:
    """Whether the text is a badge's or a sign's word.

    Digits are taken for the letters they resemble, and words of six letters or more may differ
    by one; a real plate with a digit that resembles none is never taken for a word.
    """
    letters = text.translate(_LETTER_FOR_DIGIT)
    digits = sum(map(str.isdigit, text))
    if text in KNOWN_WORDS or (letters in KNOWN_WORDS and digits <= len(text) // 3):
        return True
    return text.isalpha() and any(
        len(word) >= 6 and abs(len(word) - len(text)) <= 1 and edit_distance(text, word) == 1
        for word in KNOWN_WORDS
    )
