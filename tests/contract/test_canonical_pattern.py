"""What the expression made from a type fits is what the library of RFC 8785 calls canonical."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, UnsetType

from edge.contract.canonical_pattern import canonical_pattern

INT_FORMS = ["0", "-0", "00", "01", "1", "-1", "-01", "12", "1.0", "1e3", "999999999999999", "+1"]
FLOAT_FORMS = [
    *INT_FORMS, "-0.0", "0.0", "0.5", "-0.5", "0.50", ".5", "5.", "0.000001", "0.0000015",
    "0.0000001", "0.00000015", "1e-7", "1E5", "1234567.12345678", "1234567.123456780",
    "123456789.5", "0.1234567890123456", "12.00000001", "-0.0000001", "-0.000001", "NaN", "1.5.5",
]  # fmt: skip


class Inner(msgspec.Struct, frozen=True, tag_field="kind", tag="in", forbid_unknown_fields=True):
    low: float


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    satellites: Annotated[int, Meta(ge=0, le=255)]


class Pair(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    char: Literal["A", "B"]
    share: Annotated[float, Meta(ge=0, le=1)]


class Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    z: Annotated[int, Meta(ge=1)]
    count: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None
    x: int
    any: float
    least: Annotated[float, Meta(ge=0)]
    flag: bool
    id: UUID
    at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    name: Annotated[str, Meta(pattern=r"^[a-z]{1,3}(?![\s\S])")]
    label: Annotated[str, Meta(min_length=1, max_length=4)]
    pairs: Annotated[tuple[Pair, ...], Meta(min_length=1, max_length=2)]
    inner: Inner | None
    kind: Literal["one", "two"]
    v: Literal[1] = 1


PATTERN = canonical_pattern(Outer)
VALUE = {
    "z": 1, "count": 0, "x": -3, "any": -1.5, "least": 2.25, "flag": True,
    "id": "01893a3b-0c00-7abc-8def-0123456789ab", "at": "2026-01-02T03:04:05.600000Z",
    "name": "abc", "label": "a b", "pairs": [["A", 0.5], ["B", 1]],
    "inner": {"kind": "in", "low": 89.5}, "kind": "one", "v": 1,
}  # fmt: skip


def written(**changed: object) -> bytes:
    return rfc8785.dumps({**VALUE, **changed})


def library_says(data: bytes) -> bool:
    """Whether these bytes are the canonical form of a value of the type."""
    try:
        value = msgspec.json.decode(data, type=Outer)
        return rfc8785.dumps(msgspec.to_builtins(value)) == data
    except (msgspec.MsgspecError, rfc8785.CanonicalizationError, ValueError):
        return False


def test_plain_values_fit() -> None:
    for data in (
        written(),
        written(count=None, inner=None, pairs=[["B", 0]], flag=False),
        rfc8785.dumps({name: value for name, value in VALUE.items() if name != "at"}),
    ):
        assert library_says(data)
        assert PATTERN.fullmatch(data)


@pytest.mark.parametrize("form", FLOAT_FORMS)
@pytest.mark.parametrize("field", ["z", "count", "x", "any", "least", "low"])
def test_a_number_that_fits_is_written_as_the_library_writes_it(field: str, form: str) -> None:
    plain = f'"{field}":{json.dumps(VALUE.get(field, 89.5))}'.encode()
    assert plain in written()
    changed = written().replace(plain, f'"{field}":{form}'.encode())
    if PATTERN.fullmatch(changed):
        assert library_says(changed)


@given(st.floats(0, 1) | st.decimals(0, 1, places=5).map(float))
@example(1e-6)
@example(9.9e-7)
@example(0.30000000000000004)
def test_shares_of_few_digits_fit_and_whatever_fits_is_right(share: float) -> None:
    data = written(pairs=[["A", share]])
    assert library_says(data)
    few = len(repr(share)) <= 16 and (share == 0 or share >= 1e-6)
    assert bool(PATTERN.fullmatch(data)) == few


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 12))
def test_any_number_that_fits_is_right(value: float, digits: int) -> None:
    form = f"{value:.{digits}f}"
    for spelled in (form, form.rstrip("0").rstrip(".")):
        changed = written().replace(b'"any":-1.5', f'"any":{spelled}'.encode())
        if PATTERN.fullmatch(changed):
            assert library_says(changed)


def test_every_byte_changed_put_in_or_left_out_is_judged_rightly() -> None:
    data = written()
    for place in range(len(data) + 1):
        for byte in (*b' "\\,:0-9.zA}]{[Z\n', 0x7F, 0xC3):
            for changed in (
                data[:place] + bytes([byte]) + data[place:],
                data[:place] + bytes([byte]) + data[place + 1 :],
                data[:place] + data[place + 1 :],
            ):
                if PATTERN.fullmatch(changed):
                    moment = changed[changed.index(b'"at"') :][5:34]
                    assert library_says(changed) or not is_moment(moment)


def is_moment(form: bytes) -> bool:
    try:
        msgspec.json.decode(form[: form.index(b"Z") + 2], type=datetime)
    except msgspec.DecodeError:
        return False
    return True


def test_numbers_beyond_their_limits_fit_in_the_named_types_alone() -> None:
    pattern = canonical_pattern(Place, unlimited=[Place])
    for latitude, satellites in ((90, 255), (-90.5, 256), (0.25, -1)):
        assert pattern.fullmatch(rfc8785.dumps({"latitude": latitude, "satellites": satellites}))
    with pytest.raises(TypeError, match="no expression"):
        canonical_pattern(Place)
    assert not PATTERN.fullmatch(written(z=0))
    assert not PATTERN.fullmatch(written(pairs=[["A", 1.5]]))


def test_what_holds_a_type_left_out_does_not_fit() -> None:
    without = canonical_pattern(Outer, without=[Pair])
    assert not without.fullmatch(written())


@pytest.mark.parametrize(
    "kind",
    [
        dict[str, int],
        datetime,
        Annotated[float, Meta(ge=-90, le=90)],
        Annotated[int, Meta(ge=1, le=255)],
        Annotated[int, Meta(gt=0)],
        Annotated[str, Meta(pattern="a")],
        Annotated[tuple[int, ...], Meta(min_length=2)],
    ],
)
def test_a_type_without_an_expression_is_said(kind: type) -> None:
    struct = msgspec.defstruct("Unknown", [("field", kind)])
    with pytest.raises(TypeError, match="no expression"):
        canonical_pattern(struct)
