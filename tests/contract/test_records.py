"""Every record encodes to one canonical form and back; everything else is refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.errors import ContractError
from edge.contract.records import AnyRecord, Read, decode_record, encode_record, mint_id
from tests.contract.strategies import reads, records


@given(records)
def test_a_record_encodes_and_decodes_to_itself(record: AnyRecord) -> None:
    data = encode_record(record)
    assert decode_record(data) == record
    assert rfc8785.dumps(json.loads(data)) == data


@given(st.binary(max_size=400))
def test_any_bytes_decode_or_raise_the_one_error(data: bytes) -> None:
    try:
        decode_record(data)
    except ContractError:
        return
    pytest.fail("random bytes passed for a record")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(reads(), st.data())
def test_a_record_with_any_field_replaced_decodes_or_raises(read: Read, data: Any) -> None:
    fields = json.loads(encode_record(read))
    field = data.draw(st.sampled_from(sorted(fields)))
    fields[field] = data.draw(json_values)
    changed = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    try:
        assert encode_record(decode_record(changed)) == changed
    except ContractError as error:
        assert str(error)


@given(reads(), st.data())
def test_a_flipped_bit_never_decodes_to_the_same_record(read: Read, data: Any) -> None:
    encoded = bytearray(encode_record(read))
    index = data.draw(st.integers(0, len(encoded) - 1))
    encoded[index] ^= 1 << data.draw(st.integers(0, 7))
    try:
        assert decode_record(bytes(encoded)) != read
    except ContractError as error:
        assert str(error)


MINIMUM_DATA_SET = ("plate", "captured_at", "position", "agency", "unit", "camera")


@pytest.mark.policy("G-15")
@pytest.mark.parametrize("field", MINIMUM_DATA_SET)
@given(read=reads())
def test_a_read_without_part_of_the_minimum_data_set_is_refused_by_name(
    field: str, read: Read
) -> None:
    fields = json.loads(encode_record(read))
    del fields[field]
    with pytest.raises(ContractError, match=field):
        decode_record(rfc8785.dumps(fields))


@given(read=reads(), field=st.sampled_from(["plate", "camera", "agency", "unit"]))
def test_an_empty_name_or_plate_is_refused_by_name(read: Read, field: str) -> None:
    fields = json.loads(encode_record(read))
    fields[field] = ""
    with pytest.raises(ContractError, match=field):
        decode_record(rfc8785.dumps(fields))


@given(read=reads())
def test_unknown_fields_and_other_versions_are_refused(read: Read) -> None:
    fields = json.loads(encode_record(read))
    with pytest.raises(ContractError, match="face"):
        decode_record(rfc8785.dumps({**fields, "face": "x"}))
    with pytest.raises(ContractError, match="v"):
        decode_record(rfc8785.dumps({**fields, "v": 2}))


@given(read=reads())
def test_another_form_of_the_same_record_is_refused(read: Read) -> None:
    spaced = json.dumps(json.loads(encode_record(read)), indent=1).encode()
    with pytest.raises(ContractError, match="canonical"):
        decode_record(spaced)
    twice = encode_record(read)[:-1] + b',"v":1}'
    with pytest.raises(ContractError, match="canonical"):
        decode_record(twice)


@given(read=reads())
def test_an_id_that_carries_another_moment_is_refused(read: Read) -> None:
    fields = json.loads(encode_record(read))
    other = mint_id(read.captured_at + timedelta(milliseconds=1), lambda count: b"\0" * count)
    with pytest.raises(ContractError, match="id"):
        decode_record(rfc8785.dumps({**fields, "id": str(other)}))


def test_minted_ids_sort_by_time_and_carry_their_milliseconds() -> None:
    start = datetime(2026, 11, 21, 12, 0, 0, 999_999, tzinfo=UTC)
    ids = [
        mint_id(start + timedelta(milliseconds=n), lambda count: b"\xff" * count) for n in range(5)
    ]
    assert ids == sorted(ids)
    assert all(identifier.version == 7 for identifier in ids)
    assert ids[0].int >> 80 == int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()) * 1000 + 999
