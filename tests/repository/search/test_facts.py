"""Facts that say nothing, or say the same of every case, are refused."""

from __future__ import annotations

import pytest

from repository.search.errors import SearchRefusedError
from repository.search.facts import Earlier, check_not_pasted, check_words
from repository.search.purpose import case_number_of
from tests.repository.search.desk import FACTS, Desk


@pytest.mark.policy("C-1a")
@pytest.mark.policy("G-8")
@pytest.mark.parametrize(
    "told",
    [
        "",
        "...",
        "official police business, see case",
        "Ongoing investigation, vehicle of interest, approved by supervisor",
        "lawful purpose lawful purpose lawful purpose robbery robbery robbery",
        "qwrt zxcv bnmp dfgh jklm wrtp",
        "aaaa eeee iiii oooo uuuu",
        "Blue sedan left the robbery\0 on Essex Street",
    ],
)
def test_words_that_tell_nothing_of_this_search_are_refused(told: str) -> None:
    with pytest.raises(SearchRefusedError, match="facts: "):
        check_words("facts", told, "what is known")
    check_words("facts", FACTS, "what is known")


def test_the_refusal_says_how_many_words_are_lacking_and_which_tell_nothing() -> None:
    said = (
        "reason: say in words why it must be so broad; at least 4 different words must tell "
        "something of this case, and 2 of yours do; of yours, needed, for, the, police tell nothing"
    )
    told = "Needed for the robbery, robbery 3 Essex; police"
    with pytest.raises(SearchRefusedError) as refused:
        check_words("reason", told, "why it must be so broad")
    assert str(refused.value) == said
    with pytest.raises(SearchRefusedError, match=r"and 0 of yours do$"):
        check_words("reason", "", "why it must be so broad")


@pytest.mark.policy("C-1a")
@pytest.mark.parametrize(
    ("basis", "passes"),
    [
        ("A child is in the car and in danger", True),
        ("danger", False),
        ("It is very urgent, we cannot wait", False),
    ],
)
def test_an_emergency_is_told_in_fewer_words(small_desk: Desk, basis: str, passes: bool) -> None:
    asked = small_desk.broad(emergency=basis)
    if passes:
        made = small_desk.searches.search(small_desk.officer, asked, "here")
        assert made.emergency_review is not None
        return
    with pytest.raises(SearchRefusedError, match=r"emergency: .* at least 2 different words"):
        small_desk.searches.search(small_desk.officer, asked, "here")


@pytest.mark.policy("C-1a")
@pytest.mark.policy("G-8")
@pytest.mark.parametrize(
    ("again", "refused"),
    [
        (FACTS, True),
        (FACTS.upper().replace(",", " --"), True),
        (FACTS.replace("21:40", "22:55"), True),
        ("Red van followed a child home from the school on Lafayette Street on Monday", False),
    ],
)
def test_words_of_two_other_cases_are_refused_for_a_third(again: str, refused: bool) -> None:
    earlier = [Earlier("24-1", FACTS), Earlier("24-2", FACTS.lower()), Earlier("24-3", FACTS)]
    if refused:
        with pytest.raises(SearchRefusedError, match=r"2 other cases \(24-1, 24-2\) .* case 24-3"):
            check_not_pasted(again, "24-3", earlier, cases=2, likeness_percent=90)
    else:
        check_not_pasted(again, "24-3", earlier, cases=2, likeness_percent=90)
    check_not_pasted(again, "24-3", earlier[2:] * 5, cases=1, likeness_percent=90)
    check_not_pasted(again, "24-3", earlier, cases=3, likeness_percent=90)


@pytest.mark.policy("C-1a")
@pytest.mark.parametrize("typed", ["", "--", "n/a", "None", "TEST", "0000", "xxx", "unknown"])
def test_what_stands_for_no_case_is_no_number_of_one(typed: str) -> None:
    with pytest.raises(SearchRefusedError, match="case: "):
        case_number_of("case", typed)
    assert case_number_of("case", " 24-1187  B ") == "24-1187 B"


@pytest.mark.policy("G-8")
def test_a_person_who_pastes_facts_from_case_to_case_is_refused_the_third(desk: Desk) -> None:
    desk.search(case_number="24-1")
    desk.search(case_number="24-1")
    desk.search(case_number="24-2")
    with pytest.raises(SearchRefusedError, match="say what is known in this case"):
        desk.search(case_number="24-3")
    desk.search(case_number="24-2")
    desk.search(desk.supervisor, case_number="24-3")
    desk.clock.pass_(days=181)
    desk.search(case_number="24-3")
