"""A read is found by the plate that its reader thought second, with how likely it thought it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from repository.search.errors import SearchRefusedError
from repository.search.guesses import Told, near_patterns
from repository.search.present import read_mapping
from repository.search.settings import SearchSettings
from tests.repository.search.desk import Desk
from tests.repository.sightings import FOLD, sight

ENGINE = {"software": "plateward 1.0", "models": [{"name": "reader", "sha256": "ab" * 32}]}


def record(plate: str, **second: tuple[str, float]) -> bytes:
    """A read's record, as far as it is looked at; ``c3=("X", 0.2)`` is character 3's second."""
    characters: list[dict[str, Any]] = []
    for place, char in enumerate(plate, start=1):
        alternatives: list[list[Any]] = [[char, 0.9]]
        if f"c{place}" in second:
            other, probability = second[f"c{place}"]
            alternatives = [[char, 1 - probability], [other, probability]]
        characters.append({"alternatives": alternatives})
    kept = {"characters": characters, "engine": ENGINE, "plate": plate}
    return json.dumps(kept).encode()


def test_a_likelihood_is_the_product_of_its_characters() -> None:
    told = Told.of(record("1AXC20", c3=("B", 0.25)))
    assert told.likelihood("1AXC20") == pytest.approx(0.75 * 0.9**5)
    assert told.likelihood("1ABC20") == pytest.approx(0.25 * 0.9**5)
    assert (told.likelihood("1AYC20"), told.likelihood("1ABC2"), told.likelihood("")) == (0, 0, 0)
    said = "character 3 was read as X (0.75), and B was thought possible (0.25)"
    assert told.explain("1AXC20", "1ABC20") == said
    assert told.engine_name == "plateward 1.0 (reader abababababab)"
    assert Told.of(b"{}") == Told((), None)
    assert (Told.of(b"{}").likelihood("1"), Told.of(b"{}").engine_name) == (0.0, None)


def test_near_is_a_plate_that_differs_by_one_character_beyond_what_looks_alike() -> None:
    for near, is_near in (
        ("1ABC20", True), ("1AXC20", True), ("IABC2X", True), ("1AXX20", False), ("1ABC2", False),
    ):  # fmt: skip
        assert any(re.search(regex, near) for regex, _ in near_patterns("1ABC20", FOLD)) == is_near


def test_second_guesses_are_found_and_explained_the_likeliest_first(desk: Desk) -> None:
    at = desk.clock()

    def seen(minutes: int, plate: str, **second: tuple[str, float]) -> str:
        desk.clock.pass_(minutes=-minutes)
        read = sight(desk.engine, plate, desk.clock(), record=record(plate, **second))
        desk.clock.time = at
        return str(read)

    unlikely = seen(10, "1AXC20", c3=("B", 0.01))
    likely = seen(20, "7ABC20", c1=("1", 0.4))
    exact = seen(30, "1ABC20")
    alike = seen(40, "1A8C2O", c3=("B", 0.3), c6=("0", 0.3))
    seen(50, "1AYC20", c3=("X", 0.4))
    seen(60, "1AXC2Y", c3=("B", 0.4), c6=("0", 0.4))
    seen(70, "1ABC2", c1=("1", 0.4))
    assert [str(each.read_id) for each in desk.search().reads] == [exact]
    found = desk.search(second_guesses=True)
    assert [str(each.read_id) for each in found.reads] == [exact, likely, alike, unlikely]
    first, second, third, last = found.reads
    assert (first.how, first.guess) == ("exact", None)
    assert first.likelihood == pytest.approx(0.9**6)
    assert second.likelihood == pytest.approx(0.4 * 0.9**5)
    assert {each.how for each in (second, third, last)} == {"second_guess"}
    assert second.guess == "character 1 was read as 7 (0.60), and 1 was thought possible (0.40)"
    shown = read_mapping(second, found.searched_at)
    assert (shown["plate"], shown["age_s"]) == ("7ABC20", 20 * 60)
    assert shown["engine"] == "plateward 1.0 (reader abababababab)"
    folded = desk.search(second_guesses=True, folded=True)
    assert [each.how for each in folded.reads] == [
        "exact", "confusable", "second_guess", "second_guess",
    ]  # fmt: skip
    desk.settings = SearchSettings(second_guess_probability=0.1)
    assert str(desk.search(second_guesses=True).reads[-1].read_id) != unlikely
    pages, after = [], None
    while True:
        page = desk.search(second_guesses=True, limit=1, after=after)
        pages += [str(each.read_id) for each in page.reads]
        if page.next is None:
            break
        after = page.next
    assert pages == [likely, exact]


def test_a_part_of_a_plate_has_no_second_guess(small_desk: Desk) -> None:
    with pytest.raises(SearchRefusedError, match="second_guesses: needs a whole plate"):
        small_desk.search(plate="1ABC*", second_guesses=True)
