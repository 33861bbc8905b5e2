"""The built hot list's file: its parts, and how each is sealed.

Invariants of the format, version 6:

- Numbers are little-endian. The file is written under another name, synced and renamed, the
  header last: a file under its own name is whole.
- Every file has a fresh key of 32 random bytes, which the header holds wrapped with AES-256-GCM
  under the unit's hot list key. The associated data of that wrap is the header itself, so a
  header that was altered, or belongs to another unit, does not open.
- What is sealed is sealed with AES-256-GCM under the file's key. Its nonce is its own place in
  the file, 12 bytes big-endian: no two things have one place, and nothing opens elsewhere.
- A plate's digest is made by multiply-shift hashing: the folded plate, read as a number of base
  36, times one number plus another, both of 128 bits and derived from the file's key; of the sum
  modulo 2**128 the upper 64 bits. Different plates may have one digest, such as 0AB and AB. The
  disk holds no plate, and no digest in the clear.

Entries are in order of their plates' digests. A digest's leading ``slot_bits`` name its slot. The
entries of one folded plate are a group (:class:`Group`), the most urgent first.

Layout, in this order:

- ``header``: magic, u32 length, JSON (:class:`Header`), zeros up to 4096 bytes.
- ``blocks``: for each slot that has entries one block, sealed, one after the other. In it where
  each group begins in the block and where the last ends, u32 each; the groups (msgpack); which of
  the entries each was when they came, u32 each; and zeros up to a multiple of 16 bytes.
- ``index``: sealed in pieces of 1 MiB. For each slot 24 bytes, and the same once more at the end:
  the place of its block in units of 16 bytes, u32; the marks of its groups in their order, u16
  each, and 0 for those it does not have. A group's mark is the 16 bits of its digest behind the
  slot's, and 1 where these are 0. A slot of more than ten groups, or with two of one mark, has no
  marks here, and has to be looked into. The index is held in memory: a plate that is not listed
  is known by that alone, save for one in ten thousand at most, and touches no disk; a look goes
  to one place in it.
- ``wildcards``: sealed, msgpack: the number and the entry of those whose plates have wildcards.
  They are in no slot.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.contract.hotlist import HotlistEntry
from edge.contract.records import HotlistKind
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts

MAGIC = b"PWHOTF\x00\x06"
HEADER_BYTES = 4096
PIECE_BYTES = 1 << 20
TAG_BYTES = 16
UNIT_BYTES = 16
MARK_BITS = 16
MARKS = 10
SLOT_BYTES = 24
MAX_SLOT_BITS = 28
MAX_ENTRIES = (1 << 31) - 1


class Details(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is told of an entry once it matches: fields of a HotlistEntry."""

    entry: str
    state: str | None
    kind: HotlistKind
    priority: int
    entered: datetime | None
    note: str


class Listed(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An entry as it lies in the file.

    A read meets many entries that are not its plate after all, or have expired: their details are
    never decoded.
    """

    plate: str
    expires: datetime | None
    raw: msgspec.Raw

    @classmethod
    def of(cls, plate: str, expires: datetime | None, details: Details) -> Listed:
        """The entry of that plate with these details."""
        return cls(plate, expires, msgspec.Raw(entry_encoder.encode(details)))

    @classmethod
    def of_entry(cls, entry: HotlistEntry) -> Listed:
        """That entry."""
        details = Details(
            entry.entry, entry.state, entry.kind, entry.priority, entry.entered, entry.note
        )
        return cls.of(entry.plate, entry.expires, details)

    def details(self) -> Details:
        """Everything else about it."""
        return _details_decoder.decode(self.raw)

    def as_entry(self) -> HotlistEntry:
        """The entry as the contract has it."""
        details = self.details()
        return HotlistEntry(
            entry=details.entry,
            plate=self.plate,
            state=details.state,
            kind=details.kind,
            priority=details.priority,
            entered=details.entered,
            expires=self.expires,
            note=details.note,
        )


class Group(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The entries of one folded plate, the most urgent first."""

    folded: str
    entries: tuple[Listed, ...]


class Header(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the file is, and where its parts lie.

    ``slotted`` is the number of entries in slots, ``groups`` are the confusable characters that
    plates were folded by. ``wrapped`` is the nonce and the file's key, sealed with the header
    without it as associated data.
    """

    facts: ListFacts
    groups: tuple[str, ...]
    slotted: int
    slot_bits: int
    index_at: int
    wildcards_at: int
    size_bytes: int
    wrapped: str

    @property
    def index_bytes(self) -> int:
        """Length of the index before it is sealed."""
        return SLOT_BYTES * ((1 << self.slot_bits) + 1)


entry_encoder = msgspec.msgpack.Encoder()
group_decoder = msgspec.msgpack.Decoder(Group)
wildcard_decoder = msgspec.msgpack.Decoder(tuple[tuple[int, Listed], ...])
_details_decoder = msgspec.msgpack.Decoder(Details)
_header_decoder = msgspec.json.Decoder(Header)


class Sealer:
    """Seals and opens the parts of one file, each at its own place."""

    def __init__(self, file_key: bytes) -> None:
        cipher = AESGCM(file_key)
        self._encrypt = cipher.encrypt
        self._decrypt_into = cipher.decrypt_into
        self.decrypt = cipher.decrypt
        """What :meth:`open` does, for whom a call less matters: takes a nonce, bytes and None."""

    def seal(self, place: int, content: bytes) -> bytes:
        """The content as it lies at that place in the file, 16 bytes longer."""
        return self._encrypt(place.to_bytes(12, "big"), content, None)

    def open(self, place: int, sealed: bytes) -> bytes:
        """The content that was sealed there.

        Raises:
            InvalidTag: if it was altered, moved or cut short.
        """
        return self.decrypt(place.to_bytes(12, "big"), sealed, None)

    def open_into(self, place: int, sealed: bytes, target: memoryview) -> None:
        """The same, put where there is room for exactly that much.

        Raises:
            InvalidTag: if it was altered, moved or cut short.
            ValueError: if it is longer or shorter than the room.
        """
        self._decrypt_into(place.to_bytes(12, "big"), sealed, None, target)


def wrap_header(header: Header, file_key: bytes, key: bytes, nonce: bytes) -> bytes:
    """The first 4096 bytes of the file; ``header.wrapped`` is replaced."""
    plain = _encode(msgspec.structs.replace(header, wrapped=""))
    sealed = nonce + AESGCM(key).encrypt(nonce, file_key, plain)
    text = _encode(msgspec.structs.replace(header, wrapped=sealed.hex()))
    block = MAGIC + len(text).to_bytes(4, "little") + text
    if len(block) > HEADER_BYTES:
        raise HotfileError("hot list: its name, version or source is too long for its file")
    return block.ljust(HEADER_BYTES, b"\0")


def unwrap_header(block: bytes, size_bytes: int, key: bytes, path: Path) -> tuple[Header, bytes]:
    """The header in a file's first bytes, and the file's own key.

    Raises:
        HotfileError: if it is no such file, was cut off, altered, or built under another key.
    """
    header = peek_header(block, size_bytes, path)
    plain = _encode(msgspec.structs.replace(header, wrapped=""))
    try:
        sealed = bytes.fromhex(header.wrapped)
        return header, AESGCM(key).decrypt(sealed[:12], sealed[12:], plain)
    except (InvalidTag, ValueError) as error:
        raise HotfileError(
            f"{path}: was altered, or built under another key; it has to be built again"
        ) from error


def peek_header(block: bytes, size_bytes: int, path: Path) -> Header:
    """The header in a file's first bytes, not yet proven to be the unit's own."""
    start = len(MAGIC) + 4
    if block[: len(MAGIC)] != MAGIC:
        raise HotfileError(f"{path}: is no hot list that this software has built")
    length = int.from_bytes(block[len(MAGIC) : start], "little")
    try:
        header = _header_decoder.decode(block[start : start + length])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HotfileError(f"{path}: its header is damaged; it has to be built again") from error
    if any(block[start + length :]) or len(block) != HEADER_BYTES:
        raise HotfileError(f"{path}: its header is damaged; it has to be built again")
    if header.size_bytes != size_bytes:
        raise HotfileError(
            f"{path}: is {size_bytes} bytes long in place of {header.size_bytes}: cut off or"
            " damaged; it has to be built again"
        )
    return header


def _encode(header: Header) -> bytes:
    return msgspec.json.encode(header)
