"""Spelling, confusable characters and serial formats of plates."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract import configuration
from edge.contract.configuration import config_file
from edge.contract.errors import ContractError
from edge.contract.plates import (
    STATES,
    Confusables,
    SerialFormats,
    compile_pattern,
    load_confusables,
    load_formats,
    normalise,
)

CONFUSABLES = load_confusables()
FORMATS = load_formats()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
plates = st.text(ALPHABET, min_size=1, max_size=10)


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("1abc 23", "1ABC23"),
        ("123·ABC", "123ABC"),
        ("AB-12.345", "AB12345"),
        ("12•345", "12345"),
        ("L\nV 6499", "LV6499"),
        ("A\r\nB\u2028123", "AB123"),
        ("１２３ＡＢＣ", "123ABC"),  # noqa: RUF001
        ("É1²", "E12"),
        ("ＡＢ★12 ♿ 3", "AB123"),  # noqa: RUF001
        ("ⒶBC™1", "BC1"),
        ("☂ - \t", ""),
        ("", ""),
    ],
)
def test_normalise_keeps_the_characters_of_the_serial_alone(text: str, plate: str) -> None:
    assert normalise(text) == plate


@given(st.text())
def test_any_text_normalises_once_and_for_all(text: str) -> None:
    plate = normalise(text)
    assert set(plate) <= set(ALPHABET)
    assert normalise(plate) == plate


@given(plates, st.sampled_from([" ", "-", "·", ".", "\n", "•", "★"]), st.integers(0, 10))
def test_separators_and_capitals_do_not_matter(plate: str, separator: str, place: int) -> None:
    spelled = (plate[:place] + separator + plate[place:]).lower()
    assert normalise(spelled) == plate


def test_the_shipped_groups() -> None:
    assert CONFUSABLES.groups == ("0ODQ", "1I", "2Z", "5S", "8B", "6G")
    assert CONFUSABLES.fold("ODQ0IZSBGA7") == "000012586A7"


@given(plates)
def test_folding_twice_is_folding_once(plate: str) -> None:
    folded = CONFUSABLES.fold(plate)
    assert CONFUSABLES.fold(folded) == folded
    assert len(folded) == len(plate)


@given(plates, st.data())
def test_substitutions_name_every_confusable_difference(plate: str, data: st.DataObject) -> None:
    groups = {char: group for group in CONFUSABLES.groups for char in group}
    listed = "".join(data.draw(st.sampled_from(groups.get(char, char))) for char in plate)
    found = CONFUSABLES.substitutions(plate, listed)
    assert found is not None
    rebuilt = list(plate)
    for index, read, other in found:
        assert rebuilt[index] == read != other
        rebuilt[index] = other
    assert "".join(rebuilt) == listed


@given(plates, plates)
def test_other_differences_are_no_substitutions(read: str, listed: str) -> None:
    same = CONFUSABLES.fold(read) == CONFUSABLES.fold(listed)
    assert (CONFUSABLES.substitutions(read, listed) is not None) == same


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (["0"], "groups[0]: needs two"),
        (["0O", "O0"], "groups[1]: 'O' is in a group already"),
        (["0o"], "groups[0]: 'o' is not one of"),
        (["00"], "groups[0]: '0' is in a group already"),
    ],
)
def test_groups_that_make_no_table_are_refused(groups: list[str], said: str) -> None:
    with pytest.raises(ContractError, match=re.escape(said)):
        Confusables.of(groups)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('groups = ["0O"]\nfolds = 1\n', "folds: not a setting"),
        ("groups = 1\n", "groups: needs a list"),
        ("", "groups: needs a list"),
        ("groups = [", "not TOML"),
        ('groups = ["0O", "QO"]\n', "groups[1]"),
    ],
)
def test_a_broken_table_is_refused_with_the_file_named(
    tmp_path: Path, content: str, said: str
) -> None:
    path = tmp_path / "confusables.toml"
    path.write_text(content)
    with pytest.raises(ContractError, match=re.escape(said)) as caught:
        load_confusables(path)
    assert str(path) in str(caught.value)


def test_a_missing_table_is_refused_with_the_file_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="nowhere"):
        load_formats(tmp_path / "nowhere.toml")


def test_every_state_has_formats() -> None:
    assert len(STATES) == len(set(STATES)) == 51
    assert FORMATS.states == STATES


@pytest.mark.parametrize(
    "plate",
    [
        "1ABC23",
        "1AB234",
        "123AB4",
        "12AB34",
        "1234AB",
        "123ABC",
        "123456",
        "A12345",
        "LV6499",
        "8382A",
    ],
)
def test_massachusetts_shapes(plate: str) -> None:
    assert "MA" in FORMATS.states_matching(plate)


@pytest.mark.parametrize(
    ("plate", "state"),
    [
        ("7ABC123", "CA"),
        ("ABC1234", "NY"),
        ("1AB2345", "MD"),
        ("AB12345", "CT"),
        ("1234567", "NH"),
        ("A12BCD", "NJ"),
        ("123456", "RI"),
        ("T123456C", "NY"),
    ],
)
def test_shapes_of_other_states(plate: str, state: str) -> None:
    states = FORMATS.states_matching(plate)
    assert state in states
    assert "MA" not in states or plate == "123456"


def test_a_personalised_plate_has_no_shape() -> None:
    assert FORMATS.states_matching("GRNWAVE") == ()
    assert FORMATS.states_matching("") == ()


def test_the_whole_serial_must_match() -> None:
    formats = SerialFormats.of({"MA": ["99", "99A"]})
    assert formats.states_matching("12A") == ("MA",)
    assert formats.states_matching("12AB") == ()
    assert formats.states_matching("012") == ()


@given(plates)
def test_a_pattern_of_either_matches_every_plate_of_its_length(plate: str) -> None:
    assert re.fullmatch(compile_pattern("#" * len(plate)), plate)
    assert not re.fullmatch(compile_pattern("#" * (len(plate) + 1)), plate)


@pytest.mark.parametrize(
    "pattern", ["", "B", "a", "A 9", "[]", "[A", "A]", "[A-Z]", "9+", ".", "9|A"]
)
def test_patterns_outside_the_notation_are_refused(pattern: str) -> None:
    with pytest.raises(ContractError, match="pattern"):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[XX]\npassenger = ["9"]\n', "XX: not the postal code"),
        ('MA = ["9"]\n', "MA: needs a table"),
        ("[MA]\npassenger = 9\n", "MA.passenger: needs a list"),
        ("[MA]\npassenger = []\n", "MA: has no pattern"),
        ('[MA]\npassenger = ["(9"]\n', "MA: pattern '(9'"),
    ],
)
def test_broken_formats_are_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "formats.toml"
    path.write_text(content)
    with pytest.raises(ContractError, match=re.escape(said)):
        load_formats(path)


def test_an_installed_table_serves_where_there_is_no_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(configuration, "_CHECKOUT", tmp_path / "none")
    monkeypatch.setattr(configuration, "_INSTALLED", tmp_path)
    (tmp_path / "confusables.toml").write_text('groups = ["0O"]')
    assert config_file("confusables.toml") == tmp_path / "confusables.toml"
    with pytest.raises(ContractError, match=r"other\.toml: neither"):
        config_file("other.toml")
