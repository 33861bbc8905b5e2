"""What an ID token must say, part by part."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from repository.accounts import oidc
from repository.accounts.oidc import Expected, IdTokenError
from repository.accounts.oidc_settings import OidcSettings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
JWK = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.public_key())) | {"kid": "a", "use": "sig"}
EXPECTED = Expected(
    issuer="https://login.example.gov",
    client_id="plateward",
    nonce="the nonce",
    access_token="the access token",
    required_acr=(),
    required_amr=("mfa",),
    now=NOW,
)
HASH = hashlib.sha256(b"the access token").digest()[:16]
CLAIMS: dict[str, Any] = {
    "iss": "https://login.example.gov",
    "sub": "42",
    "aud": "plateward",
    "exp": AT + 3600,
    "iat": AT,
    "nonce": "the nonce",
    "amr": ["pwd", "otp", "mfa"],
    "at_hash": base64.urlsafe_b64encode(HASH).rstrip(b"=").decode(),
}
GONE = object()

pytestmark = [pytest.mark.policy("G-12"), pytest.mark.policy("C-conf")]


def token(key: Any = KEY, algorithm: str = "ES256", **changes: Any) -> str:
    said = {name: each for name, each in (CLAIMS | changes).items() if each is not GONE}
    return jwt.encode(said, key, algorithm, {"kid": "a"})


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"aud": ["plateward"]},
        {"aud": ["plateward", "other"], "azp": "plateward"},
        {"at_hash": GONE},
        {"exp": AT - 119},
        {"iat": AT + 119},
    ],
)
def test_one_that_holds_is_taken(change: dict[str, Any]) -> None:
    made = token(**change)
    assert oidc.key_id(made) == "a"
    assert oidc.verify(made, JWK, EXPECTED)["sub"] == "42"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"iss": "https://login.other.gov"}, "InvalidIssuer"),
        ({"iss": "https://login.example.gov/"}, "InvalidIssuer"),
        ({"aud": "other"}, "InvalidAudience"),
        ({"aud": []}, "MissingRequiredClaim"),
        ({"aud": ["plateward", "other"]}, "another client"),
        ({"aud": ["plateward", "other"], "azp": "other"}, "another client"),
        ({"azp": "other"}, "another client"),
        ({"nonce": "another"}, "another sign-in"),
        ({"nonce": GONE}, "another sign-in"),
        ({"nonce": ["the nonce"]}, "another sign-in"),
        ({"exp": AT - 120}, "expired"),
        ({"exp": "soon"}, "no number"),
        ({"exp": GONE}, "MissingRequiredClaim"),
        ({"iat": GONE}, "MissingRequiredClaim"),
        ({"sub": GONE}, "MissingRequiredClaim"),
        ({"iat": AT + 121}, "time to come"),
        ({"nbf": AT + 121}, "time to come"),
        ({"iat": AT - 901}, "too long ago"),
        ({"amr": ["pwd"]}, "no second factor"),
        ({"amr": "mfa"}, "no second factor"),
        ({"amr": GONE}, "no second factor"),
        ({"at_hash": "x"}, "another access token"),
        ({"at_hash": 7}, "access token that did not come"),
    ],
)
def test_one_part_that_does_not_hold_is_enough(change: dict[str, Any], message: str) -> None:
    with pytest.raises(IdTokenError, match=message):
        oidc.verify(token(**change), JWK, EXPECTED)


def test_a_required_level_must_be_the_one_that_was_reached() -> None:
    levels = Expected(**{**_fields(EXPECTED), "required_acr": ("aal2", "aal3")})
    oidc.verify(token(acr="aal2"), JWK, levels)
    for acr in ("aal1", ["aal2"], GONE):
        with pytest.raises(IdTokenError, match="no second factor"):
            oidc.verify(token(acr=acr), JWK, levels)


def test_only_the_providers_own_signature_counts() -> None:
    with pytest.raises(IdTokenError, match="InvalidSignature"):
        oidc.verify(token(OTHER_KEY), JWK, EXPECTED)
    unsigned = jwt.encode(CLAIMS, None, "none")
    public = KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{_base64(json.dumps({'alg': 'HS256', 'kid': 'a'}))}.{_base64(json.dumps(CLAIMS))}"
    by_public_key = hmac.digest(public, signed.encode(), "sha256")
    confused = f"{signed}.{_base64(by_public_key)}"
    for made in (unsigned, confused, "", "a.b.c", "\udcff"):
        with pytest.raises(IdTokenError):
            oidc.key_id(made)
        with pytest.raises(IdTokenError):
            oidc.verify(made, JWK, EXPECTED)
    with pytest.raises(IdTokenError, match="another algorithm"):
        oidc.verify(token(), JWK | {"alg": "ES384"}, EXPECTED)
    head, _, signature = token().split(".")
    changed = _base64(json.dumps(CLAIMS | {"sub": "43"}))
    with pytest.raises(IdTokenError, match="InvalidSignature"):
        oidc.verify(f"{head}.{changed}.{signature}", JWK, EXPECTED)


def test_a_key_is_found_by_name_or_as_the_only_one() -> None:
    first, second = {"kid": "a", "use": "sig"}, {"kid": "b"}
    assert oidc.fitting_key([first, second], "b") is second
    assert oidc.fitting_key([first], None) is first
    assert oidc.fitting_key([first, second], None) is None
    assert oidc.fitting_key([first, second], "c") is None
    assert oidc.fitting_key([{"kid": "a", "use": "enc"}], "a") is None


def test_settings_that_would_let_one_factor_or_a_plain_link_do_are_refused() -> None:
    settings = {
        "agency": "salem-pd",
        "issuer": "https://login.example.gov",
        "client_id": "plateward",
        "client_secret_file": "secret",
        "required_amr": ["mfa"],
    }
    OidcSettings.model_validate(settings)
    for change, message in (
        ({"required_amr": ()}, "required_acr or required_amr"),
        ({"issuer": "http://login.example.gov"}, "write https"),
        ({"issuer": "https://["}, "write https"),
        ({"scopes": ("profile",)}, "openid must be among them"),
    ):
        with pytest.raises(ValidationError, match=message):
            OidcSettings.model_validate(settings | change)


def _base64(content: str | bytes) -> str:
    plain = content.encode() if isinstance(content, str) else content
    return base64.urlsafe_b64encode(plain).rstrip(b"=").decode()


def _fields(expected: Expected) -> dict[str, Any]:
    return {name: getattr(expected, name) for name in Expected.__slots__}
