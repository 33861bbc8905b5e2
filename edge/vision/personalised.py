"""Spell a personalised plate: what may be a letter O is written as the digit 0.

Most presses have one die for both, and a personalised serial follows no shape that would tell
which of the two was registered. One rule for all is better than a guess for each: every engine,
camera and clerk that keeps it writes the same plate the same way, and the other character stays in
the reading for whoever searches. Serials that the state issues are spelt as its shapes say (see
``serials``), and plates of no known state as they were read: their dies may well differ.
"""

from __future__ import annotations

from edge.vision.reader import CharacterReading, PlateReading, plate_reading
from edge.vision.serials import MAX_ALTERNATIVES, Shapes

LETTER, DIGIT = "O", "0"
STATES_KNOWN_FROM = 0.5  # of the whole probability: else it may be a foreign plate
LETTER_SHARE = 0.01
ISSUER_FROM = 0.1  # a state less probable than this does not make its shape the plate's


def spelt(reading: PlateReading, shapes: Shapes) -> PlateReading:
    """The reading with O as 0 where it is a plate of some US state and no shape of that state's.

    Where O was the likeliest character of a place, 0 takes its probability and gives its own; O
    keeps at least LETTER_SHARE of it, for the network did see one.
    """
    states = reading.state.alternatives
    if LETTER not in reading.text or sum(p for _, p in states) < STATES_KNOWN_FROM:
        return reading
    issuers = shapes.states_matching(reading.text)
    if any(code in issuers for code, p in states if p >= ISSUER_FROM):
        return reading
    return plate_reading(tuple(map(_as_digit, reading.characters)), reading.state)


def _as_digit(character: CharacterReading) -> CharacterReading:
    if character.best != LETTER:
        return character
    exchanged = {LETTER: DIGIT, DIGIT: LETTER}
    given = dict(character.alternatives)
    if DIGIT not in given:
        given = dict(character.alternatives[: MAX_ALTERNATIVES - 1]) | {DIGIT: 0.0}
    changed = [(exchanged.get(glyph, glyph), p) for glyph, p in given.items()]
    least = LETTER_SHARE * given[LETTER]
    changed = [(glyph, max(p, least) if glyph == LETTER else p) for glyph, p in changed]
    return CharacterReading(tuple(sorted(changed, key=lambda pair: (-pair[1], pair[0]))))
