"""A batch proves who made it, what it holds and what came before; so does a receipt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract import batch as b
from edge.contract import merkle
from edge.contract.errors import ContractError
from edge.contract.records import encode_record, record_digest
from tests.contract.strategies import records

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)


def seal(encoded: list[bytes], first_seq: int = 1) -> b.Batch:
    return b.seal_batch(
        agency="ma-northampton",
        unit="car-12",
        first_seq=first_seq,
        previous_root=b.GENESIS_ROOT,
        records=encoded,
        private_key=KEY,
    )


def accept(message: bytes) -> None:
    batch = b.decode_batch(message)
    if batch.key != b.key_id(KEY.public_key()):
        raise ContractError("key: another")
    b.verify_batch_signature(batch, KEY.public_key())
    b.verify_batch_root(batch)


encoded_records = st.lists(records.map(encode_record), min_size=1, max_size=4)


@given(encoded_records)
def test_a_batch_travels_and_verifies(encoded: list[bytes]) -> None:
    batch = b.decode_batch(b.encode_message(seal(encoded)))
    assert [bytes(raw) for raw in batch.records] == encoded
    b.verify_batch_signature(batch, KEY.public_key())
    b.verify_batch_root(batch)


@given(encoded_records, st.data())
def test_a_changed_byte_anywhere_is_found(encoded: list[bytes], data: Any) -> None:
    message = bytearray(b.encode_message(seal(encoded)))
    index = data.draw(st.integers(0, len(message) - 1))
    message[index] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ContractError):
        accept(bytes(message))


@pytest.mark.parametrize(
    "change",
    [
        {"agency": "ma-boston"},
        {"unit": "car-13"},
        {"first_seq": 2},
        {"previous_root": "1" * 64},
        {"root": "2" * 64},
    ],
)
@settings(max_examples=25)
@given(encoded=encoded_records)
def test_the_signature_covers_the_place_in_the_chain(
    encoded: list[bytes], change: dict[str, Any]
) -> None:
    moved = msgspec.structs.replace(seal(encoded), **change)
    with pytest.raises(ContractError, match="signature"):
        b.verify_batch_signature(moved, KEY.public_key())


@given(encoded_records)
def test_another_key_does_not_verify(encoded: list[bytes]) -> None:
    with pytest.raises(ContractError, match="signature"):
        b.verify_batch_signature(seal(encoded), OTHER.public_key())


@given(encoded_records)
def test_one_record_is_proven_without_its_neighbours(encoded: list[bytes]) -> None:
    batch = seal(encoded)
    leaves = b.leaf_hashes(encoded)
    for index, record in enumerate(encoded):
        merkle.verify_inclusion(
            merkle.leaf_hash(record_digest(record)),
            index,
            len(leaves),
            merkle.inclusion_proof(leaves, index),
            bytes.fromhex(batch.root),
        )


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_raise_the_one_error(data: bytes) -> None:
    for decode in (b.decode_batch, b.decode_hit, b.decode_receipt, b.decode_status):
        with pytest.raises(ContractError):
            decode(data)


def test_limits_are_said() -> None:
    with pytest.raises(ContractError, match="limit"):
        b.decode_batch(b" " * (b.MAX_MESSAGE_BYTES + 1))
    with pytest.raises(ContractError, match="records"):
        b.decode_batch(b.encode_message(msgspec.structs.replace(seal([b"{}"]), records=())))


@given(records.map(encode_record))
def test_a_hit_notice_verifies_and_cannot_pass_for_a_batch(encoded: bytes) -> None:
    notice = b.seal_hit(agency="ma-northampton", unit="car-12", record=encoded, private_key=KEY)
    data = b.encode_message(notice)
    b.verify_hit(b.decode_hit(data), KEY.public_key())
    with pytest.raises(ContractError):
        b.verify_hit(notice, OTHER.public_key())
    with pytest.raises(ContractError, match="type"):
        b.decode_batch(data)


def receipt(**change: Any) -> b.Receipt:
    fields: dict[str, Any] = {
        "agency": "ma-northampton",
        "unit": "car-12",
        "message": "a" * 64,
        "committed_through": 7,
        "chain_root": "b" * 64,
        "refused": [b.Refusal(seq=7, reason="incomplete", detail="camera: missing")],
        "missing_pictures": ["c" * 64],
        "held_pictures": [],
        "issued_at": datetime(2026, 11, 21, tzinfo=UTC),
        "private_key": KEY,
    }
    return b.seal_receipt(**{**fields, **change})


def test_a_receipt_travels_and_verifies() -> None:
    received = b.decode_receipt(b.encode_message(receipt()))
    assert received == receipt()
    b.verify_receipt(received, KEY.public_key())


@pytest.mark.parametrize(
    "change",
    [
        {"committed_through": 8},
        {"chain_root": "d" * 64},
        {"unit": "car-13"},
        {"refused": ()},
        {"held_pictures": ("c" * 64,)},
        {"issued_at": datetime(2027, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_receipt_that_was_altered_is_found(change: dict[str, Any]) -> None:
    with pytest.raises(ContractError, match="signature"):
        b.verify_receipt(msgspec.structs.replace(receipt(), **change), KEY.public_key())
