"""Who asks: the address a request comes from, and the user whose token it bears."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from repository.accounts.errors import SessionEndedError
from repository.accounts.user import User
from repository.web.services import WebServices


def services(request: Request) -> WebServices:
    """The rooms behind the app."""
    return cast(WebServices, request.app.state.services)


def origin(request: Request) -> str:
    """The address the request comes from, for the ledger."""
    return request.client.host if request.client is not None else "unknown address"


Rooms = Annotated[WebServices, Depends(services)]
Origin = Annotated[str, Depends(origin)]


def bearer(request: Request, rooms: Rooms, origin: Origin) -> User:
    """The user whose token the request bears.

    Raises:
        SessionEndedError: if it bears none that opens a session.
        PasswordChangeRequiredError: if it opens no more than the change of a one-time password.
    """
    return rooms.accounts.user_of(_token(request), origin)


def bearer_changing_password(request: Request, rooms: Rooms, origin: Origin) -> User:
    """The same, for what one may also do with a one-time password.

    Raises:
        SessionEndedError: if it bears none that opens a session.
    """
    return rooms.accounts.user_changing_password(_token(request), origin)


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise SessionEndedError
    return token


Bearer = Annotated[User, Depends(bearer)]
PasswordChanger = Annotated[User, Depends(bearer_changing_password)]
