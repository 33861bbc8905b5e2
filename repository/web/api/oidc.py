"""Signing in a browser by an agency's own provider.

The browser is sent to the provider and comes back with a code, to an address of that agency's own.
A cookie of its own tells that it is the same browser; that one also goes with requests that the
provider's pages begin, and opens nothing by itself.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from repository.accounts.oidc_sign_in import CameBack
from repository.web import cookies
from repository.web.bearer import Origin, Rooms

router = APIRouter()

_UNDER_WAY = "__Host-plateward-oidc"
_GOOD_FOR_S = 600
_MAX = 4096


class SignedIn(BaseModel):
    """The session that a browser has in its cookie from now on."""

    login: str
    name: str
    agency: str
    csrf: str
    notices: list[str]


@router.get("/oidc/{agency}/begin", status_code=303, response_class=RedirectResponse)
def begin(
    agency: Annotated[str, Path(max_length=63)], rooms: Rooms, origin: Origin
) -> RedirectResponse:
    """Send the browser to the provider of that agency."""
    begun = rooms.accounts.begin_at_provider(agency, origin)
    answer = RedirectResponse(begun.address, 303)
    answer.set_cookie(
        _UNDER_WAY, begun.browser, max_age=_GOOD_FOR_S, secure=True, httponly=True, samesite="lax"
    )
    return answer


@router.get("/oidc/{agency}/callback")
def callback(
    agency: Annotated[str, Path(max_length=63)],
    request: Request,
    response: Response,
    rooms: Rooms,
    origin: Origin,
    state: Annotated[str, Query(max_length=_MAX)],
    code: Annotated[str | None, Query(max_length=_MAX)] = None,
    error: Annotated[str | None, Query(max_length=_MAX)] = None,
    iss: Annotated[str | None, Query(max_length=_MAX)] = None,
) -> SignedIn:
    """Take the browser back; what else the provider adds to the address is left unread."""
    back = CameBack(agency, state, code, error, iss)
    session = rooms.accounts.finish_at_provider(back, request.cookies.get(_UNDER_WAY, ""), origin)
    response.delete_cookie(_UNDER_WAY, secure=True, httponly=True, samesite="lax")
    user = session.user
    whole_s = int(rooms.accounts.terms.whole.total_seconds())
    return SignedIn(
        login=user.login,
        name=user.name,
        agency=user.agency,
        csrf=cookies.give(response, session.token, whole_s),
        notices=[each.notice for each in session.shared],
    )
