"""Tokens of services: an administrator makes, lists and revokes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from repository.accounts.api_tokens_desk import Wanted
from repository.web.bearer import Bearer, Origin, Rooms

router = APIRouter()


class TokenWanted(BaseModel):
    """A token to be made; what is wrong with it is the room's to refuse, on the record."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(max_length=200)
    responsible: str = Field(max_length=200, description="Login of the person who answers for it.")
    scopes: list[Annotated[str, Field(max_length=64)]] = Field(max_length=16)
    days: StrictInt = Field(ge=1, le=366)


class TokenMade(BaseModel):
    """A token; it is shown this once."""

    id: UUID
    token: str
    expires_at: datetime


class OneToken(BaseModel):
    """A token without what it opens with."""

    id: UUID
    name: str
    responsible: str
    agency: str
    scopes: list[str]
    made_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_origin: str | None
    revoked_at: datetime | None


class Tokens(BaseModel):
    """The tokens that one may see, the newest first."""

    tokens: list[OneToken]


@router.post("/api-tokens", status_code=201)
def make(typed: TokenWanted, user: Bearer, rooms: Rooms, origin: Origin) -> TokenMade:
    """Make a token for a service of one's agency."""
    wanted = Wanted(typed.name, typed.responsible, typed.scopes, typed.days)
    made = rooms.accounts.make_token(wanted, user, origin)
    return TokenMade(id=made.id, token=made.token, expires_at=made.expires_at)


@router.get("/api-tokens")
def listed(user: Bearer, rooms: Rooms, origin: Origin) -> Tokens:
    """The tokens of one's agency, revoked and ended ones too."""
    return Tokens(
        tokens=[
            OneToken(
                id=each.id,
                name=each.name,
                responsible=each.responsible,
                agency=each.agency,
                scopes=[scope.value for scope in each.scopes],
                made_by=each.made_by,
                created_at=each.created_at,
                expires_at=each.expires_at,
                last_used_at=each.last_used_at,
                last_origin=each.last_origin,
                revoked_at=each.revoked_at,
            )
            for each in rooms.accounts.list_tokens(user, origin)
        ]
    )


@router.delete("/api-tokens/{token_id}", status_code=204)
def revoke(token_id: UUID, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """End a token at once."""
    rooms.accounts.revoke_token(token_id, user, origin)
    return Response(status_code=204)
