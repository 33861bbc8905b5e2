"""CSV files become hot lists, and what makes no entry is said without repeating it."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.contract.hotlist import HotlistEntry, decode_list, encode_list
from edge.contract.plates import Confusables, normalise
from edge.hotfile.build import Build, build
from edge.hotfile.columns import HotlistColumns
from edge.hotfile.errors import HotfileError
from edge.hotfile.settings import HotlistSource

Built = Callable[..., Build]
ISSUED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def entries(build_of: Build, *plates: str) -> list[HotlistEntry]:
    index = build_of.hotlist.index
    return [entry for plate in plates for entry, _ in index.candidates(plate)]


def test_every_column_becomes_its_field(built: Built) -> None:
    result = built(
        "Entry,Plate,State,Kind,Priority,Entered,Expires,Note\r\n"
        '7,1abc-23,ma,Stolen Vehicle,1,2026-02-01T10:00:00-05:00,2026-04-01,"red, ""dented"""\r\n'
    )
    assert result.rejected == ()
    assert entries(result, "1ABC23") == [
        HotlistEntry(
            entry="7",
            plate="1ABC23",
            state="MA",
            kind="stolen_vehicle",
            priority=1,
            entered=datetime(2026, 2, 1, 15, tzinfo=UTC),
            expires=datetime(2026, 4, 1, 23, 59, 59, 999999, tzinfo=UTC),
            note='red, "dented"',
        )
    ]


def test_a_plate_alone_is_enough(built: Built) -> None:
    result = built("plate\n1ABC23\n\n  \n9XYZ87\n", default_kind="bolo", default_priority=2)
    first, second = entries(result, "1ABC23", "9XYZ87")
    assert (first.entry, second.entry) == ("line 2", "line 5")
    assert (first.kind, first.priority, first.state) == ("bolo", 2, None)
    assert first.entered is first.expires is None
    assert result.hotlist.entries == 2


def test_the_lists_identity_is_its_files(built: Built) -> None:
    text = "plate\n1ABC23\n"
    hotlist = built(text).hotlist
    assert hotlist.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert hotlist.sha256.startswith(hotlist.version)
    assert (hotlist.name, hotlist.source) == ("state", "state.csv")
    assert built("plate\n1ABC24\n").hotlist.version != hotlist.version


def test_columns_of_other_names_and_words_of_the_lists_own(built: Built) -> None:
    result = built(
        "\ufeffLIC,OFFENSE\n1ABC23,Stolen\n",
        plate="lic",
        kind="Offense",
        kinds={"STOLEN": "stolen_plate"},
    )
    assert [entry.kind for entry in entries(result, "1ABC23")] == ["stolen_plate"]


def test_times_without_a_zone_are_in_the_columns_zone(built: Built) -> None:
    result = built(
        "plate,entered,expires\n1ABC23,2026-03-01 08:00,2026-07-01\n",
        time_zone="America/New_York",
    )
    (entry,) = entries(result, "1ABC23")
    assert entry.entered == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert entry.expires == datetime(2026, 7, 2, 3, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",MA,,,,,", "plate: is empty"),
        ("*-*,MA,,,,,", "plate: has no letter or digit"),
        ("ABCDEFGHIJKLM,MA,,,,,", "plate: is longer than 12"),
        ("SECRET1,Mass,,,,,", "state: is not a two-letter code"),
        ("SECRET1,M1,,,,,", "state: is not a two-letter code"),
        ("SECRET1,MA,parking,,,,", "kind: is none of stolen_vehicle"),
        ("SECRET1,MA,,0,,,", "priority: is not 1 to 5"),
        ("SECRET1,MA,,high,,,", "priority: is not 1 to 5"),
        ("SECRET1,MA,,,03/01/2026,,", "entered: is not an ISO 8601"),
        ("SECRET1,MA,,,,0001-01-01T00:00:00+14:00,", "expires: is not an ISO 8601"),
        ("SECRET1,MA,,,2026-03-01,2026-02-01,", "expires: before entered"),
        (f"SECRET1,MA,,,,,{'x' * 501}", "note: is longer than 500"),
        ("SECRET1,MA", "has more or fewer columns"),
        ("SECRET1,MA,,,,,,", "has more or fewer columns"),
    ],
)
def test_a_line_that_makes_no_entry_is_rejected_by_number_and_reason(
    built: Built, line: str, reason: str
) -> None:
    header = "plate,state,kind,priority,entered,expires,note\n"
    result = built(f"{header}1ABC23,MA,,,,,\n{line}\n9XYZ87,MA,,,,,\n")
    assert result.hotlist.entries == 2
    (rejection,) = result.rejected
    assert rejection.line == 3
    assert rejection.reason.startswith(reason)
    assert "SECRET" not in rejection.reason


def test_an_id_serves_once(built: Built) -> None:
    result = built("entry,plate\n7,1ABC23\n7,9XYZ87\n8,5QRS55\n")
    assert [one.line for one in result.rejected] == [3]
    assert result.hotlist.entries == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("plate\n1ABC23", "may be cut off"),
        ("tag\n1ABC23\n", "has no column 'plate'"),
        ("plate,Plate\n1ABC23,9XYZ87\n", "has column 'plate' twice"),
        ('plate,note\n1ABC23,"unclosed\n', "not CSV"),
        ('plate,note\n1ABC23,"a"b\n', "not CSV"),
        ("plate\n1ABC23\n**\n**\n", "2 of 3 lines make no entry (line 3: plate"),
    ],
)
def test_a_file_that_cannot_be_the_list_is_refused_whole(
    built: Built, text: str, said: str
) -> None:
    with pytest.raises(HotfileError) as caught:
        built(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("hot list state: state.csv: ")
    assert "1ABC23" not in str(caught.value)


def test_a_column_that_was_named_must_be_there(built: Built) -> None:
    with pytest.raises(HotfileError, match=r"has no column 'expiry'; set columns\.expires"):
        built("plate,expires\n1ABC23,2026-01-01\n", expires="expiry")


def test_a_file_in_another_encoding_is_refused(confusables: Confusables) -> None:
    source = HotlistSource(name="state", path=Path("state.csv"))
    with pytest.raises(HotfileError, match="byte 14 is not UTF-8"):
        build(b"plate,note\n1A,\xe9\n", source=source, issued_at=ISSUED, confusables=confusables)


def test_a_list_may_be_empty(built: Built) -> None:
    assert built("plate\n").hotlist.entries == 0


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
            st.sampled_from(["MA", "ny", "", "Ohio"]),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
        ),
        max_size=8,
    )
)
def test_any_table_gives_entries_that_can_travel_and_rejections_or_one_error(
    built: Built, rows: list[tuple[str, str, str]]
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("plate", "state", "note"), *rows])
    usable = [row for row in rows if 1 <= len(normalise(row[0])) <= 12 and row[1] != "Ohio"]
    blank = [row for row in rows if not any(value.strip() for value in row)]
    try:
        result = built(file.getvalue())
    except HotfileError as error:
        assert len(usable) * 2 < len(rows) - len(blank), error
        return
    assert result.hotlist.entries == len(usable)
    assert len(result.rejected) == len(rows) - len(blank) - len(usable)
    found = {
        entry.entry: entry
        for row in usable
        for entry, _ in result.hotlist.index.candidates(normalise(row[0]))
    }
    assert len(decode_list(encode_list(found.values()))) == len(usable)


@given(st.binary(max_size=200))
def test_any_bytes_build_or_raise_the_one_error(confusables: Confusables, data: bytes) -> None:
    source = HotlistSource(name="state", path=Path("state.csv"))
    for content in (data, b"plate\n" + data + b"\n"):
        try:
            build(content, source=source, issued_at=ISSUED, confusables=confusables)
        except HotfileError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("age_s", "stale"), [(0, False), (3600, False), (3601, True), (-300, False), (-301, True)]
)
@pytest.mark.policy("M-D1")
def test_a_list_is_stale_when_old_or_dated_ahead_of_the_clock(
    built: Built, age_s: int, stale: bool
) -> None:
    hotlist = built("plate\n1ABC23\n").hotlist
    now = ISSUED + timedelta(seconds=age_s)
    assert hotlist.age(now) == timedelta(seconds=age_s)
    assert hotlist.stale(now) is stale


@pytest.mark.parametrize(
    "wrong",
    [
        {"plates": "plate"},
        {"plate": ""},
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../etc/passwd"},
        {"default_priority": 6},
        {"kinds": {"STOLEN": "gone"}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        HotlistColumns.model_validate(wrong)
