"""Signatures over messages: Ed25519 over RFC 8785 canonical JSON, behind a prefix for each kind.

A message that carries its own signature is signed over all its other fields. The prefix keeps a
signature that was made for one kind of message from serving for another.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.contract.canonical import canonical
from edge.contract.errors import ContractError

UNSIGNED = "0" * 128
"""What stands in a message's ``signature`` until it is signed."""


class Signed(Protocol):
    """A message that carries its own signature."""

    @property
    def signature(self) -> str:
        """128 hexadecimal digits."""
        ...


_S = TypeVar("_S", bound=msgspec.Struct)


def sign(unsigned: _S, prefix: bytes, private_key: Ed25519PrivateKey) -> _S:
    """The message with its signature."""
    signature = private_key.sign(_statement(unsigned, prefix)).hex()
    return msgspec.structs.replace(unsigned, signature=signature)


def verify_signed(message: Signed, prefix: bytes, public_key: Ed25519PublicKey) -> None:
    """Check that the key signed this message.

    Raises:
        ContractError: if it did not, or the message was changed.
    """
    verify(public_key, message.signature, _statement(message, prefix))


def verify(public_key: Ed25519PublicKey, signature: str, statement: bytes) -> None:
    """Check a signature in hexadecimal over these bytes.

    Raises:
        ContractError: if another key made it, or over something else.
    """
    try:
        public_key.verify(bytes.fromhex(signature), statement)
    except InvalidSignature as error:
        raise ContractError("signature: not made by this key over these contents") from error


def _statement(message: object, prefix: bytes) -> bytes:
    fields = msgspec.to_builtins(message)
    del fields["signature"]
    return prefix + canonical(fields)
