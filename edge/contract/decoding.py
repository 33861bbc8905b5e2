"""Reading a message of the contract out of bytes that anybody may have sent."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from edge.contract.errors import ContractError

_T = TypeVar("_T")


def decode(data: bytes, decoder: msgspec.json.Decoder[_T], what: str, limit_bytes: int) -> _T:
    """What these bytes say, if they are not too many; ``what`` names it in errors.

    Raises:
        ContractError: if they are, or say something else; the text names the field.
    """
    if len(data) > limit_bytes:
        raise ContractError(f"{what}: {len(data)} bytes, the limit is {limit_bytes}")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ContractError(f"{what}: {error}") from error
