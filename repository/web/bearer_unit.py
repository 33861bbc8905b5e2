"""Which enrolled unit asks: one that signed the request with its own key, in place of a token."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from repository.units.requests import KnownUnit, UnitRefusedError
from repository.web import credentials
from repository.web.bearer import Origin, Rooms


def unit(
    request: Request,
    rooms: Rooms,
    origin: Origin,
    _shown: Annotated[None, Depends(credentials.UNIT)] = None,
) -> KnownUnit:
    """The unit that signed the request.

    Raises:
        RepositoryError: if no enrolled unit did, or not now.
    """
    if request.url.query:
        raise UnitRefusedError  # what is not signed is not looked at
    return rooms.hotlists.requests.unit_of(
        request.headers.get("Authorization", ""),
        method=request.method,
        path=request.url.path,
        origin=origin,
    )


Unit = Annotated[KnownUnit, Depends(unit)]
