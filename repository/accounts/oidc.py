"""What crosses the wire at a sign-in by an agency's own provider; pure.

OpenID Connect Core 1.0, the authorization code flow, with PKCE (RFC 7636, S256), state and nonce.
Signatures are checked by PyJWT; only asymmetric ones count, by keys that the provider publishes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from repository.errors import RepositoryError

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
LEEWAY = timedelta(minutes=2)
"""By which the provider's clock may differ."""
OLDEST = timedelta(minutes=15)
"""Age of an ID token at most: it was made just now."""


class IdTokenError(RepositoryError):
    """An ID token that proves nothing; the text is for the ledger."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a sign-in under way is known by: to the browser, in the token, to the provider."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say, and by when it is looked at."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    required_acr: Collection[str]
    required_amr: Collection[str]
    now: datetime


def authorization_url(
    endpoint: str,
    client_id: str,
    redirect_uri: str,
    scopes: Sequence[str],
    acr_values: Sequence[str],
    challenge: Challenge,
) -> str:
    """Where to send the browser."""
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": challenge.state,
        "nonce": challenge.nonce,
        "code_challenge": _hash(challenge.verifier),
        "code_challenge_method": "S256",
    }
    if acr_values:
        asked["acr_values"] = " ".join(acr_values)
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def key_id(id_token: str) -> str | None:
    """The name of the key that an ID token says it is signed with.

    Raises:
        IdTokenError: if it is no signed token, or signed in a way that does not count.
    """
    named = _header(id_token).get("kid")
    return named if isinstance(named, str) else None


def fitting_key(keys: Sequence[Mapping[str, Any]], named: str | None) -> Mapping[str, Any] | None:
    """The published key of that name; without a name, the only one there is."""
    signing = [each for each in keys if each.get("use", "sig") == "sig"]
    found = signing if named is None else [each for each in signing if each.get("kid") == named]
    return found[0] if len(found) == 1 else None


def verify(id_token: str, key: Mapping[str, Any], expected: Expected) -> Mapping[str, Any]:
    """The claims of an ID token that holds in every part.

    Raises:
        IdTokenError: naming the part that does not.
    """
    import jwt  # late, here and below: most commands see no token of a provider

    algorithm = _header(id_token)["alg"]
    if key.get("alg", algorithm) != algorithm:
        raise IdTokenError("ID token: signed by another algorithm than its key is for")
    try:
        claims = jwt.decode(
            id_token,
            jwt.PyJWK(dict(key), algorithm),
            algorithms=list(ALGORITHMS),
            audience=expected.client_id,
            issuer=expected.issuer,
            options={
                "require": ["iss", "sub", "aud", "exp", "iat"],
                # By this repository's clock, below.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise IdTokenError(f"ID token: {type(error).__name__}") from error
    _require_timely(claims, expected.now)
    _require_ours(claims, expected)
    _require_factor(claims, expected)
    if "at_hash" in claims:
        _require_at_hash(claims["at_hash"], algorithm, expected.access_token)
    return claims


def _header(id_token: str) -> Mapping[str, Any]:
    import jwt

    try:
        header: Mapping[str, Any] = jwt.get_unverified_header(id_token)
    except (jwt.PyJWTError, ValueError) as error:
        raise IdTokenError("ID token: no signed token") from error
    if header.get("alg") not in ALGORITHMS:
        raise IdTokenError("ID token: not signed, or by an algorithm that does not count")
    return header


def _require_timely(claims: Mapping[str, Any], now: datetime) -> None:
    moment, leeway = now.timestamp(), LEEWAY.total_seconds()
    times = {name: claims[name] for name in ("exp", "iat", "nbf") if name in claims}
    if not all(isinstance(each, int | float) for each in times.values()):
        raise IdTokenError("ID token: a time is no number")
    if moment >= times["exp"] + leeway:
        raise IdTokenError("ID token: expired")
    if moment < max(times["iat"], times.get("nbf", 0)) - leeway:
        raise IdTokenError("ID token: of a time to come; compare the clocks")
    if moment > times["iat"] + OLDEST.total_seconds():
        raise IdTokenError("ID token: made too long ago")


def _require_ours(claims: Mapping[str, Any], expected: Expected) -> None:
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not _same(nonce, expected.nonce):
        raise IdTokenError("ID token: made for another sign-in (nonce)")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else expected.client_id) != expected.client_id:
        raise IdTokenError("ID token: made for another client (azp)")


def _require_factor(claims: Mapping[str, Any], expected: Expected) -> None:
    amr = claims.get("amr", [])
    shown = amr if isinstance(amr, list) else []
    if expected.required_acr and claims.get("acr") not in expected.required_acr:
        raise IdTokenError("ID token: the provider asked for no second factor (acr)")
    if any(each not in shown for each in expected.required_amr):
        raise IdTokenError("ID token: the provider asked for no second factor (amr)")


def _require_at_hash(stated: object, algorithm: str, access_token: str | None) -> None:
    if access_token is None or not isinstance(stated, str):
        raise IdTokenError("ID token: of an access token that did not come with it (at_hash)")
    import jwt

    digest = jwt.get_algorithm_by_name(algorithm).compute_hash_digest(access_token.encode())
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _same(stated, half):
        raise IdTokenError("ID token: of another access token (at_hash)")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))


def _hash(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
