"""Topics build and parse as a pair, and no name reaches into another unit's topics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.errors import ContractError
from edge.contract.topics import UnitTopic, hotlist_topic, parse
from tests.contract.strategies import names, sha256s


@given(names, names, st.sampled_from(["records", "hits", "receipt", "status"]))
def test_a_topic_parses_to_itself(agency: str, unit: str, channel: str) -> None:
    topic = UnitTopic(agency, unit, channel)  # type: ignore[arg-type]
    assert parse(str(topic)) == topic


@given(names, names, sha256s)
def test_a_picture_topic_parses_to_itself(agency: str, unit: str, sha256: str) -> None:
    topic = UnitTopic(agency, unit, "picture", sha256)
    assert parse(str(topic)) == topic


@given(st.text(max_size=60))
def test_any_text_parses_or_raises_the_one_error(text: str) -> None:
    try:
        assert str(parse(text)) == text
    except ContractError as error:
        assert str(error)


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "A", "a b", "é", "a\n", "-a"])
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(ContractError, match="agency"):
        UnitTopic(name, "car", "records")
    with pytest.raises(ContractError, match="unit"):
        UnitTopic("agency", name, "records")
    with pytest.raises(ContractError, match="agency"):
        hotlist_topic(name)


@pytest.mark.parametrize("sha256", [None, "", "G" * 64, "a" * 63, "../../etc"])
def test_a_picture_topic_needs_a_digest(sha256: str | None) -> None:
    with pytest.raises(ContractError, match="picture"):
        UnitTopic("agency", "car", "picture", sha256)
