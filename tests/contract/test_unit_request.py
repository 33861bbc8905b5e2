"""A unit's signed request: from its signer alone, for one request, and the same for ever."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.errors import ContractError
from edge.contract.unit_request import (
    MAX_HEADER_CHARACTERS,
    SCHEME,
    UnitRequest,
    read_request,
    sign_request,
    verify_request,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
PATH = "/api/v1/hotlists/stolen/manifest"
GOLDEN = Path(__file__).parent / "golden" / "v1" / "unit_request.txt"


def signed(**changes: Any) -> str:
    fields: dict[str, Any] = {
        "agency": "salem-pd",
        "unit": "car-12",
        "method": "GET",
        "path": PATH,
        "at": AT,
        "private_key": KEY,
    }
    return sign_request(**(fields | changes))


def with_changes(header: str, **changes: object) -> str:
    text = header.removeprefix(f"{SCHEME} ")
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) | changes
    data = json.dumps(fields).encode()
    return f"{SCHEME} {base64.urlsafe_b64encode(data).rstrip(b'=').decode()}"


def test_the_header_is_still_written_and_taken_the_same_way() -> None:
    golden = GOLDEN.read_text().strip()
    assert signed() == golden
    verify_request(read_request(golden), KEY.public_key(), method="GET", path=PATH)


def test_what_is_signed_is_the_canonical_form_behind_its_own_prefix() -> None:
    text = GOLDEN.read_text().strip().removeprefix(f"{SCHEME} ")
    fields = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    signature = bytes.fromhex(fields.pop("signature"))
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    KEY.public_key().verify(signature, b"plateward/unit-request/1\x00" + canonical)


@pytest.mark.parametrize(
    "changes",
    [
        {"agency": "boston-pd"},
        {"unit": "car-13"},
        {"method": "POST"},
        {"path": PATH + "x"},
        {"at": "2026-03-01T12:00:01.250000Z"},
        {"key": "0" * 16},
        {"signature": "0" * 128},
    ],
)
def test_no_field_can_be_changed(changes: dict[str, object]) -> None:
    claimed = read_request(with_changes(signed(), **changes))
    with pytest.raises(ContractError, match="signature"):
        verify_request(claimed, KEY.public_key(), method=claimed.method, path=claimed.path)


def test_another_key_signs_for_nobody() -> None:
    header = signed(private_key=Ed25519PrivateKey.generate())
    with pytest.raises(ContractError, match="signature"):
        verify_request(read_request(header), KEY.public_key(), method="GET", path=PATH)


@pytest.mark.parametrize(("method", "path"), [("PUT", PATH), ("GET", "/api/v1/search")])
def test_it_opens_one_request_alone(method: str, path: str) -> None:
    with pytest.raises(ContractError, match="made for another request"):
        verify_request(read_request(signed()), KEY.public_key(), method=method, path=path)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer abc",
        SCHEME,
        f"{SCHEME} ",
        f"{SCHEME} ***",
        f"{SCHEME} é",
        f"{SCHEME} e30",
        f"{SCHEME} {'A' * (MAX_HEADER_CHARACTERS + 1)}",
        with_changes(signed(), at="2026-03-01T12:00:00+01:00"),
        with_changes(signed(), colour="red"),
        with_changes(signed(), v=2),
        with_changes(signed(), agency="Salem PD"),
        with_changes(signed(), path=""),
    ],
)
def test_what_is_no_such_header_is_refused(header: str) -> None:
    with pytest.raises(ContractError, match="not a unit's signed request"):
        read_request(header)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_the_one_error(text: str) -> None:
    try:
        assert isinstance(read_request(f"{SCHEME} {text}"), UnitRequest)
    except ContractError as error:
        assert str(error)


def test_a_time_that_is_not_utc_is_not_signed() -> None:
    with pytest.raises(ContractError, match="not in UTC"):
        signed(at=AT.astimezone(timezone(timedelta(hours=-5))))
