"""Bulletins: published by administrators, read and acknowledged by everybody else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from repository.accounts.bulletins import About
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.web.bearer import Bearer, Origin, Rooms, bearer_before

router = APIRouter()

_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Reader = Annotated[User, Depends(bearer_before(Step.BULLETINS))]


class New(BaseModel):
    """What to tell an agency's people, or everybody."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    about: About
    title: Annotated[str, Field(max_length=200)]
    body: Annotated[str, Field(max_length=20_000)]
    agency: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = None


@router.get("/bulletins/unread")
def unread(user: _Reader, rooms: Rooms, origin: Origin) -> Mapping[str, Sequence[Any]]:
    """What the user has still to read; until then nothing else is answered."""
    return {"bulletins": [asdict(each) for each in rooms.people.unread_bulletins(user, origin)]}


@router.post("/bulletins/{number}/acknowledgement", status_code=204)
def acknowledge(number: _Number, user: _Reader, rooms: Rooms, origin: Origin) -> Response:
    """Keep that the user has read a bulletin."""
    rooms.people.acknowledge_bulletin(user, number, origin)
    return Response(status_code=204)


@router.get("/bulletins")
def listed(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Sequence[Any]]:
    """The bulletins for people of the user's agency."""
    return {"bulletins": [asdict(each) for each in rooms.people.list_bulletins(user, origin)]}


@router.post("/bulletins", status_code=201)
def publish(typed: New, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, int]:
    """Have everybody, or an agency's people, read something before anything else."""
    number = rooms.people.publish_bulletin(
        user, typed.about, typed.title, typed.body, origin, agency=typed.agency
    )
    return {"bulletin": number}


@router.post("/bulletins/{number}/withdrawal", status_code=204)
def withdraw(number: _Number, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Have nobody read a bulletin any more."""
    rooms.people.withdraw_bulletin(user, number, origin)
    return Response(status_code=204)


@router.get("/bulletins/{number}/readers")
def readers(
    number: _Number, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Sequence[Any]]:
    """Who has read a bulletin and who has not."""
    found = rooms.people.readers_of_bulletin(user, number, origin)
    return {"readers": [asdict(each) for each in found]}
