"""Signed checkpoints of the ledger's tree, in the forms that other tools verify.

The text is the C2SP ``tlog-checkpoint``: the ledger's origin, its size and its root in base64,
a line each. It is signed as a C2SP ``signed-note`` with Ed25519: a blank line, then
``— NAME base64(key id || signature)``, where the key id is the first 4 bytes of
SHA-256(NAME || 0x0A || 0x01 || public key). Origin and key name are one and the same here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, insert, select

from edge.contract import merkle
from repository.ledger import log
from repository.ledger.errors import LedgerError
from repository.ledger.follow import MismatchError, check_state, follow
from repository.store.tables.ledger import ledger_checkpoints

_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_DASH = "\N{EM DASH}"
_ORIGIN = re.compile(r"[^\s+\x00-\x20]+")
_SIZE = re.compile(r"0|[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of that size had that root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        """Refuse a name that a signed note cannot carry."""
        if not _ORIGIN.fullmatch(self.origin):
            raise LedgerError(f"origin {self.origin!r}: no blanks and no plus signs")

    def text(self) -> str:
        """What is signed, its last line break included."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class Issued:
    """When the newest checkpoint was signed, and at what size."""

    size: int
    at: datetime

    def is_due(self, size: int, every_entries: int, before: datetime) -> bool:
        """Whether the next is: there are so many new entries, or any since ``before``."""
        grown = size - self.size
        return grown >= every_entries or (grown > 0 and self.at <= before)


def key_id(name: str, public_key: Ed25519PublicKey) -> bytes:
    """The 4 bytes that name an Ed25519 key in a signed note."""
    raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:_KEY_ID_BYTES]


def verifier_key(name: str, public_key: Ed25519PublicKey) -> str:
    """The key in the one-line form that note verifiers take: ``name+id+base64``."""
    raw = public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    encoded = base64.b64encode(_ED25519 + raw).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{encoded}"


def sign(checkpoint: Checkpoint, private_key: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note."""
    text = checkpoint.text()
    mark = key_id(checkpoint.origin, private_key.public_key())
    signature = base64.b64encode(mark + private_key.sign(text.encode())).decode()
    return f"{text}\n{_DASH} {checkpoint.origin} {signature}\n"


def open_note(note: str, origin: str, public_key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint in a signed note, its signature by that key checked.

    Signatures by other keys (witnesses) are passed over, as the specification asks.

    Raises:
        LedgerError: if the note is not in form, speaks of another ledger or lacks the signature.
    """
    checkpoint, text, signatures = _parts(note, origin)
    mark = key_id(origin, public_key)
    for line in signatures.removesuffix("\n").split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        signed = _decode(encoded)
        if dash != _DASH or len(signed) <= _KEY_ID_BYTES:
            raise LedgerError("checkpoint: a signature line is not in form")
        if name != origin or signed[:_KEY_ID_BYTES] != mark:
            continue
        try:
            public_key.verify(signed[_KEY_ID_BYTES:], text.encode())
        except InvalidSignature as error:
            raise LedgerError("checkpoint: its signature does not fit its text") from error
        return checkpoint
    raise LedgerError("checkpoint: not signed by the ledger's key")


def require_form(note: str, origin: str) -> None:
    """Refuse what is no checkpoint of that ledger; its signatures are not looked at.

    Raises:
        LedgerError: if the note is not in form or speaks of another ledger.
    """
    _parts(note, origin)


def make(connection: Connection, origin: str, private_key: Ed25519PrivateKey, now: datetime) -> str:
    """Sign the ledger as it stands and keep the note; a size signed before gives its old note.

    Everything since the checkpoint before is recomputed from the entries first, so that no
    signature is put to what somebody wrote into the database.

    Raises:
        LedgerError: if the ledger is empty, or is not what its entries and last checkpoint give.
    """
    log.state(connection, lock=True)
    tree = _whole(connection, origin, private_key.public_key())
    table = ledger_checkpoints
    kept = at(connection, tree.size)
    if kept is not None:
        return kept
    root = tree.root()
    note = sign(Checkpoint(origin, tree.size, root), private_key)
    connection.execute(
        insert(table).values(
            size=tree.size, root=root, frontier=b"".join(tree.hashes), note=note, issued_at=now
        )
    )
    return note


def _whole(connection: Connection, origin: str, public_key: Ed25519PublicKey) -> merkle.Frontier:
    """The tree of all entries, recomputed since the last checkpoint."""
    size = log.state(connection).size
    if size == 0:
        raise LedgerError("the ledger is empty: there is nothing to sign yet")
    try:
        tree = _last_signed(connection, origin, public_key)
        if tree.size > size:
            problem = f"entry {size}: missing; the last checkpoint covers {tree.size} entries"
            raise MismatchError(size, problem)
        for grown, _ in follow(connection, tree):
            tree = grown
        check_state(connection, tree)
    except MismatchError as mismatch:
        raise LedgerError(
            f"the ledger is not signed, since it is not whole: {mismatch}; "
            "run 'alpr-repository ledger verify'"
        ) from mismatch
    return tree


def _last_signed(
    connection: Connection, origin: str, public_key: Ed25519PublicKey
) -> merkle.Frontier:
    """The tree of the newest checkpoint; its hashes are only believed if they give its root."""
    table = ledger_checkpoints
    query = select(table.c.note, table.c.frontier).order_by(table.c.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return merkle.Frontier()
    signed = open_note(row.note, origin, public_key)
    try:
        tree = log.frontier(signed.size, row.frontier)
    except LedgerError as error:
        raise MismatchError(None, f"the checkpoint at size {signed.size}: {error}") from error
    if tree.root() != signed.root:
        raise MismatchError(None, f"the checkpoint at size {signed.size}: its hashes give no root")
    return tree


def latest(connection: Connection) -> str | None:
    """The newest checkpoint's note."""
    table = ledger_checkpoints
    note: str | None = connection.scalar(
        select(table.c.note).order_by(table.c.size.desc()).limit(1)
    )
    return note


def last_issued(connection: Connection) -> Issued | None:
    """When the newest was."""
    columns = ledger_checkpoints.c
    query = select(columns.size, columns.issued_at).order_by(columns.size.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Issued(row.size, row.issued_at)


def at(connection: Connection, size: int) -> str | None:
    """The note of the checkpoint that was signed at that size."""
    table = ledger_checkpoints
    note: str | None = connection.scalar(select(table.c.note).where(table.c.size == size))
    return note


def _parts(note: str, origin: str) -> tuple[Checkpoint, str, str]:
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise LedgerError("checkpoint: no signed note; a blank line parts text and signatures")
    text += "\n"
    checkpoint = _parse(text)
    if checkpoint.origin != origin:
        raise LedgerError(f"checkpoint: of the ledger {checkpoint.origin!r}, not of {origin!r}")
    return checkpoint, text, signatures


def _parse(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not _SIZE.fullmatch(lines[1]):
        raise LedgerError("checkpoint: expected origin, size and root, a line each")
    root = _decode(lines[2])
    if len(root) != hashlib.sha256().digest_size:
        raise LedgerError("checkpoint: its root is not 32 bytes in base64")
    return Checkpoint(lines[0], int(lines[1]), root)


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise LedgerError("checkpoint: not in base64") from error
