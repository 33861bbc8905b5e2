"""Which service asks: one that bears a token of a scope, for the person who answers for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from repository.accounts.api_tokens import Scope, Service, is_of_service
from repository.accounts.errors import SessionEndedError
from repository.web import credentials
from repository.web.bearer import Origin, Rooms, borne_by
from repository.web.services import WebServices

_Shown = Annotated[None, Depends(credentials.SERVICE)]


def service(scope: Scope) -> Callable[[Request, WebServices, str], Service]:
    """The dependency that lets a service with that scope on.

    It raises SessionEndedError where the request bears no service's token that is good, and
    OutOfScopeError where it bears one for other things.
    """

    def service_of(
        request: Request, rooms: Rooms, origin: Origin, _shown: _Shown = None
    ) -> Service:
        borne = borne_by(request)
        if not is_of_service(borne):
            raise SessionEndedError
        return rooms.accounts.service_of(borne, scope, origin)

    return service_of
