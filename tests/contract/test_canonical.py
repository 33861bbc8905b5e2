"""The quick way to tell the canonical form says what the library of RFC 8785 says, always."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.contract import canonical
from edge.contract.canonical import is_canonical
from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, decode_record, encode_record
from tests.contract.strategies import records

GOLDEN = Path(__file__).parent / "golden" / "v1"
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}\[\],:]|[a-z]+')
NUMBERS = [
    "1.0", "1e0", "1E0", "-0", "-0.0", "0.0", "0", "1e15", "1e16", "1e+16", "1e17", "1e20", "1e21",
    "1e+21", "1e22", "1e300", "1e-5", "1e-6", "1.5e-6", "0.0000015", "0.000001", "0.0000001",
    "1e-7", "1.5e-7", "5e-324", "0.10", "0.1", "0.30000000000000004", "0.3000000000000000444",
    "1000000000000000", "9007199254740991", "9007199254740992", "9007199254740993",
    "10000000000000000", "123456789012345680", "123456789012345678", "100000000000000000000",
    "1000000000000000000000", "-1", "-1.5", "45.5", "359.99999999999994",
]  # fmt: skip


def library_says(data: bytes) -> bool:
    """What deciding by the library alone gives, as it did before there was a quick way."""
    record = msgspec.json.decode(data, type=AnyRecord)
    return rfc8785.dumps(msgspec.to_builtins(record)) == data


def accepts(data: bytes) -> bool:
    try:
        decode_record(data)
    except ContractError:
        return False
    return True


def library_accepts(data: bytes) -> bool:
    try:
        return library_says(data)
    except (msgspec.MsgspecError, ContractError, rfc8785.CanonicalizationError, ValueError):
        return False


def tokens_of(record: AnyRecord) -> list[bytes]:
    return _TOKEN.findall(encode_record(record))


@given(records, st.data())
@settings(max_examples=80)
def test_a_number_written_otherwise_is_judged_as_by_the_library(
    record: AnyRecord, data: Any
) -> None:
    tokens = tokens_of(record)
    places = [index for index, token in enumerate(tokens) if token[:1] in b"-0123456789"]
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(
            st.sampled_from(NUMBERS)
            | st.floats(allow_nan=False, allow_infinity=False).map(json.dumps)
            | st.floats(allow_nan=False, allow_infinity=False).map(
                lambda value: rfc8785.dumps(value).decode()
            )
            | st.integers().map(str)
        )
        tokens[data.draw(st.sampled_from(places))] = number.encode()
    changed = b"".join(tokens)
    assert accepts(changed) == library_accepts(changed)


def read_with(field: bytes, number: str) -> bytes:
    """The golden read with a number in place of that field's value."""
    golden = b'"' + field + b'":'
    data = (GOLDEN / "read.json").read_bytes()
    assert golden in data
    return re.sub(re.escape(golden) + rb"-?[\d.eE+-]+", golden + number.encode(), data)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "field", [b"error_ms", b"hdop", b"speed_mps", b"longitude_deg", b"width_px", b"frames", b"x"]
)
def test_every_form_of_a_number_in_fields_of_every_kind(field: bytes, number: str) -> None:
    changed = read_with(field, number)
    assert accepts(changed) == library_accepts(changed)


@given(records, st.data())
@settings(max_examples=80)
def test_another_spelling_of_text_space_order_and_doubles_are_judged_as_by_the_library(
    record: AnyRecord, data: Any
) -> None:
    tokens = tokens_of(record)
    index = data.draw(st.integers(0, len(tokens) - 1))
    match data.draw(st.sampled_from(["space", "escape", "double", "swap", "literal"])):
        case "space":
            tokens.insert(index, data.draw(st.sampled_from([b" ", b"\n", b"\t", b"\r"])))
        case "escape":
            strings = [place for place, token in enumerate(tokens) if token[:1] == b'"']
            place = data.draw(st.sampled_from(strings))
            tokens[place] = json.dumps(json.loads(tokens[place])).encode().replace(b"/", b"\\/")
            if data.draw(st.booleans()):
                tokens[place] = tokens[place].upper()
        case "double" | "swap" as how:
            fields = json.loads(b"".join(tokens))
            members = [
                json.dumps(name) + ":" + rfc8785.dumps(fields[name]).decode() for name in fields
            ]
            place = data.draw(st.integers(0, len(members) - 1))
            if how == "double":
                members.insert(place, members[place])
            else:
                members.insert(0, members.pop(place))
            tokens = [("{" + ",".join(members) + "}").encode()]
        case _:
            tokens[index] = data.draw(st.sampled_from([b"1.0", b"null", b"true", b"-0", b'"e"']))
    changed = b"".join(tokens)
    assert accepts(changed) == library_accepts(changed)


class Free(msgspec.Struct):
    """Values of every kind that the contract has, with any text at all."""

    text: str
    number: float | None
    whole: int | None
    many: tuple[float, ...]


@given(
    st.builds(
        Free,
        text=st.text(st.characters(exclude_categories=["Cs"])),
        number=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        whole=st.none() | st.integers(-(2**60), 2**60),
        many=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3).map(tuple),
    )
)
@example(Free(text='":-0,"', number=-0.0, whole=0, many=(-0.0, 1e16, 1e21, 1.5e-6)))
@example(Free(text="", number=None, whole=None, many=(0.5, -0.0)))
@example(Free(text='"', number=None, whole=2**60, many=()))
@example(Free(text='a.0,b".0}', number=1.0, whole=2**53, many=(2.0,)))
@settings(max_examples=200)
def test_either_encoding_of_any_value_is_judged_as_by_the_library(value: Free) -> None:
    fields = msgspec.to_builtins(value)
    spellings = [
        msgspec.json.encode(value, order="sorted"),
        msgspec.json.encode(value, order="sorted").replace(b".0,", b",").replace(b".0]", b"]"),
        json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(),
    ]
    try:
        spellings.append(rfc8785.dumps(fields))
    except rfc8785.IntegerDomainError:
        for data in spellings:
            with pytest.raises(ContractError):
                _ = is_canonical(data, value) or pytest.fail("it has no canonical form")
        with pytest.raises(ContractError):
            canonical.canonical(value)
        return
    assert canonical.canonical(value) == rfc8785.dumps(fields)
    for data in spellings:
        decoded = msgspec.json.decode(data, type=Free)
        expected = rfc8785.dumps(msgspec.to_builtins(decoded)) == data
        assert is_canonical(data, decoded) == expected


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 2**70])
def test_what_has_no_canonical_form_is_given_none(number: float) -> None:
    with pytest.raises(ContractError):
        canonical.canonical({"a": number})


def test_the_two_encoders_write_every_character_alike() -> None:
    for start in range(0, 0x110000, 0x800):
        text = "".join(map(chr, range(start, start + 0x800))) if start != 0xD800 else ""
        assert msgspec.json.encode(text) == rfc8785.dumps(text)


def test_ordinary_records_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(value: object) -> bytes:
        raise AssertionError("the slow way was taken")

    data = (GOLDEN / "read.json").read_bytes()
    monkeypatch.setattr(canonical, "canonical", never)
    assert decode_record(data).seq > 0
