"""Patterns found in constructed histories, and not in ordinary ones."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repository.audits import patterns
from repository.audits.patterns import Pattern, Search, find, modified_z

NOON = datetime(2026, 2, 2, 12, tzinfo=UTC)
FACTS = "Blue sedan left robbery Essex Street after midnight, seen twice by clerk"


def made(number: int, user: str = "u1", **changes: object) -> Search:
    """An ordinary search: of a plate of its own, in a case of its own, that found something."""
    ordinary = Search(
        index=number,
        local_at=NOON + timedelta(hours=number % 5, days=number // 5),
        user_id=user,
        name=f"Officer {user}",
        agency="salem-pd",
        case_number=f"24-{number}",
        facts=f"{FACTS} number {'abcdefghij'[number % 10] * 5}{number}",
        returned=1,
        plate=f"1ABC{number}",
    )
    return replace(ordinary, **changes)  # type: ignore[arg-type]


def found(searches: list[Search], kind: str, agency: str | None = "salem-pd") -> list[Pattern]:
    every = find(searches, agency=agency, agency_of={"u2": "salem-pd"}, led_somewhere=set())
    return [each for each in every if each.kind == kind]


ORDINARY = [made(number, f"u{number % 6}") for number in range(30)]


def test_an_ordinary_month_shows_nothing() -> None:
    assert find(ORDINARY, agency="salem-pd", agency_of={}, led_somewhere=set()) == []


def test_searches_in_vain() -> None:
    vain = [made(i, case_number="24-9", returned=0) for i in range(100, 105)]
    (one,) = found([*ORDINARY, *vain], "searches_without_result")
    assert one.entries == (100, 101, 102, 103, 104)
    assert (one.user_id, one.name) == ("u1", "Officer u1")
    assert "5 searches in case 24-9 returned no read" in one.why
    assert one.how_common == "1 of 31 cases that a person searched in are so"
    assert found([*ORDINARY, *vain[:4]], "searches_without_result") == []
    assert found([*ORDINARY, *vain[:4], replace(vain[4], returned=1)],
                 "searches_without_result") == []  # fmt: skip


def test_cases_in_which_nothing_came_of_what_was_found() -> None:
    many = [made(i, case_number="24-9") for i in range(5)]
    (one,) = found(many, "nothing_came_of_it")
    assert one.entries == (0, 1, 2, 3, 4)
    came = find(many, agency=None, agency_of={}, led_somewhere={("salem-pd", "24-9")})
    assert "nothing_came_of_it" not in {each.kind for each in came}


def test_one_plate_searched_for_by_many() -> None:
    three = [made(i, f"u{i}", plate="9ZZZ99") for i in range(3)]
    (one,) = found([*ORDINARY, *three], "one_plate_by_many")
    assert one.entries == (0, 1, 2)
    assert "3 people searched for one plate" in one.why
    assert found([*ORDINARY, *three[:2]], "one_plate_by_many") == []
    assert "9ZZZ99" not in str(one)


def test_of_other_agencies_an_agency_learns_only_how_many_they_are() -> None:
    ours, theirs = made(1, "u1", plate="9ZZZ99"), made(2, "x9", agency="lynn-pd", plate="9ZZZ99")
    (one,) = found([ours, theirs], "one_plate_by_many")
    assert one.entries == (1,)
    assert "2 people" in one.why
    assert "lynn-pd" not in str(one)
    assert "x9" not in str(one)
    (seen_by_all,) = found([ours, theirs], "one_plate_by_many", agency=None)
    assert seen_by_all.entries == (1, 2)
    assert found([theirs, replace(theirs, index=3, user_id="x8", agency="boston-pd")],
                 "one_plate_by_many") == []  # fmt: skip


def test_a_plate_of_ones_own_or_of_a_colleague() -> None:
    own = made(1, "u2", owners=frozenset({"u2"}))
    colleagues = made(2, "u3", owners=frozenset({"u2"}))
    strangers = made(3, "u3", owners=frozenset({"someone-elsewhere"}))
    searches = [own, colleagues, strangers]
    assert [each.entries for each in found(searches, "own_plate")] == [(1,)]
    assert [each.entries for each in found(searches, "colleagues_plate")] == [(2,)]


def test_the_same_or_generic_words() -> None:
    same = [made(i, facts="Suspicious vehicle, matter under investigation!") for i in range(3)]
    same[1] = replace(same[1], facts="suspicious VEHICLE - matter under investigation")
    (one,) = found([*ORDINARY, *same], "one_reason_for_many_cases")
    assert one.entries == (0, 1, 2)
    assert found([*ORDINARY, *same[:2]], "one_reason_for_many_cases") == []
    one_case = [replace(each, case_number="24-1") for each in same]
    assert found([*ORDINARY, *one_case], "one_reason_for_many_cases") == []
    (generic,) = found([*ORDINARY, *same], "generic_reason")
    assert generic.entries == (0, 1, 2)


def nights(user: str, hours: list[int], first: int = 500) -> list[Search]:
    """One search a day, at these hours."""
    return [
        made(first + i, user, local_at=NOON.replace(hour=hour) + timedelta(days=i))
        for i, hour in enumerate(hours)
    ]


def test_a_night_out_of_a_persons_shift() -> None:
    odd = nights("day", [9, 10, 14, 11, 15, 9, 3])
    (one,) = found([*ORDINARY, *odd], "night_out_of_shift")
    assert one.entries == (odd[-1].index,)
    assert found([*ORDINARY, *nights("night", [1, 2, 23, 3, 0, 2, 3])], "night_out_of_shift") == []
    # Who is hardly known is not said to be odd.
    assert found([*ORDINARY, *nights("new", [9, 10, 14, 3])], "night_out_of_shift") == []
    # A night runs over two dates: the dates beside it do not speak for it.
    first, second = NOON.replace(hour=23), NOON.replace(hour=1) + timedelta(days=1)
    at_night = [first, second, first + timedelta(days=1), second + timedelta(days=1)]
    late = [made(600 + i, "d", local_at=at) for i, at in enumerate(at_night)]
    days = [
        replace(each, local_at=each.local_at + timedelta(days=5))
        for each in nights("d", [9, 9, 10, 9, 9], 610)
    ]
    (all_four,) = found([*late, *days], "night_out_of_shift")
    assert all_four.entries == (600, 601, 602, 603)


def test_far_more_searches_than_peers_make() -> None:
    many = [made(700 + i, "u1") for i in range(60)]
    (one,) = found([*ORDINARY, *many], "far_more_than_peers")
    assert (one.user_id, len(one.entries)) == ("u1", 65)
    assert "65 searches" in one.why
    few_peers = [each for each in ORDINARY if each.user_id in ("u1", "u2", "u3", "u4")]
    assert found([*few_peers, *many], "far_more_than_peers") == []


def test_the_score_against_peers_is_robust() -> None:
    assert modified_z(9, [1, 2, 3, 4, 9]) == pytest.approx(0.6745 * 6 / 1, rel=1e-3)
    assert modified_z(100, [5] * 9 + [100]) == pytest.approx(95 / (9.5 * 1.253314))
    assert modified_z(5, [5, 5, 5]) == 0


@pytest.mark.policy("F-prohibited")
@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("Attended the protest on the common and left with others", "protest"),
        ("Parked at the mosque on Friday at noon several times", "mosque"),
        ("Known activist who organises rallies at the town hall", "activist"),
    ],
)
def test_facts_that_speak_of_what_a_search_must_not_aim_at(facts: str, said: str) -> None:
    (one,) = found([*ORDINARY, made(1, facts=facts)], "protected_subject")
    assert one.entries == (1,)
    assert f"speak of: {said}" in one.why
    assert found([made(2, facts="Marched him to the unionised car in Church Street?")],
                 "protected_subject")  # fmt: skip


def test_broad_and_association_searches() -> None:
    searches = [*ORDINARY, made(800, broad=True), made(801, association=True)]
    assert [each.entries for each in found(searches, "broad_search")] == [(800,)]
    assert [each.entries for each in found(searches, "association_search")] == [(801,)]


def test_broad_searches_that_nobody_approved() -> None:
    searches = [*ORDINARY, made(802, broad=True), made(803, unapproved=True)]
    (one,) = found(searches, "broad_unapproved")
    assert one.entries == (803,)
    assert one.why == "broad searches that nobody approved: 1"


def test_a_broad_search_cut_in_pieces() -> None:
    pieces = [made(810 + i, case_number="24-9", piece=("", f"hour {i}")) for i in range(3)]
    (one,) = found([*ORDINARY, *pieces], "broad_in_pieces")
    assert one.entries == (810, 811, 812)
    assert "3 different searches in case 24-9 named no whole plate" in one.why
    again, theirs = replace(pieces[0], index=820), replace(pieces[2], user_id="u2")
    elsewhere = replace(pieces[2], case_number="24-8")
    other = replace(pieces[2], piece=("1ABC*", "hour 2"))
    for third in (again, theirs, elsewhere, other):
        assert found([*ORDINARY, *pieces[:2], third], "broad_in_pieces") == []


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            Search,
            index=st.integers(0, 10**6),
            local_at=st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1)),  # noqa: DTZ001
            user_id=st.sampled_from("abcd"),
            name=st.just("N"),
            agency=st.sampled_from(["salem-pd", "lynn-pd"]),
            case_number=st.sampled_from(["1", "2"]),
            facts=st.sampled_from([FACTS, "", "church", "x" * 50]),
            returned=st.integers(0, 2),
            plate=st.sampled_from([None, "P1", "P2"]),
            owners=st.frozensets(st.sampled_from("abz")),
            broad=st.booleans(),
            association=st.booleans(),
        ),
        max_size=25,
        unique_by=lambda each: each.index,
    )
)
def test_every_pattern_says_why_and_is_of_the_agencys_own_entries(searches: list[Search]) -> None:
    own = {each.index for each in searches if each.agency == "salem-pd"}
    people = {each.user_id for each in searches if each.agency == "salem-pd"}
    for each in find(searches, agency="salem-pd", agency_of={"a": "salem-pd"}, led_somewhere=set()):
        assert set(each.entries) <= own
        assert each.entries
        assert each.why
        assert each.how_common
        assert each.user_id is None or each.user_id in people


def test_they_decide_nothing() -> None:
    """They can reach no account, no database and no clock: what they give is all that they do."""
    tree = ast.parse(Path(patterns.__file__).read_text(encoding="utf-8"))
    imported = {each.module for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)}
    imported |= {
        a.name for each in ast.walk(tree) if isinstance(each, ast.Import) for a in each.names
    }
    assert {str(each).partition(".")[0] for each in imported} <= sys.stdlib_module_names
    assert "They decide nothing" in str(patterns.__doc__)
