"""One's own sessions: which there are, locking and unlocking, ending them; and others', to end.

A locked session answers to nothing here but unlocking, signing out and the list of one's sessions.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from repository.accounts.passkeys import MAX_ANSWER
from repository.accounts.second_factors import Offered
from repository.accounts.sessions import is_of_browser
from repository.web import cookies
from repository.web.api.own_account import Challenge, challenge_of
from repository.web.bearer import Bearer, Origin, PasswordChanger, Rooms, Token
from repository.web.bearer_unit import Unit

router = APIRouter()

_MAX_SECRET = 1024


class Unlocking(BaseModel):
    """What opens a locked session: the password, or a passkey's answer in its place."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: str = Field("", max_length=_MAX_SECRET)
    passkey: str = Field(
        "",
        max_length=MAX_ANSWER,
        description="The browser's answer, as JSON, to /sessions/unlock/challenge.",
    )


class Unlocked(BaseModel):
    """The session under its new token; a browser has it in its cookie, and its CSRF token here."""

    token: str | None = None
    csrf: str | None = None


class VehicleLogin(BaseModel):
    """A sign-in at a vehicle's console; the second factor is an app's or a recovery code."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    login: str = Field(max_length=_MAX_SECRET)
    password: str = Field(max_length=_MAX_SECRET)
    code: str = Field("", max_length=64)


class VehicleOpened(BaseModel):
    """A vehicle's session; the token goes with every request as ``Authorization: Bearer``."""

    token: str
    login: str
    name: str
    notices: list[str]


class OneSession(BaseModel):
    """A session as its person sees it; the id opens nothing."""

    id: UUID
    kind: str
    second_factor: bool = Field(
        description="Whether the sign-in that opened it showed a second factor here (an app's "
        "code, a recovery code or a passkey), or the agency's own provider said that one was shown "
        "there; false of a person who had none yet."
    )
    opened_from: str
    last_used_from: str
    opened_at: datetime
    last_used_at: datetime
    ends_at: datetime
    locked: bool
    current: bool


class Sessions(BaseModel):
    """One's sessions, the newest first."""

    sessions: list[OneSession]


class Ended(BaseModel):
    """How many sessions ended."""

    ended: int


class OneSharedUse(BaseModel):
    """A login used in two places at about the same time."""

    login: str
    name: str
    agency: str
    one: str
    other: str
    first_at: datetime
    last_at: datetime
    told_at: datetime | None


class SharedUses(BaseModel):
    """The newest of one's agency, or of all for whom that is their role."""

    shared_uses: list[OneSharedUse]


@router.post("/units/sign-in")
def sign_in_at_vehicle(
    typed: VehicleLogin, unit: Unit, rooms: Rooms, origin: Origin
) -> VehicleOpened:
    """Sign in at the console of the unit that signs this request, for its agency's officers."""
    session = rooms.accounts.open_vehicle_session(
        unit, typed.login, typed.password, Offered(typed.code), origin
    )
    return VehicleOpened(
        token=session.token,
        login=session.user.login,
        name=session.user.name,
        notices=[each.notice for each in session.shared],
    )


@router.get("/sessions")
def own(token: Token, rooms: Rooms, origin: Origin) -> Sessions:
    """The person's sessions, the newest first."""
    found = rooms.accounts.own_sessions(token, origin)
    whole = rooms.accounts.terms.whole
    return Sessions(
        sessions=[
            OneSession(
                id=each.held.id,
                kind=each.held.kind.value,
                second_factor=each.held.second_factor,
                opened_from=each.held.origin,
                last_used_from=each.held.last_origin,
                opened_at=each.held.created_at,
                last_used_at=each.held.last_used_at,
                ends_at=each.held.created_at + whole,
                locked=each.locked,
                current=each.current,
            )
            for each in found
        ]
    )


@router.post("/sessions/lock", status_code=204)
def lock(token: Token, rooms: Rooms, origin: Origin) -> Response:
    """Lock this session now, as for leaving the desk."""
    rooms.accounts.lock_session(token, origin)
    return Response(status_code=204)


@router.post("/sessions/unlock/challenge")
def unlock_challenge(token: Token, rooms: Rooms, origin: Origin) -> Challenge:
    """What the browser is asked to open a locked session by one of the person's passkeys."""
    return challenge_of(rooms.accounts.unlock_challenge(token, origin))


@router.post("/sessions/unlock")
def unlock(
    typed: Unlocking, token: Token, rooms: Rooms, origin: Origin, response: Response
) -> Unlocked:
    """Open a locked session with the password or a passkey; its token is replaced by another."""
    session = rooms.accounts.unlock_session(token, typed.password, origin, passkey=typed.passkey)
    if not is_of_browser(session.token):
        return Unlocked(token=session.token)
    whole_s = int(rooms.accounts.terms.whole.total_seconds())
    return Unlocked(csrf=cookies.give(response, session.token, whole_s))


@router.delete("/sessions/{session_id}", status_code=204)
def end(session_id: UUID, user: PasswordChanger, rooms: Rooms, origin: Origin) -> Response:
    """End one of one's own sessions."""
    rooms.accounts.end_session(user, session_id, origin)
    return Response(status_code=204)


@router.delete("/sessions", status_code=204)
def end_all(user: PasswordChanger, rooms: Rooms, origin: Origin) -> Response:
    """End all of one's own sessions, this one too."""
    rooms.accounts.close_sessions(user, origin)
    answer = Response(status_code=204)
    cookies.take_back(answer)
    return answer


@router.delete("/users/{login}/sessions")
def end_others(
    login: Annotated[str, Path(max_length=64)], user: Bearer, rooms: Rooms, origin: Origin
) -> Ended:
    """End every session of another person, for who manages users."""
    return Ended(ended=rooms.accounts.end_sessions_of(login, user, origin))


@router.get("/shared-uses")
def shared_uses(user: Bearer, rooms: Rooms, origin: Origin) -> SharedUses:
    """Logins used in two places at once, for who manages users or audits."""
    return SharedUses(
        shared_uses=[
            OneSharedUse(
                login=each.login,
                name=each.name,
                agency=each.agency,
                one=each.one_origin,
                other=each.other_origin,
                first_at=each.first_at,
                last_at=each.last_at,
                told_at=each.told_at,
            )
            for each in rooms.accounts.shared_uses(user, origin)
        ]
    )
