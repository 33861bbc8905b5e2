"""Hot lists on their way to a unit: entries, the list's file, its signed manifest, deltas.

Invariants of the format, version 1:

- A list's file is UTF-8, one entry a line as JSON, each line ended by ``\\n``, in ascending order
  of entry ids, no id twice. So a list has one file, and the file one SHA-256.
- The manifest names that SHA-256 and is signed by the repository with Ed25519 over its RFC 8785
  form without the signature, behind a prefix of its own. The file itself needs no signature.
- Versions of a list only rise. ``previous_version`` is the one issued before this one.
- A delta is not signed: what it yields is used only if its file has the manifest's SHA-256.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from edge.contract.batch import KeyId, Signature, key_id
from edge.contract.decoding import decode
from edge.contract.errors import ContractError
from edge.contract.records import (
    MAX_MATCH_NOTE,
    VERSION,
    Count,
    HotlistKind,
    Label,
    ListedPlate,
    Name,
    Sequence,
    Sha256,
    StateCode,
    UtcTime,
    require_utc,
)
from edge.contract.signing import UNSIGNED, sign, verify_signed

MIN_NAMED = 3
"""Characters that a plate with wildcards names: fewer would meet everybody's plates."""

MAX_ENTRY_BYTES = 8 * 1024
MAX_MANIFEST_BYTES = 16 * 1024
MAX_DELTA_BYTES = 64 * 1024 * 1024

_MANIFEST_DOMAIN = b"plateward/hotlist-manifest/1\x00"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    v: Literal[1] = VERSION


class HotlistEntry(_Part, frozen=True, kw_only=True, tag_field="type", tag="hotlist_entry"):
    """A plate that somebody is looking for, and why.

    ``entry`` is the list owner's own id for it. Priority 1 is the most urgent. A plate with
    wildcards names at least three characters and has one ``*`` at most.
    """

    entry: Label
    plate: ListedPlate
    state: StateCode | None
    kind: HotlistKind
    priority: Annotated[int, Meta(ge=1, le=5)]
    entered: UtcTime | None
    expires: UtcTime | None
    note: Annotated[str, Meta(max_length=MAX_MATCH_NOTE)]

    def __post_init__(self) -> None:
        """Refuse times that are not UTC, and an entry that ended before it began."""
        for field, moment in (("entered", self.entered), ("expires", self.expires)):
            if moment is not None:
                require_utc(field, moment)
        named = len(self.plate) - self.plate.count("?") - self.plate.count("*")
        if named < len(self.plate) and (named < MIN_NAMED or self.plate.count("*") > 1):
            raise ContractError(f"plate: needs {MIN_NAMED} named characters and one * at most")
        if self.entered is not None and self.expires is not None and self.expires < self.entered:
            raise ContractError("expires: before entered")


class HotlistVersion(_Part, frozen=True, kw_only=True, tag_field="type", tag="hotlist_version"):
    """One issue of a list, named by its number and by the SHA-256 of its file."""

    name: Name
    version: Sequence
    issued_at: UtcTime
    entries: Count
    sha256: Sha256
    size_bytes: Count

    def __post_init__(self) -> None:
        """Refuse a time that is not UTC."""
        require_utc("issued_at", self.issued_at)


class HotlistManifest(_Part, frozen=True, kw_only=True, tag_field="type", tag="hotlist_manifest"):
    """The repository's signed word on which issue of a list an agency's units should have.

    ``delta_base`` is the version from which a delta to this one can be had; null if from none.
    """

    agency: Name
    list: HotlistVersion
    previous_version: Sequence | None
    delta_base: Sequence | None
    key: KeyId
    signature: Signature

    def __post_init__(self) -> None:
        """Refuse versions that do not rise."""
        for field, earlier in (
            ("previous_version", self.previous_version),
            ("delta_base", self.delta_base),
        ):
            if earlier is not None and earlier >= self.list.version:
                raise ContractError(f"{field}: not before version {self.list.version}")


class HotlistDelta(_Part, frozen=True, kw_only=True, tag_field="type", tag="hotlist_delta"):
    """What changed between two issues: entries new or changed, and ids gone."""

    name: Name
    from_version: Sequence
    to_version: Sequence
    added: tuple[HotlistEntry, ...]
    removed: tuple[Label, ...]

    def __post_init__(self) -> None:
        """Refuse versions that do not rise, and ids that are named twice."""
        if self.from_version >= self.to_version:
            raise ContractError(f"from_version: not before version {self.to_version}")
        ids = [entry.entry for entry in self.added] + list(self.removed)
        if len(ids) != len(set(ids)):
            raise ContractError("added, removed: an entry is named twice")


def encode_entry(entry: HotlistEntry) -> bytes:
    """The entry's line in a list's file, without its end.

    Raises:
        ContractError: if no reader would take it.
    """
    try:
        line = _entry_encoder.encode(entry)
    except UnicodeEncodeError as error:
        raise ContractError(f"entry: not text that UTF-8 can hold: {error.reason}") from error
    decode(line, _entry_decoder, "entry", MAX_ENTRY_BYTES)
    return line


def decode_entry(line: bytes, number: int) -> HotlistEntry:
    """The entry in one line of a list's file, given without its end.

    Raises:
        ContractError: if there is none; the text has the line's number.
    """
    return decode(line, _entry_decoder, f"line {number}", MAX_ENTRY_BYTES)


def sign_manifest(
    *,
    agency: str,
    version: HotlistVersion,
    previous_version: int | None,
    delta_base: int | None,
    private_key: Ed25519PrivateKey,
) -> HotlistManifest:
    """A manifest of that issue, signed by the repository's key.

    Raises:
        ContractError: if the versions do not rise.
    """
    unsigned = HotlistManifest(
        agency=agency,
        list=version,
        previous_version=previous_version,
        delta_base=delta_base,
        key=key_id(private_key.public_key()),
        signature=UNSIGNED,
    )
    return sign(unsigned, _MANIFEST_DOMAIN, private_key)


def verify_manifest(data: bytes, public_key: Ed25519PublicKey) -> HotlistManifest:
    """The manifest in these bytes, if the key signed it.

    Raises:
        ContractError: if there is none, or another key signed it, or it was changed.
    """
    manifest = decode(data, _manifest_decoder, "manifest", MAX_MANIFEST_BYTES)
    verify_signed(manifest, _MANIFEST_DOMAIN, public_key)
    return manifest


def encode_manifest(manifest: HotlistManifest) -> bytes:
    """The manifest's JSON as it travels."""
    return msgspec.json.encode(manifest)


def encode_delta(delta: HotlistDelta) -> bytes:
    """The delta's JSON as it travels."""
    return msgspec.json.encode(delta)


def decode_delta(data: bytes) -> HotlistDelta:
    """The delta in these bytes.

    Raises:
        ContractError: if there is none; the text names the field.
    """
    return decode(data, _delta_decoder, "delta", MAX_DELTA_BYTES)


_entry_encoder = msgspec.json.Encoder()
_entry_decoder = msgspec.json.Decoder(HotlistEntry)
_manifest_decoder = msgspec.json.Decoder(HotlistManifest)
_delta_decoder = msgspec.json.Decoder(HotlistDelta)
