"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from repository.accounts.acknowledgement import NOTICE
from repository.accounts.passkeys import MAX_ANSWER
from repository.accounts.second_factors import Offered
from repository.web import cookies
from repository.web.api.own_account import Challenge, challenge_of
from repository.web.bearer import Origin, PasswordChanger, Rooms, Token
from repository.web.csrf import require_same_site

router = APIRouter()

_MAX_SECRET = 1024


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Login(_Typed):
    """A sign-in: login and password, with a code of the second factor or a passkey's answer.

    A person who has no second factor yet leaves both out.
    """

    login: str = Field(max_length=_MAX_SECRET)
    password: str = Field(max_length=_MAX_SECRET)
    code: str = Field("", max_length=_MAX_SECRET)
    passkey: str = Field(
        "", max_length=MAX_ANSWER, description="The browser's answer, as JSON, to the challenge."
    )
    browser: StrictBool = Field(
        False, description="Keep the session in a cookie; no token is shown."
    )


class NewPassword(_Typed):
    """A change of one's own password."""

    current: str = Field(max_length=_MAX_SECRET)
    new: str = Field(max_length=_MAX_SECRET)


class SharedWith(BaseModel):
    """The two places that the login was used in at once, which its person is told."""

    one_origin: str
    other_origin: str


class Opened(BaseModel):
    """A session; the token goes with every request as ``Authorization: Bearer``.

    A browser has it in its cookie instead, and its CSRF token here. While ``to_do`` names a step,
    the session opens what clears the first of them, and nothing else.
    """

    token: str | None
    csrf: str | None
    login: str
    name: str
    agency: str
    must_change_password: bool
    to_do: list[str]
    shared: list[SharedWith]
    notice: str


@router.get("/login")
def notice() -> dict[str, Any]:
    """What everybody is told before they sign in."""
    return {"notice": NOTICE}


@router.post("/login/challenge")
def challenge(rooms: Rooms) -> Challenge:
    """What the browser is asked for a sign-in by passkey, the same for everybody."""
    return challenge_of(rooms.accounts.sign_in_challenge())


@router.post("/login")
def login(
    typed: Login, rooms: Rooms, origin: Origin, request: Request, response: Response
) -> Opened:
    """Open a session, which locks when it is left unused and ends after hours."""
    if typed.browser:  # no other site signs a person in, as somebody else
        require_same_site(request.method, request.headers)
    accounts = rooms.accounts
    offered = Offered(typed.code, typed.passkey)
    session = accounts.open_session(
        typed.login, typed.password, origin, offered, browser=typed.browser
    )
    csrf = None
    if typed.browser:
        whole_s = int(accounts.terms.whole.total_seconds())
        csrf = cookies.give(response, session.token, whole_s)
    user = session.user
    return Opened(
        token=None if typed.browser else session.token,
        csrf=csrf,
        login=user.login,
        name=user.name,
        agency=user.agency,
        must_change_password=user.must_change_password,
        to_do=[step.name.lower() for step in accounts.outstanding(user)],
        shared=[
            SharedWith(one_origin=each.one_origin, other_origin=each.other_origin)
            for each in session.shared
        ],
        notice=NOTICE,
    )


@router.post("/logout", status_code=204)
def logout(token: Token, rooms: Rooms, origin: Origin) -> Response:
    """End this session, locked or not; ``DELETE /sessions`` ends them all."""
    rooms.accounts.sign_out(token, origin)
    answer = Response(status_code=204)
    cookies.take_back(answer)
    return answer


@router.post("/password", status_code=204)
def password(typed: NewPassword, user: PasswordChanger, rooms: Rooms, origin: Origin) -> Response:
    """Change one's own password; every session ends, so sign in again with the new one."""
    rooms.accounts.change_password(user.login, typed.current, typed.new, origin, in_session=True)
    return Response(status_code=204)
