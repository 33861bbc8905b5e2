"""Reads and hot lists: exactly, through confusable characters, and never without saying how."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from pydantic import ValidationError

from edge.contract.plates import Confusables
from edge.contract.records import MAX_MATCHES, Alternative, Character, Substitution
from edge.hotfile.match import Hotlist, Hotlists
from edge.hotfile.readings import MAX_VARIANTS, Readings
from edge.hotfile.settings import MatchRule
from tests.edge.hotfile.lists import GROUPS, Builds, Built, facts_of, listed, store

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
CONFUSABLES = Confusables.of(GROUPS)


def seen(plate: str, **others: float) -> tuple[Character, ...]:
    """Characters read surely, save that each named ``X_at_3`` has that probability there."""
    characters = [{char: 1.0} for char in plate]
    for name, probability in others.items():
        char, _, index = name.split("_")
        characters[int(index)][char] = probability
        characters[int(index)][plate[int(index)]] -= probability
    return tuple(
        Character(
            alternatives=tuple(
                Alternative(char, probability)
                for char, probability in sorted(one.items(), key=lambda item: -item[1])
            )
        )
        for one in characters
    )


def lists(build: Built, **rule: float) -> Hotlists:
    return Hotlists((build.hotlist,), MatchRule.model_validate(rule), CONFUSABLES)


def test_a_match_carries_what_its_entry_tells_the_officer(built: Builds) -> None:
    build = built("entry,plate,state,note\n7,1ABC23,MA,armed; do not approach alone\n")
    (match,) = lists(build).match("1ABC23", seen("1ABC23"), "MA", NOW)
    assert match.note == "armed; do not approach alone"


def test_an_exact_match_says_what_was_listed_and_where(built: Builds) -> None:
    build = built("entry,plate,state,kind,priority\n7,1ABC23,MA,amber_alert,1\n")
    (match,) = lists(build).match("1ABC23", seen("1ABC23"), "MA", NOW)
    assert (match.list_name, match.list_version) == ("state", build.build.facts.version)
    assert (match.list_issued_at, match.list_stale) == (build.hotlist.issued_at, False)
    assert match.list_source == "file"
    assert match.note is UNSET
    assert (match.entry, match.plate, match.state) == ("7", "1ABC23", "MA")
    assert (match.kind, match.priority) == ("amber_alert", 1)
    assert (match.how, match.substitutions) == ("exact", ())
    assert (match.state_agreement, match.probability) == ("equal", 1.0)


def test_a_confusable_match_names_every_substitution(built: Builds) -> None:
    (match,) = lists(built("plate\n1ABC23\n")).match("IABC23", seen("IABC23"), None, NOW)
    assert match.how == "confusable"
    assert match.substitutions == (Substitution(index=0, read="I", listed="1"),)
    assert match.plate == "1ABC23"


@pytest.mark.parametrize(
    ("read", "rule", "matches"),
    [
        ("1ABC23", {}, True),
        ("1A8C23", {}, True),
        ("IA8C23", {}, False),
        ("IA8C23", {"max_substitutions": 2}, True),
        ("IA8CZ3", {"max_substitutions": 2}, False),
        ("1A8C23", {"max_substitutions": 0}, False),
        ("1A8C23", {"min_length": 7}, False),
        ("1ABC24", {"max_substitutions": 2}, False),
        ("1ABC2", {}, False),
    ],
)
def test_the_rule_decides_how_far_a_plate_may_differ(
    built: Builds, read: str, rule: dict[str, int], matches: bool
) -> None:
    found = lists(built("plate\n1ABC23\n"), **rule).match(read, seen(read), None, NOW)
    assert bool(found) is matches


def test_short_plates_match_exactly_alone(built: Builds) -> None:
    short = lists(built("plate\n12B4\n"))
    assert short.match("12B4", seen("12B4"), None, NOW)
    assert not short.match("1284", seen("1284"), None, NOW)


def test_more_than_two_substitutions_cannot_be_set() -> None:
    with pytest.raises(ValidationError, match="max_substitutions"):
        MatchRule(max_substitutions=3)


@pytest.mark.parametrize(
    ("read", "listed", "agreement"),
    [
        ("MA", "MA", "equal"),
        ("NY", "MA", "different"),
        (None, "MA", "unknown"),
        ("MA", "", "unknown"),
        (None, "", "unknown"),
    ],
)
def test_the_states_agreement_is_said_and_prevents_nothing(
    built: Builds, read: str | None, listed: str, agreement: str
) -> None:
    build = built(f"plate,state\n1ABC23,{listed}\n")
    (match,) = lists(build).match("1ABC23", seen("1ABC23"), read, NOW)
    assert match.state_agreement == agreement


def test_expired_entries_do_not_match_and_the_others_on_the_plate_do(built: Builds) -> None:
    build = built(
        f"entry,plate,expires\nold,1ABC23,{NOW.isoformat()}\n"
        f"new,1ABC23,{(NOW + timedelta(microseconds=1)).isoformat()}\n"
    )
    found = lists(build).match("1ABC23", seen("1ABC23"), None, NOW)
    assert [match.entry for match in found] == ["new"]
    later = NOW + timedelta(microseconds=1)
    assert lists(build).match("1ABC23", seen("1ABC23"), None, later) == ()


@pytest.mark.policy("M-D1")
def test_a_stale_list_still_matches_and_says_that_it_is_stale(built: Builds) -> None:
    later = NOW + timedelta(days=2)
    (match,) = lists(built("plate\n1ABC23\n")).match("1ABC23", seen("1ABC23"), None, later)
    assert match.list_stale


def test_the_probability_is_that_of_the_listed_plate(built: Builds) -> None:
    hotlists = lists(built("plate\n1ABC23\n1A8C23\n"))
    characters = seen("1ABC23", **{"8_at_2": 0.3})
    exact, confusable = hotlists.match("1ABC23", characters, None, NOW)
    assert (exact.plate, confusable.plate) == ("1ABC23", "1A8C23")
    assert exact.probability == pytest.approx(0.7)
    assert confusable.probability == pytest.approx(0.3)


def probability_of(plate: str, characters: tuple[Character, ...]) -> float:
    """The probability that a match with this plate would carry, whatever the plate read."""
    readings = Readings.of(
        plate, characters, MatchRule(max_substitutions=0), confusables=CONFUSABLES
    )
    alike = readings.substitutions(plate, CONFUSABLES)
    assert alike is not None
    return alike[1]


def test_what_the_reader_left_unassigned_is_shared_by_what_it_did_not_name() -> None:
    character = Character(alternatives=(Alternative("B", 0.6), Alternative("8", 0.05)))
    assert probability_of("B", (character,)) == pytest.approx(0.6)
    assert probability_of("E", (character,)) == pytest.approx(0.35 / 34)
    every = [probability_of(char, (character,)) for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"]
    assert math.fsum(every) == pytest.approx(1)


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=7), st.data()
)
def test_probabilities_stay_probabilities(rows: list[list[float]], data: st.DataObject) -> None:
    characters = tuple(
        Character(
            alternatives=tuple(
                Alternative(char, value) for char, value in zip("AB80", row, strict=False)
            )
        )
        for row in rows
    )
    plate = data.draw(st.text("AB80X", min_size=len(rows), max_size=len(rows)))
    assert 0 <= probability_of(plate, characters) <= 1


@pytest.mark.parametrize(
    ("probability", "rule", "matches"),
    [
        (0.3, {}, True),
        (0.09, {}, False),
        (0.09, {"alternatives_from": 0.05}, True),
        (0.3, {"max_substitutions": 0}, False),
        (0.3, {"min_length": 7}, False),
    ],
)
def test_what_the_reader_itself_thought_of_counts_as_confusable(
    built: Builds, probability: float, rule: dict[str, float], matches: bool
) -> None:
    characters = seen("1ABC23", **{"K_at_1": probability})
    found = lists(built("plate\n1KBC23\n"), **rule).match("1ABC23", characters, None, NOW)
    assert bool(found) is matches
    for match in found:
        assert match.how == "confusable"
        assert match.substitutions == (Substitution(index=1, read="A", listed="K"),)
        assert match.probability == pytest.approx(probability)


def test_an_alternative_is_not_stretched_by_confusable_characters(built: Builds) -> None:
    characters = seen("1ABC23", **{"S_at_1": 0.3})
    hotlists = lists(built("plate\n15BC23\n1SBC23\n"))
    assert [one.plate for one in hotlists.match("1ABC23", characters, None, NOW)] == ["1SBC23"]


def test_two_characters_may_differ_in_two_ways(built: Builds) -> None:
    characters = seen("1ABC23", **{"K_at_1": 0.3, "X_at_3": 0.3})
    hotlists = lists(built("plate\nIKBC23\n1KBX23\nIKBX23\n"), max_substitutions=2)
    found = hotlists.match("1ABC23", characters, None, NOW)
    assert sorted(one.plate for one in found) == ["1KBX23", "IKBC23"]


def test_of_more_readings_than_are_looked_up_the_most_probable_are(built: Builds) -> None:
    doubt = {f"{char}_at_{place}": 0.11 for place in range(8) for char in "KLMNTU"}
    doubt["X_at_7"] = 0.12
    readings = Readings.of(
        "AAAAAAAA",
        seen("AAAAAAAA", **doubt),
        MatchRule(max_substitutions=2),
        confusables=CONFUSABLES,
    )
    assert len(readings.folded) == MAX_VARIANTS + 1
    assert readings.folded[:2] == ("AAAAAAAA", "AAAAAAAX")


@pytest.mark.parametrize(
    ("pattern", "read", "swapped"),
    [
        ("AB?23*", "ABX23", ()),
        ("AB?23*", "ABX2399", ()),
        ("AB?23*", "ABX24", None),
        ("AB?23*", "ABX2", None),
        ("*AB23", "AB23", ()),
        ("*AB23", "XYAB23", ()),
        ("AB*23", "AB23", ()),
        ("AB*23", "ABXY23", ()),
        ("AB*23", "AB2X", None),
        ("AB?23", "A8X23", ((1, "8", "B"),)),
        ("AB*12", "ABXYI2", ((4, "I", "1"),)),
        ("AB?23", "A8XZ3", None),
        ("1B?3", "I8X3", None),
    ],
)
def test_wildcards_stand_for_one_character_or_any_number(
    built: Builds, pattern: str, read: str, swapped: tuple[tuple[int, str, str], ...] | None
) -> None:
    found = lists(built(f"plate\n{pattern}\n")).match(read, seen(read), None, NOW)
    assert [one.how for one in found] == ([] if swapped is None else ["wildcard"])
    for match in found:
        assert match.plate == pattern
        assert [(one.index, one.read, one.listed) for one in match.substitutions] == list(
            swapped or ()
        )


def test_the_probability_of_a_wildcard_is_that_of_what_it_names(built: Builds) -> None:
    characters = seen("ABX23", **{"Y_at_2": 0.4, "8_at_1": 0.2})
    (match,) = lists(built("plate\nAB?2*\n")).match("ABX23", characters, None, NOW)
    assert match.probability == pytest.approx(0.8)


def test_urgent_then_exact_then_sure_matches_come_first(built: Builds) -> None:
    build = built(
        "entry,plate,priority\nlow,1ABC23,4\nfolded,1A8C23,1\nsure,1ABC23,1\nother,1ABC2Z,1\n"
    )
    characters = seen("1ABC23", **{"8_at_2": 0.2, "Z_at_5": 0.0})
    found = lists(build).match("1ABC23", characters, None, NOW)
    assert [match.entry for match in found] == ["sure", "folded", "low"]


def test_of_more_matches_than_a_read_carries_the_most_urgent_are_kept(built: Builds) -> None:
    lines = "".join(f"{number},1ABC23,{number % 5 + 1}\n" for number in range(150))
    found = lists(built("entry,plate,priority\n" + lines)).match(
        "1ABC23", seen("1ABC23"), None, NOW
    )
    assert len(found) == MAX_MATCHES
    assert [match.priority for match in found] == sorted(match.priority for match in found)
    assert found[-1].priority == 4


def test_every_list_is_asked(built: Builds) -> None:
    hotlists = Hotlists(
        (
            built("plate\n1ABC23\n", name="state").hotlist,
            built("plate\n1ABC23\n", name="town").hotlist,
        ),
        MatchRule(),
        CONFUSABLES,
    )
    found = hotlists.match("1ABC23", seen("1ABC23"), None, NOW)
    assert [match.list_name for match in found] == ["state", "town"]


def test_characters_of_another_plate_are_refused(built: Builds) -> None:
    with pytest.raises(ValueError, match="characters: 2 for a plate of 6"):
        lists(built("plate\n1ABC23\n")).match("1ABC23", seen("1A"), None, NOW)


named = st.text("0OB81A", min_size=3, max_size=6)


@st.composite
def patterns(draw: st.DrawFn) -> str:
    """A listed plate, in half of the cases with wildcards."""
    plate = draw(named)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(plate)))
        plate = plate[:place] + "?" + plate[place:]
    if draw(st.booleans()):
        place = draw(st.integers(0, len(plate)))
        plate = plate[:place] + "*" + plate[place:]
    return plate


def naive(pattern: str, read: str, others: list[str], allowed: int) -> bool:
    """Whether the pattern fits the plate, by every way of placing its star."""
    star = pattern.find("*")
    lengths = [len(pattern)] if star < 0 else range(len(pattern) - 1, 13)
    for length in lengths:
        plain = pattern if star < 0 else pattern.replace("*", "?" * (length - len(pattern) + 1))
        if len(plain) != len(read):
            continue
        differs = 0
        for place, (char, one) in enumerate(zip(plain, read, strict=True)):
            if char in ("?", one):
                continue
            same_group = any(char in group and one in group for group in GROUPS)
            differs += 1 if same_group or char in others[place] else 99
        if differs <= allowed:
            return True
    return False


@settings(deadline=None)
@given(
    st.lists(patterns(), max_size=30),
    st.text("0OB81A", min_size=1, max_size=8),
    st.data(),
    st.integers(0, 2),
    st.integers(1, 7),
)
def test_the_built_list_finds_what_comparing_with_every_entry_finds(
    tmp_path_factory: pytest.TempPathFactory,
    plates: list[str],
    read: str,
    data: st.DataObject,
    most: int,
    shortest: int,
) -> None:
    path = tmp_path_factory.getbasetemp() / "naive.hotfile"
    entries = [listed(str(number), plate) for number, plate in enumerate(plates)]
    others = [data.draw(st.text("0B1A", max_size=2)) for _ in read]
    characters = tuple(
        Character(alternatives=(Alternative(char, 0.5), *(Alternative(one, 0.2) for one in some)))
        for char, some in zip(read, others, strict=True)
    )
    rule = MatchRule(max_substitutions=most, min_length=shortest)
    allowed = most if len(read) >= shortest else 0
    with store(path, entries, CONFUSABLES) as stored:
        hotlists = Hotlists((Hotlist(facts_of(0), 3600, stored),), rule, CONFUSABLES)
        found = hotlists.match(read, characters, None, NOW)
    expected = [
        str(number) for number, plate in enumerate(plates) if naive(plate, read, others, allowed)
    ]
    assert sorted(match.entry for match in found) == sorted(expected)
    for match in found:
        assert (match.how == "wildcard") is bool(re.search(r"[?*]", match.plate))
        assert (match.how == "exact") is (match.plate == read)
