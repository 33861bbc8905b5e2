"""The built list's file: it gives back what was put in, hides it, and never gives anything else."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import Confusables
from edge.hotfile import write
from edge.hotfile.build import build_hotfile
from edge.hotfile.errors import HotfileError
from edge.hotfile.keys import plate_numbers
from edge.hotfile.layout import HEADER_BYTES, SLOT_BYTES
from edge.hotfile.store import StoredList
from edge.hotfile.write import HotfileWriter
from tests.edge.hotfile.lists import GROUPS, KEY, facts_of, listed, store

CONFUSABLES = Confusables.of(GROUPS)
PLATES = ("1ABC23", "8ABC23", "BABC23", "9XYZ87", "SECRET1")


def some_entries(count: int = 40) -> list[HotlistEntry]:
    plain = [
        listed(f"id {number}", PLATES[number % 5] if number < 8 else f"N{number}X", note="note")
        for number in range(count)
    ]
    return [*plain, listed("wild", "ABC?9*"), listed("last", "0O0O0O0")]


def find_plates(stored: StoredList, plate: str) -> list[str]:
    return [one.details().entry for one in stored.find(CONFUSABLES.fold(plate))]


times = st.none() | st.datetimes(timezones=st.just(UTC))


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            listed,
            st.text(min_size=1, max_size=20),
            st.text("0OB81AXYZ", min_size=1, max_size=12)
            | st.sampled_from(["ABC*", "?ABC1", "A?B*1"]),
            state=st.none() | st.sampled_from(["MA", "NY"]),
            kind=st.sampled_from(["bolo", "stolen_plate"]),
            priority=st.integers(1, 5),
            entered=st.none(),
            expires=times,
            note=st.text(max_size=50),
        ),
        max_size=60,
        unique_by=lambda entry: entry.entry,
    )
)
def test_every_entry_comes_back_in_its_order_and_is_found_by_its_plate(
    tmp_path_factory: pytest.TempPathFactory, entries: list[HotlistEntry]
) -> None:
    path = tmp_path_factory.getbasetemp() / "all.hotfile"
    with store(path, entries, CONFUSABLES) as stored:
        assert list(stored.entries()) == entries
        assert stored.facts == facts_of(len(entries))
        for plate in {entry.plate for entry in entries} | {"NONE"}:
            same = [
                one for one in entries if CONFUSABLES.fold(one.plate) == CONFUSABLES.fold(plate)
            ]
            if "?" in plate or "*" in plate:
                wanted = CONFUSABLES.fold(plate).replace("?", "X").replace("*", "")
                found = [one.as_entry() for one in stored.find_wild(wanted)]
                assert [one for one in same if one not in found] == []
                continue
            found = [one.as_entry() for one in stored.find(CONFUSABLES.fold(plate))]
            assert sorted(found, key=lambda one: one.entry) == sorted(
                same, key=lambda one: one.entry
            )
            priorities = [one.priority for one in found]
            assert priorities == sorted(priorities)
        assert stored.fault is None


def test_plates_that_crowd_one_slot_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Among 2,000 plates in two slots some share their mark of 16 bits as well.
    monkeypatch.setattr(write, "_slot_bits", lambda _: 1)
    plates = [f"{letter}{number}" for letter in "AXYZ" for number in range(500)]
    entries = [listed(f"{turn} {plate}", plate) for turn in range(2) for plate in plates]
    path = tmp_path / "1.hotfile"
    with store(path, entries, CONFUSABLES) as stored:
        for plate in plates:
            same = [p for p in plates if CONFUSABLES.fold(p) == CONFUSABLES.fold(plate)]
            wanted = [f"{turn} {p}" for turn in range(2) for p in same]
            assert find_plates(stored, plate) == wanted
        assert find_plates(stored, "NONE") == []
        assert list(stored.entries()) == entries
        assert stored.fault is None


FILE_KEY = bytes(range(32))


def mark_in_the_only_slots(plate: str) -> tuple[int, int]:
    """A plate's slot among two, and its mark there."""
    factor, summand = plate_numbers(FILE_KEY)
    digest = (int(CONFUSABLES.fold(plate), 36) * factor + summand) >> 64 & (1 << 64) - 1
    return digest >> 63, digest >> 47 & 0xFFFF or 1


def alike() -> tuple[str, str]:
    """Two plates with the same mark in the same slot."""
    met: dict[tuple[int, int], str] = {}
    for number in range(10_000):
        plate = f"N{number:04}"
        other = met.setdefault(mark_in_the_only_slots(plate), plate)
        if CONFUSABLES.fold(other) != CONFUSABLES.fold(plate):
            return other, plate
    raise AssertionError("no two")


def across() -> tuple[str, str, str]:
    """Three plates of a slot: the third's mark also stands across the ends of the first two."""
    met = {mark_in_the_only_slots(plate): plate for plate in (f"N{n:04}" for n in range(2000))}
    for (slot, one), first in met.items():
        for (same, two), second in met.items():
            third = one >> 8 | (two & 0xFF) << 8
            if slot == same and one < two < third and (slot, third) in met:
                return first, second, met[slot, third]
    raise AssertionError("no three")


@pytest.mark.parametrize("plates", [alike(), across()], ids=["alike", "across"])
def test_marks_that_stand_twice_in_their_slot_lead_nobody_astray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plates: tuple[str, ...]
) -> None:
    monkeypatch.setattr(write, "_slot_bits", lambda _: 1)
    path = tmp_path / "1.hotfile"
    writing = HotfileWriter(
        path,
        confusables=CONFUSABLES,
        key=KEY,
        random_bytes=lambda size: FILE_KEY if size == len(FILE_KEY) else os.urandom(size),
    )
    with writing as writer:
        for plate in plates:
            writer.add(listed(plate, plate))
        writer.finish(facts_of(0), lambda _before, built, _twins: built)
    with StoredList(path, KEY, CONFUSABLES) as stored:
        assert [find_plates(stored, plate) for plate in plates] == [[plate] for plate in plates]
        assert find_plates(stored, "NONE") == []


def test_plates_of_one_digest_are_told_apart_the_most_urgent_first(tmp_path: Path) -> None:
    plates = ("AXY", "0AXY", "OAXY", "00AXY")
    entries = [
        listed(f"{plate} {priority}", plate, priority=priority)
        for priority in (3, 1, 2)
        for plate in plates
    ]
    with store(tmp_path / "1.hotfile", entries, CONFUSABLES) as stored:
        assert find_plates(stored, "AXY") == ["AXY 1", "AXY 2", "AXY 3"]
        both = [f"{plate} {priority}" for priority in (1, 2, 3) for plate in ("0AXY", "OAXY")]
        assert find_plates(stored, "0AXY") == both
        assert find_plates(stored, "00AXY") == ["00AXY 1", "00AXY 2", "00AXY 3"]
        assert find_plates(stored, "000AXY") == []
        assert list(stored.entries()) == entries


@pytest.mark.parametrize("text", ["", " AXY ", "A_XY", "+AXY", "axy", "Å", "\udc80", "A" * 5000])
def test_what_is_no_plate_is_not_listed_and_no_fault(tmp_path: Path, text: str) -> None:
    with store(tmp_path / "1.hotfile", [listed("1", "AXY")], CONFUSABLES) as stored:
        assert stored.find(text) == ()
        assert stored.fault is None


@pytest.mark.policy("M-C7")
def test_the_disk_shows_no_plate_and_no_note_and_no_two_files_are_alike(tmp_path: Path) -> None:
    entries = some_entries()
    first = tmp_path / "1.hotfile"
    store(first, entries, CONFUSABLES).close()
    content = first.read_bytes()
    for shown in (b"SECRET", b"1ABC23", b"ABC?9", b"note", b"id 7"):
        assert shown not in content
    second = tmp_path / "2.hotfile"
    store(second, entries, CONFUSABLES).close()
    sealed = [
        {part[place : place + 8] for place in range(HEADER_BYTES, len(part) - 8)}
        for part in (content, second.read_bytes())
    ]
    assert not sealed[0] & sealed[1]
    assert first.stat().st_mode & 0o777 == 0o600


@pytest.mark.policy("M-C7")
def test_without_the_key_nothing_opens(tmp_path: Path) -> None:
    path = tmp_path / "1.hotfile"
    store(path, some_entries(), CONFUSABLES).close()
    with pytest.raises(HotfileError, match="altered, or built under another key"):
        StoredList(path, b"x" * 32, CONFUSABLES)


def test_a_list_built_for_other_confusable_characters_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.hotfile"
    store(path, some_entries(), CONFUSABLES).close()
    with pytest.raises(HotfileError, match="other confusable characters"):
        StoredList(path, KEY, Confusables.of(("0O",)))


def test_a_file_cut_off_anywhere_or_grown_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.hotfile"
    store(path, some_entries(), CONFUSABLES).close()
    whole = path.read_bytes()
    cut = tmp_path / "cut.hotfile"
    for length in {0, 1, 11, 500, HEADER_BYTES - 1, *range(HEADER_BYTES, len(whole), 97)}:
        cut.write_bytes(whole[:length])
        with pytest.raises(HotfileError, match=r"cut\.hotfile: "):
            StoredList(cut, KEY, CONFUSABLES)
    cut.write_bytes(whole + b"\0")
    with pytest.raises(HotfileError, match="in place of"):
        StoredList(cut, KEY, CONFUSABLES)


def test_another_kind_of_file_and_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "1.hotfile"
    with pytest.raises(HotfileError, match="cannot be read: No such file"):
        StoredList(path, KEY, CONFUSABLES)
    path.write_bytes(b"plate\n1ABC23\n" * 1000)
    with pytest.raises(HotfileError, match="no hot list that this software has built"):
        StoredList(path, KEY, CONFUSABLES)
    with pytest.raises(HotfileError, match="cannot be read: Is a directory"):
        StoredList(tmp_path, KEY, CONFUSABLES)


def test_any_flipped_byte_is_refused_at_opening_or_said_at_the_lookup(tmp_path: Path) -> None:
    entries = some_entries()
    path = tmp_path / "1.hotfile"
    store(path, entries, CONFUSABLES).close()
    whole = path.read_bytes()
    header_end = whole.index(b"\0\0\0\0", 12)
    expected = {entry.plate: find_ids(entries, entry.plate) for entry in entries}
    del expected["ABC?9*"]
    refused = said = 0
    places = [*range(header_end + 4), HEADER_BYTES - 1, *range(HEADER_BYTES, len(whole), 5)]
    for place in places:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        try:
            stored = StoredList(path, KEY, CONFUSABLES)
        except HotfileError:
            refused += 1
            continue
        with stored:
            for plate, ids in expected.items():
                found = find_plates(stored, plate)
                assert sorted(found) == ids or (found == [] and stored.fault is not None)
            if stored.fault is not None:
                said += 1
                assert "is damaged" in stored.fault
                with pytest.raises(HotfileError, match="is damaged"):
                    list(stored.entries())
    assert refused > HEADER_BYTES // 10
    assert said > 100
    assert refused + said == len(places)


def find_ids(entries: list[HotlistEntry], plate: str) -> list[str]:
    folded = CONFUSABLES.fold(plate)
    return sorted(one.entry for one in entries if CONFUSABLES.fold(one.plate) == folded)


def test_two_blocks_that_changed_places_do_not_open(tmp_path: Path) -> None:
    entries = [listed(str(number), f"P{number:05d}") for number in range(400)]
    path = tmp_path / "1.hotfile"
    stored = store(path, entries, CONFUSABLES)
    units = np.frombuffer(bytes(stored._index), "<u4")[:: SLOT_BYTES // 4].tolist()
    slots = range(len(units) - 1)
    length = {slot: units[slot + 1] - units[slot] for slot in slots}
    one, other = next((a, b) for a in slots for b in slots if a < b and 0 < length[a] == length[b])
    stored.close()
    whole = bytearray(path.read_bytes())
    places = [slice(16 * units[slot], 16 * units[slot + 1]) for slot in (one, other)]
    whole[places[0]], whole[places[1]] = whole[places[1]], whole[places[0]]
    path.write_bytes(whole)
    with StoredList(path, KEY, CONFUSABLES) as stored:
        missing = [entry.plate for entry in entries if not find_plates(stored, entry.plate)]
        assert missing
        assert stored.fault is not None


def test_many_entries_of_one_plate_are_all_found(tmp_path: Path) -> None:
    entries = [
        listed(str(number), "1ABC23", priority=number % 5 + 1, note="x" * (number % 300))
        for number in range(2000)
    ]
    others = [listed(f"other {number}", f"X{number}") for number in range(500)]
    with store(tmp_path / "1.hotfile", [*entries, *others], CONFUSABLES) as stored:
        found = stored.find("1A8C23")
        assert stored.find("1ABC23") == ()
        assert len(found) == len({one.details().entry for one in found}) == 2000
        priorities = [one.details().priority for one in found]
        assert priorities == sorted(priorities)
        assert find_plates(stored, "X499") == ["other 499"]


def test_of_many_plates_each_is_found_and_no_other(tmp_path: Path) -> None:
    """So many that marks of others are met, also across the edge of two marks."""
    path = tmp_path / "1.hotfile"
    seeded = random.Random(2)
    with HotfileWriter(
        path, confusables=CONFUSABLES, key=KEY, random_bytes=seeded.randbytes
    ) as writer:
        for number in range(20_000):
            writer.add(listed(str(number), f"A{number}"))
        writer.finish(facts_of(0), lambda _, built, __: built)
    with StoredList(path, KEY, CONFUSABLES) as stored:
        for number in range(20_000):
            plate = CONFUSABLES.fold(f"A{number}")
            assert str(number) in {one.details().entry for one in stored.find(plate)}
            assert {CONFUSABLES.fold(one.plate) for one in stored.find(plate)} == {plate}
            assert stored.find(f"X{number}") == stored.find(f"Y{number}") == ()
        assert stored.facts.entries == 20_000
        assert stored.fault is None


def test_a_list_that_was_replaced_still_serves_who_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "1.hotfile"
    older = store(path, [listed("1", "1ABC23")], CONFUSABLES)
    newer = store(path, [listed("1", "9XYZ87")], CONFUSABLES)
    assert find_plates(older, "1ABC23") == find_plates(newer, "9XYZ87") == ["1"]
    assert find_plates(newer, "1ABC23") == []


def test_dates_survive_to_the_microsecond(tmp_path: Path) -> None:
    moment = datetime(2026, 3, 1, 6, 30, 0, 123456, tzinfo=UTC)
    entry = listed("1", "1ABC23", entered=moment, expires=datetime.max.replace(tzinfo=UTC))
    with store(tmp_path / "1.hotfile", [entry], CONFUSABLES) as stored:
        assert list(stored.entries()) == [entry]


def test_a_disk_that_is_full_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "1.hotfile"
    store(path, [listed("1", "1ABC23")], CONFUSABLES).close()
    before = path.read_bytes()

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge.hotfile.write.os.fsync", refuse)
    with pytest.raises(HotfileError, match="cannot be written: No space left"):
        build_hotfile(
            [listed("1", "9XYZ87")],
            facts=facts_of(1),
            confusables=CONFUSABLES,
            key=KEY,
            target=path,
        )
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
