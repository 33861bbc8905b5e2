"""Misuse: anybody with an account reports it; the agency's head, or who oversees them, answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from repository.agencies.misuse import Answer
from repository.agencies.misuse_desk import Measure
from repository.present import plain
from repository.web.bearer import Bearer, Origin, Rooms

router = APIRouter()

_Words = Annotated[str, Field(max_length=10_000)]
_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Report(_Typed):
    """What happened, and who it is about: a colleague by their login, else in the words."""

    what: _Words
    agency: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None = None
    against: Annotated[str, Field(max_length=64)] | None = None
    about_head: StrictBool = False
    found_by: Literal["person", "audit"] = "person"


class Answered(_Typed):
    """The written report of the investigation."""

    misused: StrictBool
    circumstances: _Words
    actions: _Words
    prevention: _Words = ""


class Closed(_Typed):
    """What was concluded."""

    reason: Annotated[str, Field(max_length=2000)]


class Measured(_Typed):
    """What becomes of the access of whom the report is about."""

    measure: Measure


@router.post("/misuse-reports", status_code=201)
def report(typed: Report, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """Report misuse; gives by when it is answered."""
    number, due_on = rooms.misuse.report(
        user,
        typed.what,
        origin,
        agency=typed.agency,
        against=typed.against,
        about_head=typed.about_head,
        found_by=typed.found_by,
    )
    return {"report": number, "due_on": due_on.isoformat()}


@router.get("/misuse-reports")
def reports(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Sequence[Any]]:
    """The reports that the user made or looks into."""
    return {"reports": plain(rooms.misuse.show(user, origin))}


@router.post("/misuse-reports/{number}/answer")
def answer(
    number: _Number, typed: Answered, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, int]:
    """Answer a report in writing, as who looks into it."""
    rooms.misuse.answer(user, number, Answer(**typed.model_dump()), origin)
    return {"report": number}


@router.post("/misuse-reports/{number}/close")
def close(
    number: _Number, typed: Closed, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, int]:
    """Close an answered report, as the operator's security officer."""
    rooms.misuse.close(user, number, typed.reason, origin)
    return {"report": number}


@router.post("/misuse-reports/{number}/measure")
def measure(
    number: _Number, typed: Measured, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, str]:
    """Suspend or revoke the access of whom a report is about."""
    return {"login": rooms.misuse.measure(user, number, typed.measure, origin)}
