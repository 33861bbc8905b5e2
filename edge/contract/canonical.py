"""Whether bytes are RFC 8785 canonical JSON, told quickly for nearly all records.

The library that writes the canonical form takes 20 times as long as reading a record does. Most
records need it only to be told what they are already, and that can be proven without it: let a
valid record be written anew with sorted fields by the fast encoder, whole floats without their
fraction. If that gives the same bytes, fields are sorted, none is double, no space is left, and
strings are escaped as RFC 8785 wants, for which the two encoders agree on every character. They
differ in numbers alone, and of those only in these, which are looked for outside strings:

- exponents: ECMAScript begins with them at 1e21, with a plus sign, and below 1e-6, where the fast
  encoder does at 1e16 and below 1e-5;
- zero below zero, which ECMAScript writes as 0;
- integers beyond 2^53, which RFC 8785 has no form for; sixteen digits before a point are suspected.

Where one is found, or a backslash makes strings hard to tell, the library decides.
"""

from __future__ import annotations

from typing import Any

import msgspec
import rfc8785

from edge.contract.errors import ContractError

_encoder = msgspec.json.Encoder(order="sorted")
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_MANY_DIGITS = b"0" * 16
_WHOLE_FLOATS = ((b".0,", b","), (b".0}", b"}"), (b".0]", b"]"))


def canonical(value: Any) -> bytes:
    """RFC 8785 canonical JSON of a value of the contract.

    Raises:
        ContractError: if a number in it has no canonical form.
    """
    try:
        return rfc8785.dumps(msgspec.to_builtins(value))
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ContractError(f"record: {error}") from error


def is_canonical(data: bytes, value: Any) -> bool:
    """Whether the bytes that the value was decoded from are its canonical form.

    Raises:
        ContractError: if a number in it has no canonical form.
    """
    return _is_plainly_canonical(data, value) or canonical(value) == data


def _is_plainly_canonical(data: bytes, value: Any) -> bool:
    if b"\\" in data:
        return False
    again: bytes = _encoder.encode(value)
    for whole, canonical_form in _WHOLE_FLOATS:
        if whole in again:
            again = again.replace(whole, canonical_form)
    if again != data:
        return False
    # Without a backslash, quotes and nothing else part what is in strings from what is not.
    outside = b"".join(data.split(b'"')[::2])
    if b"e-6" in outside or b"-0," in outside or b"-0}" in outside or b"-0]" in outside:
        return False
    # The only other words outside strings that have an e are true and false.
    others = outside.count(b"ue") + outside.count(b"se") + outside.count(b"e-")
    if outside.count(b"e") != others:
        return False
    zeros = outside.translate(_DIGITS)
    return not (
        _MANY_DIGITS in zeros
        and any(before + _MANY_DIGITS in zeros for before in (b":", b",", b"[", b"-"))
    )
