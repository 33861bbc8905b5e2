"""Patterns in searches that are worth a look. Pure.

They decide nothing: each has innocent reasons, and nobody's access, rank or name is touched by one.
An auditor is shown what was found, why it was, which entries of the ledger it is about, and how
common it is, and looks for themselves. Nothing here is stored.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

SEARCHES_IN_VAIN = 5
PEOPLE_ON_ONE_PLATE = 3
CASES_WITH_ONE_REASON = 3
PIECES_OF_A_SEARCH = 3
GENERIC_WORDS = 6
NIGHT_HOURS = frozenset({22, 23, 0, 1, 2, 3, 4, 5})
DAYS_TO_KNOW_A_SHIFT = 5
HOURS_AROUND = 2
DAYS_OF_A_SHIFT = 0.2
"""A share of a person's days: who is at work around an hour on fewer is not, as a rule."""
PEERS_TO_COMPARE = 5
FAR_FROM_PEERS = 3.5
"""Of the modified z-score, as Iglewicz and Hoaglin advise (How to Detect and Handle Outliers,
1993, page 11)."""

_WORD = re.compile(r"[^\W\d_]{4,}")
_PROTECTED = re.compile(
    r"\b(religio\w*|church\w*|mosque\w*|muslim\w*|synagogue\w*|jew(?:s|ish)?|temple|imam|islam\w*|"
    r"protest\w*|demonstrat\w*|rall(?:y|ies)|march(?:ers?|es)|activis\w*|political\w*|politics|"
    r"union|organi[sz]ers?|democrat\w*|republican\w*|immigrant\w*|undocumented|ethnic\w*|racial\w*|"
    r"abortion\w*|planned parenthood|gay|lesbian|lgbtq?\w*|transgender\w*)\b",
    re.IGNORECASE,
)

_K = TypeVar("_K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Search:
    """A search that was answered, by its entry in the ledger.

    ``local_at`` is the moment by the clock on the wall. ``plate`` is the whole plate that was
    searched for, None if only a part was; ``owners`` are the ids of people who registered it as
    theirs. A further page of a search before is no search here. ``broad`` is one that was approved
    or an emergency, ``unapproved`` a broad one that was neither. ``piece`` is of a search that
    named no whole plate, and was small enough to need no approval: the fragment that it named, or
    nothing, and what tells it from others.
    """

    index: int
    local_at: datetime
    user_id: str
    name: str
    agency: str
    case_number: str
    facts: str
    returned: int
    plate: str | None = None
    owners: frozenset[str] = field(default_factory=frozenset)
    broad: bool = False
    association: bool = False
    unapproved: bool = False
    piece: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Pattern:
    """Something worth a look: why, in words; which entries; how common it is.

    ``user_id`` and ``name`` are None where it is about no one person.
    """

    kind: str
    user_id: str | None
    name: str | None
    why: str
    entries: tuple[int, ...]
    how_common: str


def find(
    searches: Sequence[Search],
    *,
    agency: str | None,
    agency_of: Mapping[str, str],
    led_somewhere: Collection[tuple[str, str]],
) -> list[Pattern]:
    """Every pattern among these searches, those of all agencies.

    Args:
        searches: in order of time.
        agency: whose people are looked at; None for everybody's.
        agency_of: the agencies of the people whose plates are known, by id.
        led_somewhere: cases, by agency and number, in which something came of a search.
    """
    own = [each for each in searches if agency in (None, each.agency)]
    return [
        *in_vain(own),
        *led_nowhere(own, led_somewhere),
        *one_plate(searches, agency),
        *own_plates(own, agency_of),
        *one_reason(own),
        *generic_reasons(own),
        *out_of_shift(own),
        *far_from_peers(own),
        *wide(own),
        *in_pieces(own),
        *protected_subjects(own),
    ]


def in_vain(searches: Sequence[Search]) -> Iterator[Pattern]:
    """Cases in which one person searched again and again and nothing came back."""
    cases = _by(searches, lambda each: (each.user_id, each.agency, each.case_number))
    vain = {
        key: group
        for key, group in cases.items()
        if len(group) >= SEARCHES_IN_VAIN and not any(each.returned for each in group)
    }
    for (_user, _agency, number), group in vain.items():
        yield _of_person(
            "searches_without_result",
            group,
            f"{len(group)} searches in case {number} returned no read at all",
            f"{len(vain)} of {len(cases)} cases that a person searched in are so",
        )


def led_nowhere(
    searches: Sequence[Search], led_somewhere: Collection[tuple[str, str]]
) -> Iterator[Pattern]:
    """Cases whose searches found reads, and in which nothing was written, held or passed on."""
    cases = _by(searches, lambda each: (each.agency, each.case_number))
    found = {key: group for key, group in cases.items() if any(each.returned for each in group)}
    nowhere = {key: group for key, group in found.items() if key not in led_somewhere}
    for (_agency, number), group in nowhere.items():
        if len(group) >= SEARCHES_IN_VAIN:
            yield Pattern(
                "nothing_came_of_it",
                None,
                None,
                f"{len(group)} searches in case {number} found reads, and the case has no note, "
                "hold, disposition or dissemination",
                tuple(each.index for each in group),
                f"{len(nowhere)} of {len(found)} cases with a find have none",
            )


def one_plate(searches: Sequence[Search], agency: str | None) -> Iterator[Pattern]:
    """Plates that many people, or more than one agency, searched for.

    Of other agencies than ``agency``, how many they are is said, and nothing else.
    """
    plates = _by((each for each in searches if each.plate is not None), lambda each: each.plate)
    watched = {}
    for plate, group in plates.items():
        people = {each.user_id for each in group}
        if len(people) >= PEOPLE_ON_ONE_PLATE or len({each.agency for each in group}) > 1:
            watched[plate] = group
    for group in watched.values():
        own = [each for each in group if agency in (None, each.agency)]
        if own:
            people, agencies = {each.user_id for each in group}, {each.agency for each in group}
            yield Pattern(
                "one_plate_by_many",
                None,
                None,
                f"{len(people)} people searched for one plate; they are of so many agencies: "
                f"{len(agencies)}",
                tuple(each.index for each in own),
                f"{len(watched)} of {len(plates)} plates searched for are so",
            )


def own_plates(searches: Sequence[Search], agency_of: Mapping[str, str]) -> Iterator[Pattern]:
    """Searches for the searcher's own plate, or for one of a colleague, where it is known."""
    own = [each for each in searches if each.user_id in each.owners]
    colleagues = [
        each
        for each in searches
        if each.user_id not in each.owners
        and any(agency_of.get(owner) == each.agency for owner in each.owners)
    ]
    for kind, whose, found in (
        ("own_plate", "their own", own),
        ("colleagues_plate", "a colleague's", colleagues),
    ):
        for group in _by(found, lambda each: each.user_id).values():
            yield _of_person(
                kind,
                group,
                f"searched {len(group)} times for {whose} registered plate",
                f"{len(found)} of {len(searches)} searches are for such a plate",
            )


def one_reason(searches: Sequence[Search]) -> Iterator[Pattern]:
    """The same words as the facts of several cases."""
    by_words = _by(searches, lambda each: (each.user_id, _plain(each.facts)))
    repeated = {
        key: group
        for key, group in by_words.items()
        if key[1] and len({each.case_number for each in group}) >= CASES_WITH_ONE_REASON
    }
    people = {each.user_id for each in searches}
    for group in repeated.values():
        cases = len({each.case_number for each in group})
        yield _of_person(
            "one_reason_for_many_cases",
            group,
            f"the same words stand as the facts of {cases} cases",
            f"{len({key[0] for key in repeated})} of {len(people)} people who searched do so",
        )


def generic_reasons(searches: Sequence[Search]) -> Iterator[Pattern]:
    """Facts of few words, which may fit any search."""
    generic = [
        each
        for each in searches
        if each.facts and len(set(map(str.lower, _WORD.findall(each.facts)))) < GENERIC_WORDS
    ]
    for group in _by(generic, lambda each: each.user_id).values():
        yield _of_person(
            "generic_reason",
            group,
            f"the facts have fewer than {GENERIC_WORDS} different words of four letters or more",
            f"{len(generic)} of {len(searches)} searches are so",
        )


def out_of_shift(searches: Sequence[Search]) -> Iterator[Pattern]:
    """Searches at night by people who are not at work around that hour on their other days."""
    odd: list[Search] = []
    for group in _by(searches, lambda each: each.user_id).values():
        hours: dict[date, set[int]] = defaultdict(set)
        for each in group:
            hours[each.local_at.date()].add(each.local_at.hour)
        odd += [each for each in group if _is_odd(each, hours)]
    at_night = sum(each.local_at.hour in NIGHT_HOURS for each in searches)
    for group in _by(odd, lambda each: each.user_id).values():
        yield _of_person(
            "night_out_of_shift",
            group,
            "searched at night, at hours around which they are seldom at work",
            f"{len(odd)} of {at_night} searches at night are so",
        )


def _is_odd(search: Search, hours: Mapping[date, set[int]]) -> bool:
    if search.local_at.hour not in NIGHT_HOURS:
        return False
    # One night runs over two dates: those of this night do not speak for it.
    night = search.local_at.date()
    others = [at for day, at in hours.items() if abs((day - night).days) > 1]
    if len(others) < DAYS_TO_KNOW_A_SHIFT:
        return False
    around = {(search.local_at.hour + step) % 24 for step in range(-HOURS_AROUND, HOURS_AROUND + 1)}
    return sum(bool(at & around) for at in others) < DAYS_OF_A_SHIFT * len(others)


def far_from_peers(searches: Sequence[Search]) -> Iterator[Pattern]:
    """People who searched far more than others of their agency who searched."""
    for group in _by(searches, lambda each: each.agency).values():
        numbers = Counter(each.user_id for each in group)
        if len(numbers) < PEERS_TO_COMPARE:
            continue
        middle = statistics.median(numbers.values())
        for user_id, number in numbers.items():
            score = modified_z(number, list(numbers.values()))
            if score > FAR_FROM_PEERS:
                yield _of_person(
                    "far_more_than_peers",
                    [each for each in group if each.user_id == user_id],
                    f"{number} searches, where half of the {len(numbers)} people of the agency who "
                    f"searched made {middle:g} or fewer (modified z-score {score:.1f})",
                    f"scores above {FAR_FROM_PEERS:g} count as far",
                )


def modified_z(value: float, values: Collection[float]) -> float:
    """How far a value lies from the median, in robust standard deviations; 0 where all are one.

    By the median absolute deviation; where more than half are equal and that is nought, by the mean
    absolute deviation. The factors make either estimate a normal distribution's deviation.
    """
    middle = statistics.median(values)
    away = [abs(each - middle) for each in values]
    spread = statistics.median(away) * 1.482602 or statistics.fmean(away) * 1.253314
    return (value - middle) / spread if spread else 0.0


def wide(searches: Sequence[Search]) -> Iterator[Pattern]:
    """Broad searches, and those for plates that were seen together."""
    for kind, what, found in (
        ("broad_search", "broad searches", [each for each in searches if each.broad]),
        (
            "broad_unapproved",
            "broad searches that nobody approved",
            [each for each in searches if each.unapproved],
        ),
        (
            "association_search",
            "searches for what was seen together",
            [each for each in searches if each.association],
        ),
    ):
        for group in _by(found, lambda each: each.user_id).values():
            yield _of_person(
                kind,
                group,
                f"{what}: {len(group)}",
                f"{len(found)} of {len(searches)} searches are so",
            )


def in_pieces(searches: Sequence[Search]) -> Iterator[Pattern]:
    """Small searches without a plate, or for one fragment, in one case: together a broad one?"""
    small = [each for each in searches if each.piece is not None]
    cases = _by(
        small,
        lambda each: (each.user_id, each.agency, each.case_number, (each.piece or ("", ""))[0]),
    )
    cut = {
        key: group
        for key, group in cases.items()
        if len({each.piece for each in group}) >= PIECES_OF_A_SEARCH
    }
    for (_user, _agency, number, fragment), group in cut.items():
        same = f", but {fragment}" if fragment else ""
        yield _of_person(
            "broad_in_pieces",
            group,
            f"{len({each.piece for each in group})} different searches in case {number} named no "
            f"whole plate{same}, and each was small enough to need no approval; together they may "
            "be one broad search",
            f"{len(cut)} of {len(cases)} cases with such a search of one person are so",
        )


def protected_subjects(searches: Sequence[Search]) -> Iterator[Pattern]:
    """Facts that speak of religion, politics, assembly or a protected characteristic."""
    found = [
        (each, word[0].lower()) for each in searches if (word := _PROTECTED.search(each.facts))
    ]
    words = {each.index: word for each, word in found}
    for group in _by((each for each, _ in found), lambda each: each.user_id).values():
        said = ", ".join(sorted({words[each.index] for each in group}))
        yield _of_person(
            "protected_subject",
            group,
            f"the facts speak of: {said}; see that no search aims at people for it",
            f"{len(found)} of {len(searches)} searches do",
        )


def _of_person(kind: str, group: Sequence[Search], why: str, how_common: str) -> Pattern:
    first = group[0]
    indexes = tuple(each.index for each in group)
    return Pattern(kind, first.user_id, first.name, why, indexes, how_common)


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())


def _by(searches: Iterable[Search], key: Callable[[Search], _K]) -> dict[_K, list[Search]]:
    groups: dict[_K, list[Search]] = defaultdict(list)
    for each in searches:
        groups[key(each)].append(each)
    return groups
