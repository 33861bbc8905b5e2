"""Who asks: the address a request comes from, and the user whose token it bears.

A program bears its token in the header ``Authorization``, a browser in a cookie; each kind of token
counts in its own place alone, and a request that bears both is refused.

What asks no database is a coroutine: the framework would run a plain function in another thread,
and the way there and back costs as much as asking the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, cast

from fastapi import Depends, Request

from repository.accounts.errors import SessionEndedError
from repository.accounts.sessions import is_of_browser
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.errors import RepositoryError
from repository.web import cookies, credentials, csrf
from repository.web.services import WebServices


class MixedCredentialsError(RepositoryError):
    """A request that bears a token both in a header and in a cookie."""

    def __init__(self) -> None:
        super().__init__("send the token in the header Authorization or in the cookie, not in both")


async def services(request: Request) -> WebServices:
    """The rooms behind the app."""
    return cast(WebServices, request.app.state.services)


async def origin(request: Request) -> str:
    """The address the request comes from, for the ledger."""
    return request.client.host if request.client is not None else "unknown address"


_Person = Annotated[None, Depends(credentials.PERSON)]
_Browser = Annotated[None, Depends(credentials.BROWSER)]
Rooms = Annotated[WebServices, Depends(services)]
Origin = Annotated[str, Depends(origin)]


async def token(request: Request, _person: _Person = None, _browser: _Browser = None) -> str:
    """The token that the request bears, whatever it opens; raises what `borne_by` does."""
    return borne_by(request)


def borne_by(request: Request) -> str:
    """The same, outside a route.

    Raises:
        SessionEndedError: if it bears none in the place that is its own.
        MixedCredentialsError: if it bears two.
        CrossSiteError: if it is in a cookie, and another site made the request.
    """
    header, cookie = request.headers.get("Authorization"), request.cookies.get(cookies.SESSION)
    if cookie is not None:
        if header is not None:
            raise MixedCredentialsError
        if not is_of_browser(cookie):
            raise SessionEndedError
        csrf.require_own_page(request.method, request.headers, cookie)
        return cookie
    scheme, _, borne = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not borne or is_of_browser(borne):
        raise SessionEndedError
    return borne


Token = Annotated[str, Depends(token)]


def bearer(token: Token, rooms: Rooms, origin: Origin) -> User:
    """The user whose token the request bears.

    Raises:
        SessionEndedError: if it bears none that opens a session.
        SessionLockedError: if the session is locked.
        NotYetOpenError: if something stands between the user and the system.
    """
    return rooms.accounts.user_of(token, origin)


def bearer_before(step: Step) -> Callable[[str, WebServices, str], User]:
    """The same for what clears that step, or may be done at any: the earlier ones are taken."""

    def bearer_of_step(token: Token, rooms: Rooms, origin: Origin) -> User:
        return rooms.accounts.user_of(token, origin, before=step)

    return bearer_of_step


async def searcher(user: Annotated[User, Depends(bearer)], rooms: Rooms) -> User:
    """The user who is about to search.

    Raises:
        TooMuchAskedError: if they made too many searches just now.
    """
    rooms.accounts.count_search(user)
    return user


Bearer = Annotated[User, Depends(bearer)]
PasswordChanger = Annotated[User, Depends(bearer_before(Step.PASSWORD))]
Acknowledger = Annotated[User, Depends(bearer_before(Step.ACKNOWLEDGEMENT))]
Enroller = Annotated[User, Depends(bearer_before(Step.SECOND_FACTOR))]
Searcher = Annotated[User, Depends(searcher)]
