"""Comparing a read with the hot lists in use; pure, the time is given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from msgspec import UNSET

from edge.contract.plates import Confusables
from edge.contract.records import MAX_MATCHES, Character, HotlistMatch, Substitution
from edge.hotfile.facts import ListFacts
from edge.hotfile.layout import Listed
from edge.hotfile.readings import Readings
from edge.hotfile.settings import MatchRule


class Index(Protocol):
    """Entries by folded plate."""

    def find(self, folded: str, /) -> Sequence[Listed]:
        """The entries whose folded plate this is."""
        ...

    def find_wild(self, choices: Sequence[str], /) -> Sequence[Listed]:
        """The entries with wildcards that fit a plate of these folded characters at each place."""
        ...


@dataclass(frozen=True, slots=True)
class Hotlist:
    """One hot list in use."""

    facts: ListFacts
    max_age_s: float
    index: Index

    @property
    def name(self) -> str:
        """Its name."""
        return self.facts.name

    @property
    def version(self) -> str:
        """Its version, as officers see it."""
        return self.facts.version

    @property
    def issued_at(self) -> datetime:
        """When it was issued, UTC."""
        return self.facts.issued_at

    @property
    def source(self) -> str:
        """Where the unit had it from."""
        return self.facts.source

    @property
    def entries(self) -> int:
        """Number of entries."""
        return self.facts.entries

    def stale(self, now: datetime) -> bool:
        """Whether it is too old to be relied on, or dated ahead of the clock.

        The unit's own list is not: each of its entries has an end of its own.
        """
        return self.facts.source != "local" and self.facts.stale(now, self.max_age_s)


@dataclass(frozen=True, slots=True)
class Hotlists:
    """The hot lists in use at one moment, and how reads are matched with them."""

    lists: tuple[Hotlist, ...]
    rule: MatchRule
    confusables: Confusables

    def match(
        self, plate: str, characters: Sequence[Character], state: str | None, now: datetime
    ) -> tuple[HotlistMatch, ...]:
        """Entries that the plate read may be, most urgent first, then surest first.

        An entry matches exactly, through confusable characters as the rule allows, or by its
        wildcards, and the match says which. A character that the reader itself gave a set
        probability counts as confusable with the one read. A state that differs does not prevent
        a match: it is said. Entries that have expired do not match; those of a stale list do, and
        that is said too. Of more than a read can carry the most urgent are given.

        Args:
            plate: the plate read, normalised.
            characters: what the reader thought each character could be, one for each, best first.
            state: code of the state read, or None where the reader could not tell.
            now: moment of capture, UTC.

        Raises:
            ValueError: if there is not one element of ``characters`` for each of the plate.
        """
        if len(characters) != len(plate):
            raise ValueError(f"characters: {len(characters)} for a plate of {len(plate)}")
        readings = Readings.of(plate, characters, self.rule, self.confusables)
        found: list[HotlistMatch] = []
        for hotlist in self.lists:
            for entry in _candidates(hotlist.index, readings):
                if entry.expires is not None and entry.expires <= now:
                    continue
                alike = readings.substitutions(entry.plate, self.confusables)
                if alike is not None:
                    found.append(_describe(hotlist, entry, alike, state, now))
        found.sort(key=_urgency)
        return tuple(found[:MAX_MATCHES])


def _candidates(index: Index, readings: Readings) -> Iterator[Listed]:
    for folded in readings.folded:
        yield from index.find(folded)
    yield from index.find_wild(readings.choices)


def _describe(
    hotlist: Hotlist,
    entry: Listed,
    alike: tuple[tuple[Substitution, ...], float],
    state: str | None,
    now: datetime,
) -> HotlistMatch:
    substitutions, probability = alike
    details = entry.details()
    return HotlistMatch(
        list_name=hotlist.name,
        list_version=hotlist.version,
        list_issued_at=hotlist.issued_at,
        list_stale=hotlist.stale(now),
        list_source=hotlist.facts.source,
        note=details.note or UNSET,
        entry=details.entry,
        kind=details.kind,
        priority=details.priority,
        plate=entry.plate,
        state=details.state,
        how=_how(entry.plate, substitutions),
        substitutions=substitutions,
        state_agreement=_agreement(state, details.state),
        probability=probability,
    )


def _how(
    listed: str, substitutions: tuple[Substitution, ...]
) -> Literal["exact", "confusable", "wildcard"]:
    if "?" in listed or "*" in listed:
        return "wildcard"
    return "confusable" if substitutions else "exact"


def _agreement(read: str | None, listed: str | None) -> Literal["equal", "different", "unknown"]:
    if read is None or listed is None:
        return "unknown"
    return "equal" if read == listed else "different"


def _urgency(match: HotlistMatch) -> tuple[int, bool, int, float, str, str]:
    return (
        match.priority,
        match.how == "wildcard",
        len(match.substitutions),
        -match.probability,
        match.list_name,
        match.entry,
    )
