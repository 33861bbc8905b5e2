"""CSV files become hot lists, and what makes no entry is said without repeating it."""

from __future__ import annotations

import csv
import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.contract.hotlist_csv import MAX_LINES_OF_A_ROW
from edge.contract.plates import Confusables, normalise
from edge.hotfile.build import build_here, build_hotfile
from edge.hotfile.columns import HotlistColumns
from edge.hotfile.errors import HotfileError
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.settings import HotlistSource
from tests.edge.hotfile.lists import ISSUED, KEY, Builds, facts_of, listed
from tests.whole_lists import decode_list, encode_list


def test_every_column_becomes_its_field(built: Builds) -> None:
    result = built(
        "Entry,Plate,State,Kind,Priority,Entered,Expires,Note\r\n"
        '7,1abc-23,ma,Stolen Vehicle,1,2026-02-01T10:00:00-05:00,2026-04-01,"red, ""dented"""\r\n'
    )
    assert result.rejected == []
    assert result.entries == [
        listed(
            "7",
            "1ABC23",
            state="MA",
            kind="stolen_vehicle",
            priority=1,
            entered=datetime(2026, 2, 1, 15, tzinfo=UTC),
            expires=datetime(2026, 4, 1, 23, 59, 59, 999999, tzinfo=UTC),
            note='red, "dented"',
        )
    ]


def test_a_plate_alone_is_enough(built: Builds) -> None:
    result = built("plate\n1ABC23\n\n  \n9XYZ87\n", default_kind="bolo", default_priority=2)
    first, second = result.entries
    assert (first.entry, second.entry) == ("line 2", "line 5")
    assert (first.kind, first.priority, first.state) == ("bolo", 2, None)
    assert first.entered is first.expires is None
    assert result.hotlist.entries == 2


def test_the_lists_identity_is_its_files(built: Builds) -> None:
    text = "plate\n1ABC23\n"
    facts = built(text).build.facts
    assert facts.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert facts.sha256.startswith(facts.version)
    assert (facts.name, facts.source, facts.number) == ("state", "file", None)
    assert built("plate\n1ABC24\n").build.facts.version != facts.version


def test_columns_of_other_names_and_words_of_the_lists_own(built: Builds) -> None:
    result = built(
        "\ufeffLIC,OFFENSE\n1ABC23,Stolen\n",
        plate="lic",
        kind="Offense",
        kinds={"STOLEN": "stolen_plate"},
    )
    assert [entry.kind for entry in result.entries] == ["stolen_plate"]


def test_times_without_a_zone_are_in_the_columns_zone(built: Builds) -> None:
    result = built(
        "plate,entered,expires\n1ABC23,2026-03-01 08:00,2026-07-01\n",
        time_zone="America/New_York",
    )
    (entry,) = result.entries
    assert entry.entered == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert entry.expires == datetime(2026, 7, 2, 3, 59, 59, 999999, tzinfo=UTC)


def test_a_list_is_dated_by_its_file_or_by_its_newest_entry(built: Builds) -> None:
    text = "plate,entered\n1ABC23,2026-02-01\n9XYZ87,2026-02-27\n5QRS55,\n"
    assert built(text).build.facts.issued_at == ISSUED
    newest = built(text, dated_by="newest_entry").build.facts.issued_at
    assert newest == datetime(2026, 2, 27, tzinfo=UTC)
    ahead = built(text + "7TUV11,2999-01-01\n", dated_by="newest_entry").build.facts.issued_at
    assert ahead == ISSUED
    with pytest.raises(HotfileError, match="no entry says when it was entered"):
        built("plate\n1ABC23\n", dated_by="newest_entry")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (",MA,,,,,", "plate: is empty"),
        ("*-*,MA,,,,,", "plate: has no letter or digit"),
        ("=SECRET|x,MA,,,,,", "plate: has a character that is none of a plate's"),
        ("@SECRET,MA,,,,,", "plate: has a character"),
        ("SECRET_1,MA,,,,,", "plate: has a character"),
        ("SECRET/1,MA,,,,,", "plate: has a character"),
        ("\u24b6SECRET,MA,,,,,", "plate: has a character"),
        ("SECRET\u0416,MA,,,,,", "plate: has a character"),
        ("SE?*!,MA,,,,,", "plate: has a character"),
        ("SE?*,MA,,,,,", "plate: names fewer than 3 characters beside its wildcards"),
        ("*SECRET*,MA,,,,,", "plate: has more than one *"),
        ("ABCDEFGHIJKLM,MA,,,,,", "plate: is longer than 12"),
        ("SECRET1,Mass,,,,,", "state: is not a two-letter code"),
        ("SECRET1,M1,,,,,", "state: is not a two-letter code"),
        ("SECRET1,MA,parking,,,,", "kind: is none of stolen_vehicle"),
        ("SECRET1,MA,,0,,,", "priority: is not 1 (most"),
        ("SECRET1,MA,,high,,,", "priority: is not 1 (most"),
        ("SECRET1,MA,,,03/01/2026,,", "entered: is not an ISO 8601"),
        ("SECRET1,MA,,,,0001-01-01T00:00:00+14:00,", "expires: is not an ISO 8601"),
        ("SECRET1,MA,,,2026-03-01,2026-02-01,", "expires: before entered"),
        (f"SECRET1,MA,,,,,{'x' * 501}", "note: is longer than 500"),
        ("SECRET1,MA", "has more or fewer columns"),
        ("SECRET1,MA,,,,,,", "has more or fewer columns"),
        ('SECRET1,MA,,,,,"a"b', "is not CSV"),
        ('SECRET1,MA,,,,,"never closed', "is not CSV"),
        (f'SECRET1,MA,,,,,"{"x" * 70_000}"', "is not CSV"),
    ],
)
def test_a_line_that_makes_no_entry_is_rejected_by_number_and_reason(
    built: Builds, line: str, reason: str
) -> None:
    header = "plate,state,kind,priority,entered,expires,note\n"
    result = built(f"{header}1ABC23,MA,,,,,\n{line}\n9XYZ87,MA,,,,,\n")
    assert [entry.plate for entry in result.entries] == ["1ABC23", "9XYZ87"]
    assert result.build.rejected == 1
    ((number, said),) = result.rejected
    assert number == 3
    assert said.startswith(reason)
    assert "SECRET" not in said


def test_a_line_in_another_encoding_is_rejected_alone(built: Builds) -> None:
    result = built(b"plate,note\n1ABC23,a\n9XYZ87,\xe9\n5QRS55,\xc3\xa9\n")
    assert result.rejected == [(3, "note: is not UTF-8; save the file as UTF-8")]
    assert [entry.note for entry in result.entries] == ["a", "é"]


def test_a_quote_left_open_costs_its_own_line_and_no_other(built: Builds) -> None:
    lines = [f"{number}ABC23,seen" for number in range(3 * MAX_LINES_OF_A_ROW)]
    lines[5] = '5ABC23,"never closed'
    lines[9] = '9ABC23,"over\ntwo lines"'
    result = built("plate,note\n" + "\n".join(lines) + "\n")
    ((number, said),) = result.rejected
    assert (number, said[:10]) == (7, "is not CSV")
    assert len(result.entries) == len(lines) - 1
    assert result.entries[8].note == "over\ntwo lines"
    assert result.entries[-1].entry == f"line {len(lines) + 2}"


def test_an_id_serves_once(built: Builds) -> None:
    result = built("entry,plate\n7,1ABC23\n**,\n7,9XYZ87\n8,5QRS55\n7,A?C12\n9,7TUV11\n")
    assert result.rejected == [
        (3, "plate: is empty"),
        (4, "entry: an earlier line has the same id"),
        (6, "entry: an earlier line has the same id"),
    ]
    assert [entry.plate for entry in result.entries] == ["1ABC23", "5QRS55", "7TUV11"]
    assert result.hotlist.entries == 3
    assert result.stored.find_wild("ABC12") == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("plate\n1ABC23", "may be cut off"),
        ("tag\n1ABC23\n", "has no column 'plate'"),
        ('"plate\n1ABC23\n', "its first line is not CSV"),
        ("plate,Plate\n1ABC23,9XYZ87\n", "has column 'plate' twice"),
        (
            "plate\n1ABC23\n--\n--\n",
            "2 of 3 lines make no entry; check the file and its columns (line 3: plate: has no"
            " letter or digit; line 4: plate: has no letter or digit)",
        ),
        (
            "entry,plate\n1,1ABC23\n1,1ABC24\n1,1ABC25\n",
            "2 of 3 lines make no entry; check the file and its columns (line 3: entry",
        ),
    ],
)
def test_a_file_that_cannot_be_the_list_is_refused_whole(
    built: Builds, text: str, said: str
) -> None:
    with pytest.raises(HotfileError) as caught:
        built(text)
    assert said in str(caught.value)
    assert str(caught.value).startswith("hot list state: ")
    assert "1ABC23" not in str(caught.value)


def test_a_refusal_names_the_first_twenty_lines(built: Builds) -> None:
    with pytest.raises(HotfileError) as caught:
        built("plate\n1ABC23\n" + "=SECRET\n" * 30)
    said = str(caught.value)
    assert "30 of 31 lines make no entry" in said
    assert "(the first 20: line 3: plate: has a character" in said
    assert said.count("; line ") == 19
    assert "; line 22: " in said
    assert "line 23" not in said
    assert "SECRET" not in said


@pytest.mark.parametrize(
    "cell",
    ["1abc 23", "1ABC-23", "1ABC\u201323", "1ABC\u00b723", "1ABC\u202223", "1.ABC.23",
     "1\u00c1BC23", "1A\u0301BC23", "\uff11\uff21BC\uff0d23", "1ABC\u00a023", '"1ABC\n23"'],
)  # fmt: skip
def test_a_plate_is_taken_in_every_spelling(built: Builds, cell: str) -> None:
    result = built(f"plate\n{cell}\n")
    assert [entry.plate for entry in result.entries] == ["1ABC23"]
    assert result.rejected == []


def test_a_column_that_was_named_must_be_there(built: Builds) -> None:
    with pytest.raises(HotfileError, match="no column 'expiry'; name the one"):
        built("plate,expires\n1ABC23,2026-01-01\n", expires="expiry")


def test_a_list_may_be_empty(built: Builds) -> None:
    result = built("plate\n")
    assert (result.hotlist.entries, result.entries) == (0, [])
    assert result.stored.find("1ABC23") == ()


def test_more_wildcards_than_a_list_takes_are_rejected_by_line(
    built: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.contract.hotlist_table.MAX_WILDCARDS", 2)
    result = built("plate\nABC1*\nABC2?\nABC3*\nABC4\n")
    ((number, said),) = result.rejected
    assert (number, "2 lines before it have wildcards" in said) == (4, True)
    assert [entry.plate for entry in result.entries] == ["ABC1*", "ABC2?", "ABC4"]


NOT_OF_A_PLATE = "=|\u0416\u24b6"


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.sampled_from("aB1 -.\u00b7\u2022\u00e9\uff11" + NOT_OF_A_PLATE), max_size=8),
            st.sampled_from(["MA", "ny", "", "Ohio"]),
            st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
        ),
        max_size=8,
    )
)
def test_any_table_gives_entries_that_can_travel_and_rejections_or_one_error(
    built: Builds, rows: list[tuple[str, str, str]]
) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows([("plate", "state", "note"), *rows])
    usable = [
        row
        for row in rows
        if 1 <= len(normalise(row[0])) <= 12
        and row[1] != "Ohio"
        and not set(row[0]) & set(NOT_OF_A_PLATE)
    ]
    blank = [row for row in rows if not any(value.strip() for value in row)]
    try:
        result = built(file.getvalue())
    except HotfileError as error:
        assert len(usable) * 2 < len(rows) - len(blank), error
        return
    assert [entry.plate for entry in result.entries] == [normalise(row[0]) for row in usable]
    assert len(result.rejected) == len(rows) - len(blank) - len(usable)
    assert len(decode_list(encode_list(result.entries))) == len(usable)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_build_or_raise_the_one_error(built: Builds, data: bytes) -> None:
    for content in (data, b"plate\n" + data + b"\n"):
        try:
            built(content)
        except HotfileError as error:
            assert str(error)


def test_a_file_that_is_written_while_it_is_read_is_refused(
    tmp_path: Path, confusables: Confusables, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.csv"
    path.write_text("plate\n1ABC23\n9XYZ87\n")

    def write_meanwhile(fold: object, plate: str) -> str:
        os.utime(path, (1, 1))
        return plate

    monkeypatch.setattr(Confusables, "fold", write_meanwhile)
    source = HotlistSource(name="state", path=path)
    with pytest.raises(HotfileError, match="is being written"):
        build_here(source, HotlistFolder(tmp_path, KEY, confusables), None, ())
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]


def test_a_signed_list_must_be_what_it_says(tmp_path: Path, confusables: Confusables) -> None:
    target = tmp_path / "1.hotfile"
    entries = [listed("1", "1ABC23"), listed("2", "9XYZ87")]
    told: list[int] = []
    build_hotfile(
        entries,
        facts=facts_of(2),
        confusables=confusables,
        key=KEY,
        target=target,
        progress=told.append,
    )
    whole = target.read_bytes()
    for wrong, said in (
        (entries[:1], "has 1 entries in place of 2"),
        ([*entries, entries[0]], "has an id twice"),
    ):
        with pytest.raises(HotfileError, match=said):
            build_hotfile(wrong, facts=facts_of(2), confusables=confusables, key=KEY, target=target)
        assert target.read_bytes() == whole
        assert list(tmp_path.iterdir()) == [target]


def test_a_list_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, confusables: Confusables
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(HotfileError, match=r"1\.hotfile: cannot be written: File exists"):
        build_hotfile(
            [],
            facts=facts_of(0),
            confusables=confusables,
            key=KEY,
            target=tmp_path / "taken" / "1.hotfile",
        )


@pytest.mark.parametrize(
    ("age_s", "stale"), [(0, False), (3600, False), (3601, True), (-300, False), (-301, True)]
)
@pytest.mark.policy("M-D1")
def test_a_list_is_stale_when_old_or_dated_ahead_of_the_clock(
    built: Builds, age_s: int, stale: bool
) -> None:
    hotlist = built("plate\n1ABC23\n").hotlist
    now = ISSUED + timedelta(seconds=age_s)
    assert hotlist.facts.age(now) == timedelta(seconds=age_s)
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


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "a"}, "give the list a path"),
        ({"name": "a", "path": "a.csv", "from": "repository"}, "give the list a path"),
        ({"name": "local", "path": "a.csv"}, "the unit's own list"),
    ],
)
def test_a_list_has_one_origin_and_a_name_of_its_own(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        HotlistSource.model_validate(wrong)
