"""What a plate read may be instead: by confusable characters, and by the reader's alternatives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from edge.contract.plates import Confusables
from edge.contract.records import Character, Substitution
from edge.hotfile.settings import MatchRule

MAX_VARIANTS = 64
"""Other readings of one plate that are looked up; of more, the most probable."""

MAX_FAR = 24
"""Alternatives of one plate that are looked up; of more, the most probable."""

_CHARACTERS = 36


@dataclass(frozen=True, slots=True)
class Readings:
    """One plate read, and everything that it may be taken for under a rule.

    ``folded`` are the folded plates to look up, the one read first. ``choices`` has for each
    place the folded characters that it may be. ``others`` has for each place the characters that
    count as confusable with the one read because the reader itself thought of them, ``named`` all
    that it named there with their probabilities.
    """

    plate: str
    named: list[dict[str, float]]
    allowed: int
    folded: tuple[str, ...]
    choices: list[str]
    others: tuple[str, ...]

    @classmethod
    def of(
        cls,
        plate: str,
        characters: Sequence[Character],
        rule: MatchRule,
        confusables: Confusables,
    ) -> Readings:
        """The readings of a plate."""
        allowed = rule.max_substitutions if len(plate) >= rule.min_length else 0
        folded = confusables.fold(plate)
        named = [
            {one.char: one.probability for one in character.alternatives}
            for character in characters
        ]
        others = _others(plate, named, rule.alternatives_from if allowed else math.inf)
        far = _far(folded, named, others, confusables)
        return cls(
            plate=plate,
            named=named,
            allowed=allowed,
            folded=(folded, *_variants(folded, far, allowed)),
            choices=_choices(folded, far),
            others=others,
        )

    def substitutions(
        self, listed: str, confusables: Confusables
    ) -> tuple[tuple[Substitution, ...], float] | None:
        """Where a listed plate differs, and the reader's probability that it saw that plate.

        Wildcards differ from nothing and count as certain.

        Returns:
            None if it differs by more than the rule allows.
        """
        found: list[Substitution] = []
        probability = 1.0
        for place, char in _placed(listed, len(self.plate)):
            read = self.plate[place]
            if char != read:
                alike = char in self.others[place] or confusables.fold(char) == confusables.fold(
                    read
                )
                if len(found) == self.allowed or not alike:
                    return None
                found.append(Substitution(index=place, read=read, listed=char))
            probability *= _probability_at(char, self.named[place])
        return tuple(found), probability


def _probability_at(char: str, named: dict[str, float]) -> float:
    """The reader's probability of a character at one place.

    What it left unassigned is shared evenly by the characters that it did not name there. Readers
    of this kind take the places to be independent, so a plate's probability is their product.
    """
    if char in named:
        return min(1.0, named[char])
    return max(0.0, 1.0 - sum(named.values())) / (_CHARACTERS - len(named))


_Far: TypeAlias = tuple[int, str, float]
"""A place, a folded character that it may be though nothing like the one read, how probably."""


def _others(
    plate: str, named: Sequence[dict[str, float]], alternatives_from: float
) -> tuple[str, ...]:
    return tuple(
        [
            "".join([one for one, p in some.items() if p >= alternatives_from and one != read])
            for read, some in zip(plate, named, strict=True)
        ]
    )


def _far(
    folded: str,
    named: Sequence[dict[str, float]],
    others: Sequence[str],
    confusables: Confusables,
) -> list[_Far]:
    every = "".join(others)
    if not every:
        return []
    places = [place for place, chars in enumerate(others) for _ in chars]
    far: dict[tuple[int, str], float] = {}
    for place, char, alike in zip(places, every, confusables.fold(every), strict=True):
        if alike != folded[place]:
            far.setdefault((place, alike), _probability_at(char, named[place]))
    most = sorted(far.items(), key=lambda one: -one[1])[:MAX_FAR]
    return [(place, char, probability) for (place, char), probability in most]


def _variants(folded: str, far: Sequence[_Far], allowed: int) -> list[str]:
    """Folded plates with up to ``allowed`` places read otherwise, the most probable first."""
    made: list[tuple[float, str]] = []
    for count in range(1, allowed + 1):
        for some in combinations(far, count):
            if len({place for place, _, _ in some}) == count:
                chars = list(folded)
                for place, char, _ in some:
                    chars[place] = char
                made.append((math.prod(one[2] for one in some), "".join(chars)))
    made.sort(key=lambda one: -one[0])
    return [text for _, text in made[:MAX_VARIANTS]]


def _choices(folded: str, far: Sequence[_Far]) -> list[str]:
    choices = list(folded)
    for place, char, _ in far:
        choices[place] += char
    return choices


def _placed(listed: str, length: int) -> Iterable[tuple[int, str]]:
    """The named characters of a listed plate, each with its place in a plate of that length."""
    head, star, tail = listed.partition("*")
    if not star and "?" not in head:
        return enumerate(head)
    placed = [(place, char) for place, char in enumerate(head) if char != "?"]
    first = length - len(tail)
    placed += [(first + place, char) for place, char in enumerate(tail) if char != "?"]
    return placed
