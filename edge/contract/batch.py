"""A unit's signed, chained batch of records; the notice that runs ahead with a hit; the receipt.

Invariants of the format, version 1:

- A batch holds the records ``first_seq``, ``first_seq + 1``, … of one unit in order, each as its
  canonical bytes.
- ``root`` is the RFC 9162 root over the records' digests, ``previous_root`` the root of the
  unit's batch before it (64 zeros for its first). The unit signs agency, unit, first sequence,
  number of records, both roots and nothing else, so a single record can later be proven to have
  come from the unit, with its path in the tree, without showing its neighbours.
- A receipt is signed by the repository. ``committed_through`` is the last sequence that is on the
  repository's disk; ``chain_root`` the root of the batch that ends there. Records up to it may be
  purged from the unit, whether stored or refused one by one: what is refused lies in quarantine.
- A batch refused as a whole moves neither.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence as Series
from datetime import datetime
from typing import Annotated, Literal

import msgspec
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import UNSET, Meta, UnsetType

from edge.contract import merkle
from edge.contract.decoding import decode
from edge.contract.errors import ContractError
from edge.contract.records import (
    MAX_RECORD_BYTES,
    VERSION,
    Count,
    Name,
    Sequence,
    Sha256,
    UtcTime,
    record_digest,
)
from edge.contract.signing import UNSIGNED, sign, verify, verify_signed
from edge.contract.status import UnitHealth

MAX_BATCH_RECORDS = 500
MAX_MESSAGE_BYTES = 1024 * 1024
MAX_PICTURE_BYTES = 4 * 1024 * 1024
GENESIS_ROOT = "0" * 64

_BATCH_DOMAIN = b"plateward/batch/1\x00"
_HIT_DOMAIN = b"plateward/hit/1\x00"
_RECEIPT_DOMAIN = b"plateward/receipt/1\x00"

_END = r"(?![\s\S])"
KeyId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}" + _END)]
Signature = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}" + _END)]

RefusalReason = Literal[
    "malformed",
    "too_large",
    "empty",
    "unknown_unit",
    "wrong_unit",
    "bad_signature",
    "bad_root",
    "out_of_chain",
    "incomplete",
    "too_old",
    "in_future",
    "unknown_picture",
    "wrong_picture",
]


class Message(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"
):
    """What every message between unit and repository says."""

    v: Literal[1] = VERSION
    agency: Name
    unit: Name


class Batch(Message, frozen=True, kw_only=True, tag="batch"):
    """Records in sequence, with the signature over their tree and the batch before."""

    key: KeyId
    first_seq: Sequence
    previous_root: Sha256
    root: Sha256
    signature: Signature
    records: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=MAX_BATCH_RECORDS)]

    @property
    def last_seq(self) -> int:
        """Sequence of the last record."""
        return self.first_seq + len(self.records) - 1


class HitNotice(Message, frozen=True, kw_only=True, tag="hit_notice"):
    """A hit's record ahead of its batch, signed alone; the batch brings it again."""

    key: KeyId
    record: msgspec.Raw
    signature: Signature


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why one record (``seq`` given) or a whole message (``seq`` null) was refused."""

    seq: Sequence | None
    reason: RefusalReason
    detail: Annotated[str, Meta(max_length=500)]


class Receipt(Message, frozen=True, kw_only=True, tag="receipt"):
    """The repository's word on what it holds of a unit, in answer to one message.

    ``message`` is the SHA-256 of the message answered. ``missing_pictures`` are named by
    committed reads and not yet held; ``held_pictures`` are on the repository's disk.
    """

    message: Sha256
    committed_through: Count
    chain_root: Sha256
    refused: tuple[Refusal, ...]
    missing_pictures: tuple[Sha256, ...]
    held_pictures: tuple[Sha256, ...]
    issued_at: UtcTime
    key: KeyId
    signature: Signature


class UnitStatus(Message, frozen=True, kw_only=True, tag="status"):
    """What the unit says of itself; retained by the broker, 'offline' being its last will.

    A last will was written when the unit connected, so it has no ``health``.
    """

    state: Literal["online", "offline"]
    at: UtcTime
    software: Annotated[str, Meta(min_length=1, max_length=128)]
    waiting_records: Count
    health: UnitHealth | UnsetType = UNSET


def key_id(public_key: Ed25519PublicKey) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the raw public key."""
    raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def leaf_hashes(records: Series[bytes]) -> list[bytes]:
    """Leaf hashes of a batch's tree, from its records' canonical bytes."""
    return [merkle.leaf_hash(record_digest(record)) for record in records]


def seal_batch(
    *,
    agency: str,
    unit: str,
    first_seq: int,
    previous_root: str,
    records: Series[bytes],
    private_key: Ed25519PrivateKey,
) -> Batch:
    """A signed batch of records in canonical form, the first having that sequence."""
    root = merkle.root(leaf_hashes(records)).hex()
    statement = _batch_statement(agency, unit, first_seq, len(records), previous_root, root)
    return Batch(
        agency=agency,
        unit=unit,
        key=key_id(private_key.public_key()),
        first_seq=first_seq,
        previous_root=previous_root,
        root=root,
        signature=private_key.sign(statement).hex(),
        records=tuple(msgspec.Raw(record) for record in records),
    )


def verify_batch_signature(batch: Batch, public_key: Ed25519PublicKey) -> None:
    """Check that the unit's key signed this batch's place in the chain.

    Raises:
        ContractError: if it did not.
    """
    statement = _batch_statement(
        batch.agency,
        batch.unit,
        batch.first_seq,
        len(batch.records),
        batch.previous_root,
        batch.root,
    )
    verify(public_key, batch.signature, statement)


def verify_batch_root(batch: Batch, digests: Series[bytes] | None = None) -> None:
    """Check that the batch's root is the root over its records.

    ``digests`` are those of its records in order, where they are known already.

    Raises:
        ContractError: if it is not, so that a record was changed, dropped, added or moved.
    """
    if digests is None:
        digests = [record_digest(bytes(raw)) for raw in batch.records]
    if merkle.root([merkle.leaf_hash(digest) for digest in digests]).hex() != batch.root:
        raise ContractError("root: not the root over the batch's records")


def seal_hit(*, agency: str, unit: str, record: bytes, private_key: Ed25519PrivateKey) -> HitNotice:
    """A notice of one hit, from the hit record's canonical bytes."""
    return HitNotice(
        agency=agency,
        unit=unit,
        key=key_id(private_key.public_key()),
        record=msgspec.Raw(record),
        signature=private_key.sign(_HIT_DOMAIN + record_digest(record)).hex(),
    )


def verify_hit(notice: HitNotice, public_key: Ed25519PublicKey) -> None:
    """Check that the unit's key signed this notice.

    Raises:
        ContractError: if it did not.
    """
    statement = _HIT_DOMAIN + record_digest(bytes(notice.record))
    verify(public_key, notice.signature, statement)


def seal_receipt(
    *,
    agency: str,
    unit: str,
    message: str,
    committed_through: int,
    chain_root: str,
    refused: Series[Refusal] = (),
    missing_pictures: Series[str] = (),
    held_pictures: Series[str] = (),
    issued_at: datetime,
    private_key: Ed25519PrivateKey,
) -> Receipt:
    """A receipt signed by the repository's key."""
    unsigned = Receipt(
        agency=agency,
        unit=unit,
        message=message,
        committed_through=committed_through,
        chain_root=chain_root,
        refused=tuple(refused),
        missing_pictures=tuple(missing_pictures),
        held_pictures=tuple(held_pictures),
        issued_at=issued_at,
        key=key_id(private_key.public_key()),
        signature=UNSIGNED,
    )
    return sign(unsigned, _RECEIPT_DOMAIN, private_key)


def verify_receipt(receipt: Receipt, public_key: Ed25519PublicKey) -> None:
    """Check that the repository's key signed this receipt.

    Raises:
        ContractError: if it did not.
    """
    verify_signed(receipt, _RECEIPT_DOMAIN, public_key)


def encode_message(message: Batch | HitNotice | Receipt | UnitStatus) -> bytes:
    """The message's JSON as it travels."""
    return msgspec.json.encode(message)


def decode_batch(data: bytes) -> Batch:
    """The batch in these bytes, its records still unread.

    Raises:
        ContractError: if there is none; the text names the field.
    """
    batch = decode(data, _batch_decoder, "message", MAX_MESSAGE_BYTES)
    for raw in batch.records:
        if len(bytes(raw)) > MAX_RECORD_BYTES:
            raise ContractError(f"records: one is larger than {MAX_RECORD_BYTES} bytes")
    return batch


def decode_hit(data: bytes) -> HitNotice:
    """The hit notice in these bytes.

    Raises:
        ContractError: if there is none; the text names the field.
    """
    return decode(data, _hit_decoder, "message", MAX_MESSAGE_BYTES)


def decode_receipt(data: bytes) -> Receipt:
    """The receipt in these bytes, its signature not yet checked.

    Raises:
        ContractError: if there is none; the text names the field.
    """
    return decode(data, _receipt_decoder, "message", MAX_MESSAGE_BYTES)


def decode_status(data: bytes) -> UnitStatus:
    """The status in these bytes.

    Raises:
        ContractError: if there is none; the text names the field.
    """
    return decode(data, _status_decoder, "message", MAX_MESSAGE_BYTES)


def message_digest(data: bytes) -> str:
    """SHA-256 of a message's bytes in hexadecimal: how a receipt names what it answers."""
    return hashlib.sha256(data).hexdigest()


_batch_decoder = msgspec.json.Decoder(Batch)
_hit_decoder = msgspec.json.Decoder(HitNotice)
_receipt_decoder = msgspec.json.Decoder(Receipt)
_status_decoder = msgspec.json.Decoder(UnitStatus)


def _batch_statement(
    agency: str, unit: str, first_seq: int, count: int, previous_root: str, root: str
) -> bytes:
    return _BATCH_DOMAIN + rfc8785.dumps(
        {
            "agency": agency,
            "count": count,
            "first_seq": first_seq,
            "previous_root": previous_root,
            "root": root,
            "unit": unit,
        }
    )
