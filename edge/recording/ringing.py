"""When a pass rings before it ends, and what the officer was told of it; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from msgspec import UNSET, structs

from edge.contract.records import Hit, HotlistMatch
from edge.pipeline import Moment
from edge.recording.ring_rule import RingRule
from edge.uplink.filters import FilterRule
from edge.vision.passes import Sighting

FORGET_AFTER_S = 60.0

MatchKey: TypeAlias = tuple[str, str]
"""What tells one match of a pass from another: the list and its entry."""


def key_of(match: HotlistMatch) -> MatchKey:
    """See MatchKey."""
    return match.list_name, match.entry


def few_of(
    matches: Iterable[HotlistMatch], told: Collection[MatchKey] = ()
) -> tuple[HotlistMatch, ...]:
    """What is told of a pass whose records do not fit with all its matches, most urgent first.

    That is those ``told`` before, or else the most urgent; without what their entries tell.
    """
    bare = [structs.replace(match, note=UNSET) for match in matches]
    return tuple(match for match in bare if key_of(match) in told) or tuple(bare[:1])


@dataclass(frozen=True, slots=True)
class Rung:
    """What went on record when a pass rang: its read's id, moment and place, and the hits.

    ``stays`` is the rule that keeps them on the unit, and what follows of the pass with them.
    ``few`` says that not all that the pass matches fits its records: nothing more of it rings.
    """

    read: UUID
    moment: Moment
    hits: tuple[Hit, ...] = ()
    stays: FilterRule | None = None
    few: bool = False

    @property
    def keys(self) -> frozenset[MatchKey]:
        """The matches that rang."""
        return frozenset(key_of(hit.match) for hit in self.hits)

    def withdrawn(self, matches: Iterable[HotlistMatch]) -> tuple[Hit, ...]:
        """The hits that the final reading of the pass no longer matches."""
        still = {key_of(match) for match in matches}
        return tuple(hit for hit in self.hits if key_of(hit.match) not in still)

    def altered(self, matches: Iterable[HotlistMatch]) -> dict[UUID, HotlistMatch]:
        """By hit that rang, how the final reading matches its entry, where that is another way.

        A state that could not be told at first and agrees later bears out what was said.
        """
        by_key = {key_of(match): match for match in matches}
        return {
            hit.id: match
            for hit in self.hits
            if (match := by_key.get(key_of(hit.match))) is not None and _differs(hit.match, match)
        }


def _differs(rang: HotlistMatch, match: HotlistMatch) -> bool:
    agreements = rang.state_agreement, match.state_agreement
    return rang.substitutions != match.substitutions or (
        agreements[0] != agreements[1] and agreements != ("unknown", "equal")
    )


@dataclass(slots=True)
class OpenPass:
    """A pass under way that matched something: when it was seen last, since when, and what rang."""

    seen: Sighting
    matches: tuple[HotlistMatch, ...] = ()
    since_s: dict[MatchKey, float] = field(default_factory=dict)
    rung: Rung | None = None

    def sighted(self, seen: Sighting, matches: Iterable[HotlistMatch]) -> None:
        """Take the joint reading with another frame, and what it matches."""
        self.seen, self.matches = seen, tuple(matches)
        self.since_s = {
            key: self.since_s.get(key, seen.last.at_s) for key in map(key_of, self.matches)
        }  # a match that went away begins anew

    @property
    def borne_out(self) -> bool:
        """Whether it still matches something of what rang."""
        return self.rung is not None and any(key_of(m) in self.rung.keys for m in self.matches)

    def due(self, now_s: float, rule: RingRule) -> tuple[HotlistMatch, ...]:
        """The matches of the last joint reading that ring now, those that rang left out."""
        if self.rung is not None and self.rung.few:
            return ()
        told = self.rung.keys if self.rung else frozenset()
        return tuple(
            match
            for match in self.matches
            if key_of(match) not in told
            and (
                match.probability >= rule.at_once_from
                or (match.how == "exact" and now_s - self.since_s[key_of(match)] >= rule.held_for_s)
            )
        )
