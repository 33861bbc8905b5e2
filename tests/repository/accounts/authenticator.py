"""A passkey in software: real keys, real CBOR and COSE, as a browser hands its answers on."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Authenticator:
    """One passkey at one site; ``count`` is how often it signed, ``sure`` that of its person."""

    def __init__(self, origin: str = "http://localhost:8080", host: str = "localhost") -> None:
        self.origin = origin
        self.host = host
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.count = 0
        self.sure = True

    def make(self, options: dict[str, Any] | str) -> str:
        """The answer to ``navigator.credentials.create``."""
        client = self._client_data("webauthn.create", options)
        numbers = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        attested = (
            bytes(16)
            + len(self.credential_id).to_bytes(2, "big")
            + self.credential_id
            + cbor2.dumps(cose)
        )
        data = self._data(_PRESENT | _VERIFIED | _ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            {"clientDataJSON": encoded(client), "attestationObject": encoded(attestation)}
        )

    def sign(self, options: dict[str, Any] | str) -> str:
        """The answer to ``navigator.credentials.get``."""
        client = self._client_data("webauthn.get", options)
        self.count += 1
        data = self._data(_PRESENT | (_VERIFIED if self.sure else 0))
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(
            {
                "clientDataJSON": encoded(client),
                "authenticatorData": encoded(data),
                "signature": encoded(signed),
            }
        )

    def _client_data(self, kind: str, options: dict[str, Any] | str) -> bytes:
        asked = json.loads(options) if isinstance(options, str) else options
        content = {"type": kind, "challenge": asked["challenge"], "origin": self.origin}
        return json.dumps(content).encode()

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, str]) -> str:
        name = encoded(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
