"""Passkeys (WebAuthn Level 2): what a browser is asked, and whether its answer holds. Pure.

The library that knows the format is loaded with the first passkey, since no command needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_ANSWER = 16_384
"""Characters of a browser's answer; real ones have a tenth."""
MAX_CREDENTIAL_ID = 1023
"""Bytes that WebAuthn allows it."""

_NAME = "Plateward"
# The last is for brackets within brackets: short of MAX_ANSWER they exhaust the JSON decoder.
_UNREADABLE = (ValueError, TypeError, KeyError, RecursionError)


@dataclass(frozen=True, slots=True)
class Party:
    """Who passkeys are made for: the pages' origin, of which the host is what they are bound to."""

    origin: str

    @property
    def host(self) -> str:
        """The host alone."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey: its id, its public key (COSE), and how often it signed so far."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Which challenge an answer is to, and by which passkey, as it says itself."""

    challenge: bytes
    credential_id: bytes


def registration_options(
    party: Party,
    login: str,
    name: str,
    user_id: bytes,
    challenge: bytes,
    known: Sequence[bytes],
) -> str:
    """What the browser is asked to make a passkey of: JSON for ``navigator.credentials.create``.

    The passkey is discoverable, so that a sign-in need not say who has which.
    """
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = generate_registration_options(
        rp_id=party.host,
        rp_name=_NAME,
        user_name=login,
        user_display_name=name,
        user_id=user_id,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
    )
    return options_to_json(options)


def sign_in_options(party: Party, challenge: bytes) -> str:
    """What any browser is asked for a sign-in: JSON for ``navigator.credentials.get``."""
    from webauthn import generate_authentication_options, options_to_json

    return options_to_json(generate_authentication_options(rp_id=party.host, challenge=challenge))


def unlock_options(party: Party, challenge: bytes, known: Sequence[bytes]) -> str:
    """What a person's browser is asked in place of the password, by one of the known passkeys.

    The passkey is to make sure of its person, by a PIN or a finger.
    """
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import (
        PublicKeyCredentialDescriptor,
        UserVerificationRequirement,
    )

    options = generate_authentication_options(
        rp_id=party.host,
        challenge=challenge,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def verify_registration(answer: str, challenge: bytes, party: Party) -> Made | None:
    """The passkey that was made, or None if the answer does not hold."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
        )
    except (WebAuthnException, *_UNREADABLE):
        return None
    if len(made.credential_id) > MAX_CREDENTIAL_ID:
        return None
    return Made(made.credential_id, made.credential_public_key, made.sign_count)


def challenge_of(registration: str) -> bytes | None:
    """The challenge that a new passkey's answer is to, as it says itself."""
    from webauthn.helpers import parse_client_data_json, parse_registration_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        read = parse_registration_credential_json(registration)
        return parse_client_data_json(read.response.client_data_json).challenge
    except (WebAuthnException, *_UNREADABLE):
        return None


def read_answer(answer: str) -> Answer | None:
    """What an answer says of itself, nothing of it verified; None if it has not the form."""
    from webauthn.helpers import (
        base64url_to_bytes,
        parse_authentication_credential_json,
        parse_client_data_json,
    )
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        read = parse_authentication_credential_json(answer)
        challenge = parse_client_data_json(read.response.client_data_json).challenge
        return Answer(challenge, base64url_to_bytes(read.id))
    except (WebAuthnException, *_UNREADABLE):
        return None


def verify_answer(
    answer: str,
    challenge: bytes,
    party: Party,
    public_key: bytes,
    sign_count: int,
    *,
    sure_of_person: bool = False,
) -> int | None:
    """How often the passkey has signed by now, or None if the answer does not hold.

    A passkey that counts must have counted on: one that did not is a copy. ``sure_of_person`` asks
    that it made sure of its person too.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=sure_of_person,
        )
    except (WebAuthnException, *_UNREADABLE):
        return None
    return verified.new_sign_count
