"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from repository.web.bearer import Origin, PasswordChanger, Rooms

router = APIRouter()

_MAX_SECRET = 1024


class Login(BaseModel):
    """A sign-in."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    login: str = Field(max_length=_MAX_SECRET)
    password: str = Field(max_length=_MAX_SECRET)


class NewPassword(BaseModel):
    """A change of one's own password."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    current: str = Field(max_length=_MAX_SECRET)
    new: str = Field(max_length=_MAX_SECRET)


class Opened(BaseModel):
    """A session; the token goes with every request as ``Authorization: Bearer``."""

    token: str
    login: str
    name: str
    agency: str
    must_change_password: bool


@router.post("/login")
def login(typed: Login, rooms: Rooms, origin: Origin) -> Opened:
    """Open a session, good for 30 minutes unused and 12 hours in all."""
    session = rooms.accounts.open_session(typed.login, typed.password, origin)
    user = session.user
    return Opened(
        token=session.token,
        login=user.login,
        name=user.name,
        agency=user.agency,
        must_change_password=user.must_change_password,
    )


@router.post("/logout", status_code=204)
def logout(user: PasswordChanger, rooms: Rooms, origin: Origin) -> Response:
    """End every session of the user."""
    rooms.accounts.close_sessions(user, origin)
    return Response(status_code=204)


@router.post("/password", status_code=204)
def password(typed: NewPassword, user: PasswordChanger, rooms: Rooms, origin: Origin) -> Response:
    """Change one's own password; every session ends, so sign in again with the new one."""
    rooms.accounts.change_password(user.login, typed.current, typed.new, origin)
    return Response(status_code=204)
