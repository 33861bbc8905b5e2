"""Lists an entry at a time give what the whole lists in memory give."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.errors import ContractError
from edge.contract.hotlist import MAX_ENTRY_BYTES, HotlistDelta, HotlistEntry
from edge.contract.hotlist_stream import ListCheck, decode_lines, encode_lines, merge_delta
from tests.contract.test_hotlist import entry, lists, short_lists, version_of
from tests.whole_lists import apply_delta, decode_list, delta_between, encode_list


def ascending(some: list[HotlistEntry]) -> list[HotlistEntry]:
    return sorted(some, key=lambda one: one.entry)


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    last = 0
    for place in sorted(place % (len(data) + 1) for place in places):
        yield data[last:place]
        last = place
    yield data[last:]


@given(lists, st.lists(st.integers(0, 100_000), max_size=6))
def test_lines_are_the_lists_file_wherever_it_is_cut(
    some: list[HotlistEntry], places: list[int]
) -> None:
    data = encode_list(some)
    assert b"".join(encode_lines(ascending(some))) == data
    assert tuple(decode_lines(cut(data, places))) == decode_list(data)


@given(st.binary(max_size=200) | lists.map(encode_list), st.lists(st.integers(0, 999), max_size=3))
def test_what_the_whole_file_refuses_the_stream_refuses(data: bytes, places: list[int]) -> None:
    try:
        expected: tuple[HotlistEntry, ...] | None = decode_list(data)
    except ContractError:
        expected = None
    if expected is None:
        with pytest.raises(ContractError):
            tuple(decode_lines(cut(data, places)))
    else:
        assert tuple(decode_lines(cut(data, places))) == expected


@given(lists.filter(bool), st.data())
def test_a_file_cut_or_changed_is_no_issue_of_the_list(
    some: list[HotlistEntry], data: st.DataObject
) -> None:
    whole = encode_list(some)
    version = version_of(whole, len(some))
    check = ListCheck(version)
    check.add(whole)
    check.require_whole()
    at = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:at], whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], whole + b"\n"):
        with pytest.raises(ContractError, match="list: "):
            _check(wrong, version)


def _check(data: bytes, version: object) -> None:
    check = ListCheck(version)  # type: ignore[arg-type]
    check.add(data)
    check.require_whole()


@given(short_lists, short_lists)
def test_merging_a_delta_makes_the_newer_list(
    older: list[HotlistEntry], newer: list[HotlistEntry]
) -> None:
    delta = delta_between(older, newer, name="state", from_version=3, to_version=4)
    assert tuple(merge_delta(ascending(older), "state", 3, delta)) == tuple(ascending(newer))


@given(short_lists, short_lists, st.lists(st.sampled_from("abcdef"), max_size=3, unique=True))
def test_any_delta_makes_what_it_makes_in_memory(
    some: list[HotlistEntry], added: list[HotlistEntry], removed: list[str]
) -> None:
    removed = [one for one in removed if one not in {each.entry for each in added}]
    delta = HotlistDelta(
        name="state", from_version=3, to_version=4, added=tuple(added), removed=tuple(removed)
    )
    try:
        expected: tuple[HotlistEntry, ...] | None = apply_delta(some, "state", 3, delta)
    except ContractError:
        expected = None
    if expected is None:
        with pytest.raises(ContractError, match="removed: entry"):
            tuple(merge_delta(ascending(some), "state", 3, delta))
    else:
        assert tuple(merge_delta(ascending(some), "state", 3, delta)) == expected


def test_a_delta_for_something_else_is_refused_before_any_entry_is_taken() -> None:
    delta = delta_between([entry()], [], name="state", from_version=3, to_version=4)
    for name, version in (("other", 3), ("state", 2)):
        with pytest.raises(ContractError, match="delta: for state version 3"):
            merge_delta([], name, version, delta)


def test_a_line_without_an_end_is_not_gathered_for_ever() -> None:
    def endless() -> Iterator[bytes]:
        for number in range(1000):
            assert number < 20, "still reading"
            yield b"x" * 1024

    with pytest.raises(ContractError, match=f"line 1: longer than {MAX_ENTRY_BYTES}"):
        tuple(decode_lines(endless()))


def test_entries_out_of_order_are_not_written() -> None:
    for wrong in ([entry(entry="b"), entry(entry="a")], [entry(), entry()]):
        with pytest.raises(ContractError, match="does not rise"):
            tuple(encode_lines(wrong))
