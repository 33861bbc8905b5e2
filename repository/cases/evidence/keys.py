"""Public keys as people give them. Pure."""

from __future__ import annotations

import base64
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from repository.cases.evidence.errors import EvidenceError
from repository.ledger.checkpoints import verifier_key
from repository.ledger.errors import LedgerError

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}")


def ledger_key(text: str) -> tuple[str, Ed25519PublicKey]:
    """The ledger's name and key in the one-line form of note verifiers.

    Raises:
        EvidenceError: if it is no such line, down to its last bit.
    """
    line = text.removesuffix("\n")
    name, _, rest = line.partition("+")
    _, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
        if verifier_key(name, key) == line:
            return name, key
    except (ValueError, LedgerError, UnsupportedAlgorithm):
        pass
    raise EvidenceError(
        "ledger key: no public key in the form that 'alpr-repository ledger key' prints"
    )


def unit_key(text: str) -> Ed25519PublicKey:
    """A unit's key: PEM, or 64 hexadecimal digits.

    Raises:
        EvidenceError: if it is no Ed25519 key in either form.
    """
    typed = text.strip()
    try:
        if _HEX_KEY.fullmatch(typed):
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(typed))
        found = load_pem_public_key(typed.encode())
        if isinstance(found, Ed25519PublicKey):
            return found
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise EvidenceError("unit key: no Ed25519 public key in PEM, nor 64 hexadecimal digits")
