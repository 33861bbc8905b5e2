"""Why a search may be made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.search.errors import SearchRefusedError
from repository.search.purpose import AFFIRMATION, Purpose, PurposeKind

FACTS = "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"


def purpose(**changes: Any) -> Purpose:
    stated: dict[str, Any] = {
        "kind": "criminal_investigation",
        "facts": FACTS,
        "case_number": "24-1187",
        "affirmed": True,
    }
    return Purpose.of(**(stated | changes))


@pytest.mark.policy("C-1a")
@pytest.mark.parametrize("kind", [kind for kind in PurposeKind if kind != "court_order"])
def test_the_lawful_purposes_are_taken_with_facts(kind: PurposeKind) -> None:
    assert purpose(kind=kind.value).kind is kind


@pytest.mark.policy("C-1a")
def test_a_court_order_needs_its_reference_and_no_facts() -> None:
    ordered = purpose(kind="court_order", facts="", court_order=" Essex Superior 2677CR00041 ")
    assert ordered.court_order == "Essex Superior 2677CR00041"
    with pytest.raises(SearchRefusedError, match="court_order: missing"):
        purpose(kind="court_order", facts=FACTS)
    with pytest.raises(SearchRefusedError, match="court_order: belongs to"):
        purpose(court_order="Essex Superior 2677CR00041")
    with pytest.raises(SearchRefusedError, match="facts: say in words"):
        purpose(kind="court_order", facts="as ordered", court_order="2677CR00041")


@pytest.mark.policy("C-1a")
@pytest.mark.policy("C-5d")
@pytest.mark.parametrize(
    "facts",
    [
        "",
        "   ",
        "n/a",
        "test",
        "Official police business",
        "criminal investigation of a suspect vehicle",
        "Investigating a crime, need plate information for the case",
        "see case",
        "1234567890",
        "........................",
        "robbery robbery robbery robbery",
        "needed for robbery",
    ],
)
def test_facts_that_tell_nothing_are_refused(facts: str) -> None:
    with pytest.raises(SearchRefusedError, match="facts: say in words"):
        purpose(facts=facts)


@pytest.mark.policy("C-1a")
@pytest.mark.policy("C-5d")
@pytest.mark.policy("M-V-B1")
@pytest.mark.parametrize("kind", ["", "curiosity", "CRIMINAL_INVESTIGATION", "traffic\0"])
def test_other_purposes_are_refused(kind: str) -> None:
    with pytest.raises(SearchRefusedError, match="purpose: expected one of safety_concern, "):
        purpose(kind=kind)


@pytest.mark.policy("C-4b")
@pytest.mark.parametrize("number", ["", "  ", "--", "2\0", "\ud800x", "9" * 65])
def test_a_case_number_is_demanded(number: str) -> None:
    with pytest.raises(SearchRefusedError, match="case: "):
        purpose(case_number=number)


@pytest.mark.policy("F-prohibited")
def test_the_affirmation_is_demanded_and_kept() -> None:
    with pytest.raises(SearchRefusedError, match=r"affirm: .* protected characteristic"):
        purpose(affirmed=False)
    assert purpose().as_json()["affirmed"] == AFFIRMATION


def test_facts_have_an_end_and_whole_characters() -> None:
    with pytest.raises(SearchRefusedError, match="at most 4000"):
        purpose(facts=FACTS * 60)
    with pytest.raises(SearchRefusedError, match="no character"):
        purpose(facts=FACTS + "\ud800")


@given(st.text(), st.text(), st.text(), st.none() | st.text())
def test_any_input_is_taken_or_refused(
    kind: str, facts: str, number: str, court_order: str | None
) -> None:
    with pytest.raises(SearchRefusedError):
        Purpose.of(kind, facts, number, affirmed=False, court_order=court_order)
