"""Do the package's entries stand in the ledger that its checkpoint signs? Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract import merkle
from edge.contract.errors import ContractError
from repository.cases.evidence.check_read import OtherKeyError, WrongError
from repository.cases.evidence.errors import EvidenceError
from repository.cases.evidence.keys import ledger_key
from repository.cases.evidence.layout import (
    CHECKPOINT,
    KEY,
    PROOFS,
    LayoutError,
    Proofs,
    decode,
)
from repository.ledger import entry as entries
from repository.ledger.checkpoints import Checkpoint, open_note, verifier_key
from repository.ledger.entry import Recorded
from repository.ledger.errors import LedgerError

_LINES_OF_A_NOTE = 5


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint that somebody kept elsewhere; ``growth`` is a proof of consistency, as JSON."""

    note: str
    growth: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedLedger:
    """The checkpoint, and the entries that stand under it, by index."""

    checkpoint: Checkpoint
    key: str
    making: int
    entries: Mapping[int, Recorded]
    compared: Sequence[int] = ()


def check_ledger(files: Mapping[str, bytes], given_key: str | None) -> CheckedLedger:
    """Check every path, and the signature by the package's own key.

    With ``given_key`` a key in the package that did not sign, while that one did, is named.

    Raises:
        WrongError: for the first thing that is wrong.
    """
    note = _text(files, CHECKPOINT)
    name, key, line = _key(files)
    if given_key is not None and given_key.strip() != line and _signed_by(given_key, note):
        raise WrongError(KEY, "is not the key that signed the checkpoint; the one you gave is")
    signed = _checkpoint(note, name, key)
    proofs = _proofs(files)
    found: dict[int, Recorded] = {}
    for proven in proofs.entries:
        body = proven.body.encode()
        try:
            merkle.verify_inclusion(
                merkle.leaf_hash(entries.leaf(body)),
                proven.index,
                signed.size,
                [bytes.fromhex(each) for each in proven.path],
                signed.root,
            )
            found[proven.index] = entries.read(body)
        except (ContractError, LedgerError) as error:
            problem = f"entry {proven.index} does not stand in the ledger: {error}"
            raise WrongError(PROOFS, problem) from error
        if found[proven.index].index != proven.index:
            raise WrongError(PROOFS, f"entry {proven.index} calls itself another")
    if list(found) != sorted(found) or len(found) != len(proofs.entries):
        raise WrongError(PROOFS, "its entries are not in order")
    if proofs.making not in found:
        raise WrongError(PROOFS, "lacks the entry of the package's making")
    return CheckedLedger(signed, line, proofs.making, found)


def check_given(
    ledger: CheckedLedger, given_key: str | None, held: Sequence[Held]
) -> CheckedLedger:
    """The ledger, compared with what somebody brought from elsewhere.

    Raises:
        OtherKeyError: if another ledger signed than the one of that key.
        WrongError: if it is not the ledger of one of these checkpoints.
    """
    if given_key is not None and given_key.strip() != ledger.key:
        problem = "is not the key that you gave: another ledger signed this package"
        raise OtherKeyError(KEY, problem, "ledger")
    name, key = ledger_key(ledger.key)
    compared = [_compare(ledger.checkpoint, each, name, key) for each in held]
    return replace(ledger, compared=compared)


def _signed_by(line: str, note: str) -> bool:
    try:
        open_note(note, *ledger_key(line))
    except (EvidenceError, LedgerError):
        return False
    return True


def _key(files: Mapping[str, bytes]) -> tuple[str, Ed25519PublicKey, str]:
    inside = _text(files, KEY)
    try:
        name, key = ledger_key(inside)
    except EvidenceError as error:
        raise WrongError(KEY, str(error)) from error
    line = verifier_key(name, key)
    if inside != line + "\n":
        raise WrongError(KEY, "is not one line")
    return name, key, line


def _checkpoint(note: str, name: str, key: Ed25519PublicKey) -> Checkpoint:
    try:
        signed = open_note(note, name, key)
    except LedgerError as error:
        raise WrongError(CHECKPOINT, str(error)) from error
    # One text, one signature, one spelling: nothing can be added that nobody signed.
    encoded = note.removesuffix("\n").rpartition(" ")[2]
    if (
        not note.startswith(signed.text() + "\n")
        or note.count("\n") != _LINES_OF_A_NOTE
        or base64.b64encode(base64.b64decode(encoded)).decode() != encoded
    ):
        raise WrongError(CHECKPOINT, "holds more than the ledger signed")
    return signed


def _proofs(files: Mapping[str, bytes]) -> Proofs:
    try:
        return decode(_bytes(files, PROOFS), Proofs)
    except LayoutError as error:
        raise WrongError(PROOFS, str(error)) from error


def _compare(signed: Checkpoint, held: Held, name: str, key: Ed25519PublicKey) -> int:
    """Refuse a package whose ledger is not the one that somebody saw; the size they saw."""
    try:
        seen = open_note(held.note, name, key)
        if seen.size == signed.size:
            if seen.root != signed.root:
                raise WrongError(CHECKPOINT, "the checkpoint that you gave shows another ledger")
            return seen.size
        _follow(signed, seen, held.growth)
    except (LedgerError, ContractError) as error:
        problem = f"does not fit the checkpoint that you gave: {error}"
        raise WrongError(CHECKPOINT, problem) from error
    return seen.size


def _follow(signed: Checkpoint, seen: Checkpoint, growth: str | None) -> None:
    old, new = sorted((signed, seen), key=lambda each: each.size)
    if growth is None:
        raise LedgerError(
            f"it is of {seen.size} entries and the package's, {CHECKPOINT}, of {signed.size}; give "
            "with --consistency what 'alpr-repository ledger consistency OLD NEW --json' prints of "
            "the two"
        )
    try:
        told: Any = json.loads(growth)
        path = [bytes.fromhex(each) for each in told["path"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise LedgerError("the proof of consistency is not in form") from error
    merkle.verify_consistency(old.size, new.size, old.root, new.root, path)


def _text(files: Mapping[str, bytes], name: str) -> str:
    try:
        return _bytes(files, name).decode()
    except UnicodeDecodeError as error:
        raise WrongError(name, "is no text") from error


def _bytes(files: Mapping[str, bytes], name: str) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise WrongError(name, "is missing") from None
