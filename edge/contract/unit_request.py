"""How a unit makes itself known to the repository's web: one signed header on each request.

Invariants of the format, version 1:

- The header is ``Authorization: Plateward-Unit TEXT``; TEXT is the JSON of :class:`UnitRequest` in
  base64url (RFC 4648 section 5) without padding.
- The unit signs agency, unit, method, path, time and key id with its Ed25519 key, over their
  RFC 8785 form behind a prefix of its own, so that no signature made for anything else serves.
- ``path`` is the request's path without host and query; a request so signed has no query.
- It holds for :data:`TOLERANCE` around ``at``. Within that time it could be shown again, which
  gives nothing that the one who first heard it did not have: such requests only read.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta

from edge.contract.batch import KeyId, Signature, key_id
from edge.contract.errors import ContractError
from edge.contract.records import VERSION, Name, UtcTime, require_utc
from edge.contract.signing import UNSIGNED, sign, verify_signed

SCHEME = "Plateward-Unit"
TOLERANCE = timedelta(minutes=5)
"""How far the unit's clock may be from the repository's."""

MAX_HEADER_CHARACTERS = 4096

_DOMAIN = b"plateward/unit-request/1\x00"


class UnitRequest(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="unit_request",
):
    """Who asks for what, when, and the unit's signature over it."""

    v: Literal[1] = VERSION
    agency: Name
    unit: Name
    method: Annotated[str, Meta(min_length=1, max_length=16)]
    path: Annotated[str, Meta(min_length=1, max_length=1024)]
    at: UtcTime
    key: KeyId
    signature: Signature

    def __post_init__(self) -> None:
        """Refuse a time that is not UTC."""
        require_utc("at", self.at)


def sign_request(
    *,
    agency: str,
    unit: str,
    method: str,
    path: str,
    at: datetime,
    private_key: Ed25519PrivateKey,
) -> str:
    """The value of the header ``Authorization`` for this request of this unit."""
    unsigned = UnitRequest(
        agency=agency,
        unit=unit,
        method=method,
        path=path,
        at=at,
        key=key_id(private_key.public_key()),
        signature=UNSIGNED,
    )
    signed = msgspec.json.encode(sign(unsigned, _DOMAIN, private_key))
    return f"{SCHEME} {base64.urlsafe_b64encode(signed).rstrip(b'=').decode('ascii')}"


def read_request(header: str) -> UnitRequest:
    """What the header claims; nothing of it is proven before :func:`verify_request`.

    Raises:
        ContractError: if it is not such a header.
    """
    scheme, _, text = header.partition(" ")
    if scheme.lower() != SCHEME.lower() or len(text) > MAX_HEADER_CHARACTERS:
        raise ContractError("authorization: not a unit's signed request")
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return _decoder.decode(data)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError) as error:
        raise ContractError("authorization: not a unit's signed request") from error


def verify_request(
    claimed: UnitRequest, public_key: Ed25519PublicKey, *, method: str, path: str
) -> None:
    """Check that the key signed the claim, and that it is about this method and path.

    The caller still checks its age, against :data:`TOLERANCE`.

    Raises:
        ContractError: if another key signed it, or it was changed or made for another request.
    """
    verify_signed(claimed, _DOMAIN, public_key)
    if (claimed.method, claimed.path) != (method, path):
        raise ContractError("authorization: made for another request")


_decoder = msgspec.json.Decoder(UnitRequest)
