"""What stands in an evidence package, version 1.

Invariants:

- ``README.txt`` and ``report.pdf`` are for people, ``package.json`` (`Package`) says what was made
  by whom; each read has a folder ``reads/ID`` with ``record.json``, the record's canonical bytes as
  the unit signed them, ``batch.json`` (`BatchPath`), ``unit.json`` (`UnitFacts`), ``custody.json``
  (`Custody`) and, in ``pictures``, a file for each picture (`picture_name`).
- ``manifest.json`` (`Manifest`) names size and SHA-256 of all of these. Its own SHA-256 is the
  result of the ledger's entry ``evidence.make``; by it a package is known.
- ``ledger/proofs.json`` (`Proofs`) holds that entry and those that the custody names, with their
  paths in the tree that ``ledger/checkpoint.txt`` signs; ``ledger/key.txt`` is the public key in
  the form of note verifiers. So the ledger's one signature covers every byte of the package.
- JSON is in RFC 8785 canonical form, hexadecimal in small letters: one content, one spelling.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import rfc8785
from msgspec import Meta

from edge.contract.records import Sha256

VERSION = 1
ACTION = "evidence.make"
MAX_READS = 20

README, REPORT, PACKAGE, MANIFEST = "README.txt", "report.pdf", "package.json", "manifest.json"
CHECKPOINT, KEY, PROOFS = "ledger/checkpoint.txt", "ledger/key.txt", "ledger/proofs.json"
OUTSIDE_MANIFEST = frozenset({MANIFEST, CHECKPOINT, KEY, PROOFS})

_SUFFIXES = ((b"\xff\xd8\xff", ".jpg"), (b"\x89PNG\r\n\x1a\n", ".png"))
_END = r"(?![\s\S])"
_Text = Annotated[str, Meta(max_length=4000)]
_Moment = Annotated[str, Meta(pattern=r"^[0-9T:.+-]{20,40}" + _END)]
_Hex64 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + _END)]
_Id = Annotated[
    str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}" + _END)
]
_Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
_Path = Annotated[tuple[_Hex64, ...], Meta(max_length=64)]

StepKind = Literal["captured", "received", "held", "shown", "packaged"]


class LayoutError(Exception):
    """A file of a package is not of its form."""


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every form shares."""


class Recipient(_Form, frozen=True, kw_only=True):
    """Whom a package was made for, as the secondary dissemination log has it."""

    name: _Text
    organisation: _Text
    kind: _Text
    authority: _Text
    why: _Text
    law: _Text | None


class Package(_Form, frozen=True, kw_only=True):
    """What was made: of which case, by whom, of which reads; ``ledger`` is the ledger's origin."""

    v: Literal[1]
    case_number: _Text
    agency: _Text
    agency_title: _Text
    agency_ori: _Text | None
    made_by: _Text
    made_at: _Moment
    ledger: _Text
    reads: Annotated[tuple[_Id, ...], Meta(min_length=1, max_length=MAX_READS)]
    given_to: Recipient | None
    notice: _Text


class BatchPath(_Form, frozen=True, kw_only=True):
    """A read's place in the batch that its unit signed, and the path to the batch's root."""

    v: Literal[1]
    agency: _Text
    unit: _Text
    key: Annotated[str, Meta(pattern=r"^[0-9a-f]{16}" + _END)]
    first_seq: _Count
    count: Annotated[int, Meta(ge=1, le=500)]
    previous_root: _Hex64
    root: _Hex64
    signature: Annotated[str, Meta(pattern=r"^[0-9a-f]{128}" + _END)]
    path: _Path


class UnitFacts(_Form, frozen=True, kw_only=True):
    """A unit's key as the repository enrolled it; ``ledger_entry`` is that enrolment's entry."""

    v: Literal[1]
    agency: _Text
    unit: _Text
    public_key: _Hex64
    enrolled_at: _Moment
    revoked_at: _Moment | None
    ledger_entry: _Count | None


class Step(_Form, frozen=True, kw_only=True):
    """One step of the chain of custody, and its entry in the ledger where it has one."""

    kind: StepKind
    at: _Moment
    who: _Text
    what: _Text
    ledger_entry: _Count | None


class Correction(_Form, frozen=True, kw_only=True):
    """What the read's owner says that plate and state really are."""

    plate: _Text
    state: _Text | None
    by: _Text
    at: _Moment


class Missing(_Form, frozen=True, kw_only=True):
    """A picture that the record names and the package lacks, and why."""

    sha256: Sha256
    why: _Text


class Custody(_Form, frozen=True, kw_only=True):
    """A read's chain of custody in order of time, and what was said of it since."""

    v: Literal[1]
    steps: Annotated[tuple[Step, ...], Meta(max_length=500)]
    correction: Correction | None
    withdrawn_at: _Moment | None
    missing_pictures: Annotated[tuple[Missing, ...], Meta(max_length=8)]


class Listed(_Form, frozen=True, kw_only=True):
    """A file in the manifest."""

    name: _Text
    size: _Count
    sha256: Sha256


class Manifest(_Form, frozen=True, kw_only=True):
    """Every file but itself and the ledger's, in order of name."""

    v: Literal[1]
    files: tuple[Listed, ...]


class ProvenEntry(_Form, frozen=True, kw_only=True):
    """An entry of the ledger as it stands there, and its path in the checkpoint's tree."""

    index: _Count
    body: Annotated[str, Meta(max_length=64 * 1024)]
    path: _Path


class Proofs(_Form, frozen=True, kw_only=True):
    """The entries in order of index; ``making`` is that of the package itself."""

    v: Literal[1]
    making: _Count
    entries: tuple[ProvenEntry, ...]


_F = TypeVar("_F", bound=_Form)


def encode(form: _Form) -> bytes:
    """A form's canonical bytes."""
    return rfc8785.dumps(msgspec.to_builtins(form))


def decode(data: bytes, form: type[_F]) -> _F:
    """The form in a file.

    Raises:
        LayoutError: if the bytes are not the canonical bytes of one.
    """
    try:
        found = msgspec.json.decode(data, type=form)
        if encode(found) != data:
            raise LayoutError("is not in canonical form")
    except (ValueError, RecursionError, OverflowError) as error:
        raise LayoutError(f"is not of its form: {error}") from error
    return found


def plain(form: _Form) -> Mapping[str, Any]:
    """A form as plain values."""
    found: Mapping[str, Any] = msgspec.to_builtins(form)
    return found


def picture_name(read_id: str, sha256: str, content: bytes) -> str:
    """The file of a picture: its digest, and what programs open it by."""
    suffix = next((each for start, each in _SUFFIXES if content.startswith(start)), "")
    return f"{folder(read_id)}/pictures/{sha256}{suffix}"


def folder(read_id: str) -> str:
    """The folder of a read."""
    return f"reads/{read_id}"
