"""Reads and hot lists: exactly, through confusable characters, and never without saying how."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.contract.plates import Confusables
from edge.contract.records import Alternative, Character, Substitution
from edge.hotfile.build import Build
from edge.hotfile.match import MAX_MATCHES, Hotlists, probability_of
from edge.hotfile.settings import MatchRule

Built = Callable[..., Build]
NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


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


def lists(build: Build, **rule: int) -> Hotlists:
    return Hotlists((build.hotlist,), MatchRule(**rule))


def test_an_exact_match_says_what_was_listed_and_where(built: Built) -> None:
    build = built("entry,plate,state,kind,priority\n7,1ABC23,MA,amber_alert,1\n")
    (match,) = lists(build).match("1ABC23", seen("1ABC23"), "MA", NOW)
    assert (match.list_name, match.list_version) == ("state", build.hotlist.version)
    assert (match.list_issued_at, match.list_stale) == (build.hotlist.issued_at, False)
    assert (match.entry, match.plate, match.state) == ("7", "1ABC23", "MA")
    assert (match.kind, match.priority) == ("amber_alert", 1)
    assert (match.how, match.substitutions) == ("exact", ())
    assert (match.state_agreement, match.probability) == ("equal", 1.0)


def test_a_confusable_match_names_every_substitution(built: Built) -> None:
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
    built: Built, read: str, rule: dict[str, int], matches: bool
) -> None:
    found = lists(built("plate\n1ABC23\n"), **rule).match(read, seen(read), None, NOW)
    assert bool(found) is matches


def test_short_plates_match_exactly_alone(built: Built) -> None:
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
    built: Built, read: str | None, listed: str, agreement: str
) -> None:
    build = built(f"plate,state\n1ABC23,{listed}\n")
    (match,) = lists(build).match("1ABC23", seen("1ABC23"), read, NOW)
    assert match.state_agreement == agreement


def test_expired_entries_do_not_match_and_the_others_on_the_plate_do(built: Built) -> None:
    build = built(
        f"entry,plate,expires\nold,1ABC23,{NOW.isoformat()}\n"
        f"new,1ABC23,{(NOW + timedelta(microseconds=1)).isoformat()}\n"
    )
    found = lists(build).match("1ABC23", seen("1ABC23"), None, NOW)
    assert [match.entry for match in found] == ["new"]
    later = NOW + timedelta(microseconds=1)
    assert lists(build).match("1ABC23", seen("1ABC23"), None, later) == ()


@pytest.mark.policy("M-D1")
def test_a_stale_list_still_matches_and_says_that_it_is_stale(built: Built) -> None:
    later = NOW + timedelta(days=2)
    (match,) = lists(built("plate\n1ABC23\n")).match("1ABC23", seen("1ABC23"), None, later)
    assert match.list_stale


def test_the_probability_is_that_of_the_listed_plate(built: Built) -> None:
    hotlists = lists(built("plate\n1ABC23\n1A8C23\n"))
    characters = seen("1ABC23", **{"8_at_2": 0.3})
    exact, confusable = hotlists.match("1ABC23", characters, None, NOW)
    assert (exact.plate, confusable.plate) == ("1ABC23", "1A8C23")
    assert exact.probability == pytest.approx(0.7)
    assert confusable.probability == pytest.approx(0.3)


def test_what_the_reader_left_unassigned_is_shared_by_what_it_did_not_name() -> None:
    character = Character(alternatives=(Alternative("B", 0.6), Alternative("8", 0.05)))
    assert probability_of("B", [character]) == pytest.approx(0.6)
    assert probability_of("E", [character]) == pytest.approx(0.35 / 34)
    every = [probability_of(char, [character]) for char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"]
    assert math.fsum(every) == pytest.approx(1)


@given(
    st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=1, max_size=7), st.data()
)
def test_probabilities_stay_probabilities(rows: list[list[float]], data: st.DataObject) -> None:
    characters = [
        Character(
            alternatives=tuple(
                Alternative(char, value) for char, value in zip("AB80", row, strict=False)
            )
        )
        for row in rows
    ]
    plate = data.draw(st.text("AB80X", min_size=len(rows), max_size=len(rows)))
    assert 0 <= probability_of(plate, characters) <= 1


def test_urgent_then_exact_then_sure_matches_come_first(built: Built) -> None:
    build = built(
        "entry,plate,priority\nlow,1ABC23,4\nfolded,1A8C23,1\nsure,1ABC23,1\nother,1ABC2Z,1\n"
    )
    characters = seen("1ABC23", **{"8_at_2": 0.2, "Z_at_5": 0.0})
    found = lists(build).match("1ABC23", characters, None, NOW)
    assert [match.entry for match in found] == ["sure", "folded", "low"]


def test_of_more_matches_than_a_read_carries_the_most_urgent_are_kept(built: Built) -> None:
    lines = "".join(f"{number},1ABC23,{number % 5 + 1}\n" for number in range(150))
    found = lists(built("entry,plate,priority\n" + lines)).match(
        "1ABC23", seen("1ABC23"), None, NOW
    )
    assert len(found) == MAX_MATCHES
    assert [match.priority for match in found] == sorted(match.priority for match in found)
    assert found[-1].priority == 4


def test_every_list_is_asked(built: Built) -> None:
    hotlists = Hotlists(
        (
            built("plate\n1ABC23\n", name="state").hotlist,
            built("plate\n1ABC23\n", name="town").hotlist,
        ),
        MatchRule(),
    )
    found = hotlists.match("1ABC23", seen("1ABC23"), None, NOW)
    assert [match.list_name for match in found] == ["state", "town"]


def test_characters_of_another_plate_are_refused(built: Built) -> None:
    with pytest.raises(ValueError, match="characters: 2 for a plate of 6"):
        lists(built("plate\n1ABC23\n")).match("1ABC23", seen("1A"), None, NOW)


few_plates = st.text("0OB81A", min_size=3, max_size=7)


@given(st.lists(few_plates, max_size=30), few_plates, st.integers(0, 2), st.integers(1, 7))
def test_the_index_finds_what_comparing_with_every_entry_finds(
    built: Built,
    confusables: Confusables,
    listed: list[str],
    read: str,
    most: int,
    shortest: int,
) -> None:
    build = built("plate\n" + "".join(plate + "\n" for plate in listed))
    found = lists(build, max_substitutions=most, min_length=shortest).match(
        read, seen(read), None, NOW
    )
    allowed = most if len(read) >= shortest else 0
    expected = [
        plate
        for plate in listed
        if len(plate) == len(read)
        and confusables.fold(plate) == confusables.fold(read)
        and sum(one != other for one, other in zip(plate, read, strict=True)) <= allowed
    ]
    assert sorted(match.plate for match in found) == sorted(expected)
