"""Whether bytes are RFC 8785 canonical JSON, told quickly for nearly all records.

The library that writes the canonical form takes 20 times as long as reading a record does. Most
records need it only to be told what they are already, and that can be proven without it: let a
valid record be written anew with sorted fields by the fast encoder, whole floats without their
fraction. If that gives the same bytes, fields are sorted, none is double, no space is left, and
strings are escaped as RFC 8785 wants, for which the two encoders agree on every character. They
differ in numbers alone, and of those only in these:

- exponents, which are rare: ECMAScript begins with them at 1e21, with a plus sign, and below 1e-6,
  where the fast encoder does at 1e16 and below 1e-5;
- integers beyond 2^53, which RFC 8785 has no form for; sixteen digits before a point are suspected.

Zero below zero, which ECMAScript writes as 0, never comes back as it was: what is read from -0 is
written 0.0, and what is read from -0.0 is written -0 here.

Where anything looks like one of these, in a number or in a string, or a backslash makes strings
hard to tell from what is around them, the library decides.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import rfc8785

from edge.contract.errors import ContractError

_encoder = msgspec.json.Encoder(order="sorted")
_WHOLE_FLOAT = re.compile(rb"\.0(?=[,}\]])")
# Digits and signs made one, and whatever can stand before or after a number.
_PLAIN = bytes.maketrans(b"123456789-,[}]", b"0000000000::::")
_EXPONENT = re.compile(rb"e000?:")
_ODD_EXPONENT = re.compile(rb"e(?:-6|[0-9]+)[,}\]]")
_LARGE = b":0000000000000000"


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON of a value of the contract.

    Raises:
        ContractError: if a number in it has no canonical form.
    """
    data = _quickly(value)
    if data is not None:
        return data
    try:
        return rfc8785.dumps(msgspec.to_builtins(value))
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ContractError(f"record: {error}") from error


def is_canonical(data: bytes, value: Any) -> bool:
    """Whether the bytes that the value was decoded from are its canonical form.

    Raises:
        ContractError: if a number in it has no canonical form.
    """
    again: bytes = _encoder.encode(value)
    if not _is_suspect(data) and _WHOLE_FLOAT.sub(b"", again) == data:
        return True
    return canonical(value) == data


def _quickly(value: Any) -> bytes | None:
    """The canonical form of a value without whole floats or nulls; None if it may be another."""
    try:
        data: bytes = _encoder.encode(value)
    except (ValueError, OverflowError, RecursionError):
        return None  # the library says what is wrong
    # A float that is no number is written as null too, though it has no canonical form.
    if b"null" in data or _WHOLE_FLOAT.search(data) or _is_suspect(data):
        return None
    return data


def _is_suspect(data: bytes) -> bool:
    """Whether what the two encoders write differently may be in it."""
    if b"\\" in data:
        return True
    plain = data.translate(_PLAIN)
    if _LARGE in plain:
        return True
    return _EXPONENT.search(plain) is not None and _ODD_EXPONENT.search(data) is not None
