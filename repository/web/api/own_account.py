"""The steps of the first day, and what a person keeps of their own account."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from repository.accounts.own_account import Again
from repository.accounts.passkeys import MAX_ANSWER
from repository.accounts.second_factors import Offered
from repository.web.bearer import Acknowledger, Bearer, Enroller, Origin, Rooms

router = APIRouter()

_MAX_TYPED = 1024
_MAX_ID = 2**31 - 1


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Challenge(BaseModel):
    """What the browser's script gives to ``navigator.credentials``."""

    options: dict[str, Any]


class Signature(BaseModel):
    """What the person signed once."""

    name: str
    signed_at: datetime
    sha256: str
    words: str


class ToSign(BaseModel):
    """The terms, the words to sign, their digest, and what was signed before."""

    terms: str
    words: str
    source: str
    sha256: str
    signed: list[Signature]


class Signing(_Typed):
    """A signature: the digest of the words that were read, and the person's full name."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: str = Field(max_length=_MAX_TYPED)


class OneFactor(BaseModel):
    """A second factor."""

    kind: str
    id: int
    name: str
    made_at: datetime


class Factors(BaseModel):
    """One's second factors, and how many recovery codes are left."""

    factors: list[OneFactor]
    recovery_codes: int


class Secret(BaseModel):
    """An authenticator app's new secret: to type, as an address, and as a picture of that (SVG)."""

    secret: str
    address: str
    qr_svg: str


class ShownAgain(_Typed):
    """The password, and a second factor that one has already: what a sign-in takes, once more."""

    password: str = Field(max_length=_MAX_TYPED)
    code: str = Field("", max_length=64, description="A code of the app, or a recovery code.")
    passkey: str = Field(
        "", max_length=MAX_ANSWER, description="The browser's answer, as JSON, to /login/challenge."
    )


_AGAIN = Field(None, description="Needed by whoever has a second factor already.")


class Code(_Typed):
    """The first code that the app shows."""

    code: str = Field(max_length=_MAX_TYPED)
    again: ShownAgain | None = _AGAIN


class NewPasskey(_Typed):
    """What the browser answered, as JSON, and what the passkey is called."""

    answer: str = Field(max_length=MAX_ANSWER)
    name: str = Field(max_length=_MAX_TYPED)
    again: ShownAgain | None = _AGAIN


class RecoveryCodes(BaseModel):
    """Codes that serve once each; shown this once."""

    recovery_codes: list[str]


def challenge_of(options: str) -> Challenge:
    """The options that a room gave as JSON."""
    return Challenge(options=json.loads(options))


@router.get("/acknowledgement")
def to_sign(user: Acknowledger, rooms: Rooms) -> ToSign:
    """The terms and the words that everybody signs, and what one signed before."""
    words = rooms.accounts.words()
    return ToSign(
        terms=words.terms,
        words=words.words,
        source=words.source,
        sha256=words.sha256,
        signed=[
            Signature(
                name=each.name, signed_at=each.signed_at, sha256=each.sha256, words=each.words
            )
            for each in rooms.accounts.own_acknowledgements(user)
        ],
    )


@router.post("/acknowledgement", status_code=204)
def sign(typed: Signing, user: Acknowledger, rooms: Rooms, origin: Origin) -> Response:
    """Sign the words by typing one's full name."""
    rooms.accounts.acknowledge(user, typed.sha256, typed.name, origin)
    return Response(status_code=204)


@router.get("/second-factors")
def factors(user: Enroller, rooms: Rooms) -> Factors:
    """One's second factors."""
    found = rooms.accounts.own_factors(user)
    return Factors(
        factors=[
            OneFactor(kind=each.kind, id=each.id, name=each.name, made_at=each.made_at)
            for each in found.factors
        ],
        recovery_codes=found.recovery_codes,
    )


@router.post("/second-factors/totp")
def new_secret(user: Enroller, rooms: Rooms, origin: Origin) -> Secret:
    """Begin with an authenticator app; its first code makes it count."""
    # Nothing else draws.
    import segno

    made = rooms.accounts.new_secret(user, origin)
    drawn = segno.make(made.address).svg_inline(scale=4)
    return Secret(secret=made.secret, address=made.address, qr_svg=drawn)


@router.post("/second-factors/totp/confirm")
def confirm_secret(typed: Code, user: Enroller, rooms: Rooms, origin: Origin) -> RecoveryCodes:
    """Have the new app count; every session ends, so sign in again with its next code."""
    codes = rooms.accounts.confirm_secret(user, typed.code, origin, _again(typed.again))
    return RecoveryCodes(recovery_codes=codes)


@router.post("/second-factors/passkeys/challenge")
def new_passkey(user: Enroller, rooms: Rooms) -> Challenge:
    """What the browser is asked to make a passkey of."""
    return challenge_of(rooms.accounts.new_passkey(user))


@router.post("/second-factors/passkeys")
def add_passkey(typed: NewPasskey, user: Enroller, rooms: Rooms, origin: Origin) -> RecoveryCodes:
    """Keep the passkey that the browser made; every session ends, so sign in again with it."""
    codes = rooms.accounts.add_passkey(user, typed.answer, typed.name, origin, _again(typed.again))
    return RecoveryCodes(recovery_codes=codes)


@router.post("/second-factors/passkeys/{passkey_id}/removal", status_code=204)
def remove_passkey(
    passkey_id: Annotated[int, Path(ge=1, le=_MAX_ID)],
    typed: ShownAgain,
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
) -> Response:
    """Forget one of one's passkeys, but not one's last second factor."""
    rooms.accounts.remove_passkey(user, passkey_id, origin, _again(typed))
    return Response(status_code=204)


@router.post("/second-factors/recovery-codes")
def recovery_codes(typed: ShownAgain, user: Bearer, rooms: Rooms, origin: Origin) -> RecoveryCodes:
    """New recovery codes in place of those that are left."""
    codes = rooms.accounts.new_recovery_codes(user, origin, _again(typed))
    return RecoveryCodes(recovery_codes=codes)


def _again(typed: ShownAgain | None) -> Again:
    if typed is None:
        return Again()
    return Again(typed.password, Offered(typed.code, typed.passkey))
