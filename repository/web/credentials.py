"""What may be shown in place of a name, as the API's description tells it."""

from __future__ import annotations

from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBase, HTTPBearer
from fastapi.openapi.models import SecurityBase as Model
from fastapi.security.base import SecurityBase

from edge.contract import unit_request
from repository.web import cookies, csrf


class Shown(SecurityBase):
    """A dependency that only says in the description what a route asks for."""

    def __init__(self, name: str, model: Model) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self) -> None:
        """Nothing: what is shown is looked at by those who ask for it."""


PERSON = Shown("person", HTTPBearer(description="The token of POST /api/v1/login."))
BROWSER = Shown(
    "browser",
    APIKey.model_validate(
        {
            "in": APIKeyIn.cookie,
            "name": cookies.SESSION,
            "description": "A browser's session. Whatever may change something also bears the "
            f"header {csrf.HEADER}.",
        }
    ),
)
SERVICE = Shown("service", HTTPBearer(description="A service's token, of the scope named here."))
UNIT = Shown(
    "unit",
    HTTPBase(
        scheme=unit_request.SCHEME, description="A request signed with an enrolled unit's own key."
    ),
)
