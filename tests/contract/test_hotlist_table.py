"""Lines of a CSV file become entries by the columns of the settings, or are rejected by number."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.hotlist import HotlistEntry, decode_entry, encode_entry
from edge.contract.hotlist_columns import Columns, UnusableFileError
from edge.contract.hotlist_csv import MAX_LINES_OF_A_ROW
from edge.contract.hotlist_table import Rejection, entries_of, plate_of
from edge.hotfile.columns import HotlistColumns as ColumnsOfAUnit
from repository.hotlists.columns import HotlistColumns as ColumnsOfTheCentre

PROGRAMS = {"unit": ColumnsOfAUnit, "centre": ColumnsOfTheCentre}
PLAIN = ColumnsOfAUnit.model_validate({}).table()
STATE: dict[str, Any] = {
    "plate": "LIC",
    "entry": "NIC",
    "state": "LIS",
    "kind": "MKE",
    "entered": "DOE",
    "expires": "PURGE",
    "note": "MIS",
    "kinds": {"STOLEN VEH": "stolen_vehicle", "mp": "missing_person"},
    "default_kind": "stolen_plate",
    "default_priority": 2,
    "time_zone": "America/New_York",
}


@pytest.fixture(params=sorted(PROGRAMS))
def state(request: pytest.FixtureRequest) -> Columns:
    """What a state's file has, as the settings of each program say it."""
    return PROGRAMS[request.param].model_validate(STATE).table()


def read(
    csv: str | bytes, columns: Columns = PLAIN, prefix: str = ""
) -> list[tuple[int, HotlistEntry | Rejection]]:
    data = csv.encode() if isinstance(csv, str) else csv
    file = io.TextIOWrapper(
        io.BytesIO(data), encoding="utf-8-sig", errors="surrogateescape", newline=""
    )
    return list(entries_of(file, columns, prefix=prefix, reserved="manual:"))


def entry(csv: str, columns: Columns = PLAIN, prefix: str = "") -> HotlistEntry:
    ((_, made),) = read(csv, columns, prefix)
    assert isinstance(made, HotlistEntry), made
    return made


def rejection(csv: str | bytes) -> Rejection:
    ((number, made),) = read(csv)
    assert isinstance(made, Rejection), made
    assert made.line == number
    return made


def test_columns_have_whatever_names_the_settings_give_them(state: Columns) -> None:
    made = entry(
        "\ufefflic,NIC,LIS,MKE,DOE,PURGE,MIS,VMA\n"
        " 1abc-23 ,V77,ma,stolen veh,2026-03-01,2026-07-04,Blue sedan,FORD\n",
        state,
    )
    assert (made.plate, made.entry, made.state, made.kind) == (
        "1ABC23", "V77", "MA", "stolen_vehicle",
    )  # fmt: skip
    assert (made.priority, made.note) == (2, "Blue sedan")
    assert made.entered == datetime(2026, 3, 1, 5, tzinfo=UTC)
    assert made.expires == datetime(2026, 7, 5, 3, 59, 59, 999999, tzinfo=UTC)


def test_what_a_file_leaves_out_has_defaults() -> None:
    made = entry("plate\n1ABC23\n")
    assert (made.entry, made.state, made.kind, made.priority) == ("line 2", None, "other", 3)
    assert (made.entered, made.expires, made.note) == (None, None, "")


def test_ids_of_another_source_bear_its_name() -> None:
    assert entry("entry,plate\nA1,1ABC23\n", prefix="rmv:").entry == "rmv:A1"
    assert rejection("entry,plate\nmanual:7,1ABC23\n").reason.startswith("entry: begins as")


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        ("", "^is empty; its first line must name the columns"),
        ("entry\n", "^has no column 'plate'; name the one it has as plate"),
        ("entry;plate\n", "^has its columns parted by semicolons; save it as CSV with commas"),
        ("entry\tplate\n", "^has its columns parted by tabs; save it as CSV with commas"),
        ("entry,plate,Plate\n", "^has column 'plate' twice"),
        ('"plate\n', "^its first line is not CSV"),
    ],
)
def test_a_file_that_does_not_name_its_columns_is_refused(csv: str, said: str) -> None:
    with pytest.raises(UnusableFileError, match=said):
        read(csv)


def test_a_column_that_the_settings_name_must_be_there(state: Columns) -> None:
    with pytest.raises(UnusableFileError, match=r"no column .PURGE.; name .* as expires under"):
        read("LIC,NIC,LIS,MKE,DOE,MIS\n", state)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a", "has more or fewer columns"),
        ("a,ABC,,,,,x", "has more or fewer columns"),
        ("a,,,,,", "plate: is empty"),
        ("a,---,,,,", "plate: has no letter or digit"),
        ("a,AB/12,,,,", "plate: has a character that is none of a plate's"),
        ("a,ABCDEFGHIJKLM,,,,", "plate: is longer than 12"),
        ("a,AB?*,,,,", "plate: names fewer than 3 characters beside its wildcards"),
        ("a,ABC**,,,,", "plate: has more than one *"),
        ("a,ABC,nice,,,", "kind: is none of"),
        ("a,ABC,,Mass,,", "state: is not a two-letter code"),
        ("a,ABC,,,9,", "priority: is not 1"),
        ("a,ABC,,,-1,", "priority: is not 1"),
        ("a,ABC,,,,soon", "expires: is not an ISO 8601"),
        ("a,ABC,,,,9999-12-31T23:59:59-12:00", "expires: is not an ISO 8601"),
        (f"{'x' * 129},ABC,,,,", "entry: is longer than 128"),
        ('a,"ABC,,,,', "not CSV"),
        (f"a,{'A' * 70_000},,,,", "not CSV"),
    ],
)
def test_a_line_that_makes_no_entry_is_rejected_and_the_rest_serves(line: str, said: str) -> None:
    head = "entry,plate,kind,state,priority,expires\n"
    before, wrong, after = read(f"{head}b,1ABC23,,,,\n{line}\nc,2ABC34,,,,\n")
    assert isinstance(before[1], HotlistEntry)
    assert isinstance(after[1], HotlistEntry)
    assert isinstance(wrong[1], Rejection)
    assert (wrong[0], after[0]) == (3, 4)
    assert said in wrong[1].reason


def test_reasons_do_not_repeat_what_stood_in_the_line() -> None:
    reason = rejection("entry,plate,kind\nSECRET,SECR/T,SECRETKIND\n").reason
    assert "SECR" not in reason


def test_what_is_not_utf_8_is_rejected_alone() -> None:
    (_, first), (_, second) = read(b"entry,plate,note\na,ABC1,\xff\nb,ABC2,x\n")
    assert isinstance(first, Rejection)
    assert first.reason == "note: is not UTF-8; save the file as UTF-8"
    assert isinstance(second, HotlistEntry)


def test_a_quoted_value_may_go_over_lines_but_a_quote_left_open_swallows_nothing() -> None:
    made = entry('entry,plate,note\na,ABC1,"tall man,\nred hat"\n')
    assert made.note == "tall man,\nred hat"
    many = "".join(f"n{number},XYZ{number},\n" for number in range(2 * MAX_LINES_OF_A_ROW))
    found = read(f'entry,plate,note\na,ABC1,"open\n{many}')
    assert [type(each) for _, each in found].count(Rejection) == 1
    assert [number for number, _ in found] == list(range(2, 3 + 2 * MAX_LINES_OF_A_ROW))


def test_expires_before_entered_is_rejected() -> None:
    line = "plate,entered,expires\nABC1,2026-03-02,2026-03-01\n"
    assert rejection(line).reason == "expires: before entered"


@given(
    st.lists(
        st.lists(st.text(max_size=12) | st.sampled_from(["1ABC23", "2026-03-01", "1"]), max_size=6),
        max_size=8,
    )
)
def test_whatever_stands_in_a_file_each_line_makes_an_entry_that_units_take_or_none(
    rows: list[list[str]],
) -> None:
    text = "".join(",".join(row) + "\n" for row in [["entry", "plate", "note"], *rows])
    for _, made in read(text.encode("utf-8", "surrogatepass")):
        if isinstance(made, HotlistEntry):
            assert decode_entry(encode_entry(made), 1) == made


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_any_system_ends_them(end: str) -> None:
    lines = ["entry,plate,note", "a,ABC1,x", 'b,ABC2,"over', 'two"', "c,ABC3,y", ""]
    found = read(end.join(lines))
    assert [number for number, _ in found] == [2, 3, 5]
    notes = [made.note for _, made in found if isinstance(made, HotlistEntry)]
    assert notes == ["x", f"over{end}two", "y"]


def test_a_quote_within_a_value_stands_for_itself() -> None:
    found = read('entry,plate,note\na,ABC1,5" bar\nb,ABC2,x\nc,ABC3,6" bar\n')
    assert [made.note for _, made in found if isinstance(made, HotlistEntry)] == [
        '5" bar',
        "x",
        '6" bar',
    ]


def test_a_quote_that_is_closed_late_and_wrongly_costs_its_own_line_alone() -> None:
    found = read('entry,plate,note\na,ABC1,"open\nb,ABC2,x\nc,ABC3,"y"z\nd,ABC4,w\n')
    assert [(number, isinstance(made, Rejection)) for number, made in found] == [
        (2, True),
        (3, False),
        (4, True),
        (5, False),
    ]


def test_a_line_that_is_far_too_long_is_rejected_and_not_kept_in_memory() -> None:
    found = read("plate,note\nABC1," + "x" * 200_000 + "\rABC2,y\n")
    assert [(number, type(made)) for number, made in found] == [(2, Rejection), (3, HotlistEntry)]


@pytest.mark.parametrize(
    "typed",
    ["1abc 23", "1ABC-23", "1ABC\u201323", "1ABC\u00b723", "1ABC\u202223", "1.ABC.23",
     "1\u00c1BC23", "1A\u0301BC23", "\uff11\uff21BC\uff0d23", "1ABC\u00a023", "1ABC\n23"],
)  # fmt: skip
def test_a_plate_is_taken_in_every_spelling(typed: str) -> None:
    assert plate_of(typed) == "1ABC23"


@pytest.mark.parametrize("typed", ["AB\u0416123", "AB\u24b6123", "AB\u2100123", "AB_123", "AB/1"])
def test_a_character_that_no_plate_has_is_not_passed_over(typed: str) -> None:
    with pytest.raises(ValueError, match="has a character"):
        plate_of(typed)
