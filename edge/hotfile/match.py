"""Comparing a read with the hot lists in use; pure, the time is given."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from edge.contract.hotlist import HotlistEntry
from edge.contract.records import Character, HotlistMatch, Substitution
from edge.hotfile.build import Hotlist
from edge.hotfile.settings import MatchRule

MAX_MATCHES = 100
"""What a read can carry; of more matches the most urgent are kept."""

_CHARACTERS = 36


@dataclass(frozen=True, slots=True)
class Hotlists:
    """The hot lists in use at one moment, and how reads are matched with them."""

    lists: tuple[Hotlist, ...]
    rule: MatchRule

    def match(
        self, plate: str, characters: Sequence[Character], state: str | None, now: datetime
    ) -> tuple[HotlistMatch, ...]:
        """Entries that the plate read may be, most urgent first, then surest first.

        An entry matches exactly or through confusable characters as the rule allows, and the
        match says which. A state that differs does not prevent a match: it is said. Entries that
        have expired do not match; those of a stale list do, and that is said too.

        Args:
            plate: the plate read, normalised.
            characters: what the reader thought each character could be, one for each.
            state: code of the state read, or None where the reader could not tell.
            now: moment of capture, UTC.

        Raises:
            ValueError: if there is not one element of ``characters`` for each of the plate.
        """
        if len(characters) != len(plate):
            raise ValueError(f"characters: {len(characters)} for a plate of {len(plate)}")
        found = [
            _describe(hotlist, entry, substitutions, characters, state, now)
            for hotlist in self.lists
            for entry, substitutions in self._candidates(hotlist, plate)
            if entry.expires is None or now < entry.expires
        ]
        found.sort(key=_urgency)
        return tuple(found[:MAX_MATCHES])

    def _candidates(
        self, hotlist: Hotlist, plate: str
    ) -> Iterator[tuple[HotlistEntry, tuple[Substitution, ...]]]:
        allowed = self.rule.max_substitutions if len(plate) >= self.rule.min_length else 0
        for entry, substitutions in hotlist.index.candidates(plate):
            if len(substitutions) <= allowed:
                yield entry, substitutions


def probability_of(plate: str, characters: Sequence[Character]) -> float:
    """The reader's probability that it saw this plate, 0 to 1.

    The product over the characters, which readers of this kind take to be independent. What a
    reader left unassigned at a place is shared evenly by the characters it did not name there.
    """
    return math.prod(map(_probability_at, plate, characters))


def _probability_at(char: str, character: Character) -> float:
    named = {one.char: one.probability for one in character.alternatives}
    if char in named:
        return min(1.0, named[char])
    return max(0.0, 1.0 - sum(named.values())) / (_CHARACTERS - len(named))


def _describe(
    hotlist: Hotlist,
    entry: HotlistEntry,
    substitutions: tuple[Substitution, ...],
    characters: Sequence[Character],
    state: str | None,
    now: datetime,
) -> HotlistMatch:
    return HotlistMatch(
        list_name=hotlist.name,
        list_version=hotlist.version,
        list_issued_at=hotlist.issued_at,
        list_stale=hotlist.stale(now),
        entry=entry.entry,
        kind=entry.kind,
        priority=entry.priority,
        plate=entry.plate,
        state=entry.state,
        how="confusable" if substitutions else "exact",
        substitutions=substitutions,
        state_agreement=_agreement(state, entry.state),
        probability=probability_of(entry.plate, characters),
    )


def _agreement(read: str | None, listed: str | None) -> Literal["equal", "different", "unknown"]:
    if read is None or listed is None:
        return "unknown"
    return "equal" if read == listed else "different"


def _urgency(match: HotlistMatch) -> tuple[int, int, float, str, str]:
    return (
        match.priority,
        len(match.substitutions),
        -match.probability,
        match.list_name,
        match.entry,
    )
