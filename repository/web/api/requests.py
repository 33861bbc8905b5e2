"""Requests for searches by people without access, and confirmations of reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from repository.present import plain
from repository.search.request_form import RequestForm
from repository.web.bearer import Bearer, Origin, Rooms

router = APIRouter()

_Words = Annotated[str, Field(max_length=4000)]
_Line = Annotated[str, Field(max_length=300)]
_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Form(_Typed):
    """The request form; ``sector`` is criminal_justice or what else the asker's agency is."""

    agency: _Line
    sector: _Line
    name: _Line
    position: _Line
    phone: _Line
    email: _Line
    case: _Line
    reason: _Words
    offence: _Line
    characteristics: _Words
    source: _Words
    ori: _Line | None = None

    def form(self) -> RequestForm:
        """The form as the room takes it."""
        typed = self.model_dump()
        return RequestForm(case_number=typed.pop("case"), **typed)


class Decision(_Typed):
    """Whether the request is accepted."""

    accept: StrictBool
    reason: _Words


class AskedReview(_Typed):
    """A read that a second person is to look at."""

    read: UUID


class Answer(_Typed):
    """What is reported, and the reads that it rests on."""

    answer: Annotated[str, Field(max_length=10_000)]
    matches: Annotated[list[UUID], Field(max_length=200)] = []
    not_practicable: _Words | None = None


class Confirmed(_Typed):
    """What the source agency said of a read."""

    case: _Line
    spoke_with: _Line
    answer: Literal["confirmed", "wrong", "no_answer"]
    note: _Words = ""


@router.post("/search-requests", status_code=201)
def receive(typed: Form, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """Record a request for a search."""
    return _mapping(rooms.search_requests.receive(user, typed.form(), origin))


@router.get("/search-requests")
def requests(
    user: Bearer, rooms: Rooms, origin: Origin, waiting: Annotated[bool, Query()] = False
) -> Sequence[Mapping[str, Any]]:
    """The newest requests put to the user's agency."""
    return [_mapping(each) for each in rooms.search_requests.list(user, origin, waiting=waiting)]


@router.post("/search-requests/{number}/decision")
def decide(
    number: _Number, typed: Decision, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Accept a request or deny it."""
    done = rooms.search_requests.decide(
        user, number, accept=typed.accept, reason=typed.reason, origin=origin
    )
    return _mapping(done)


@router.post("/search-requests/{number}/reviews", status_code=201)
def ask_review(
    number: _Number, typed: AskedReview, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Have a second person look at a possible match."""
    return _mapping(rooms.search_requests.ask_review(user, number, typed.read, origin))


@router.post("/search-requests/{number}/answer")
def answer(
    number: _Number, typed: Answer, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Record the answer to a request."""
    done = rooms.search_requests.answer(
        user,
        number,
        typed.answer,
        typed.matches,
        origin,
        not_practicable=typed.not_practicable,
    )
    return _mapping(done)


@router.post("/reads/{read}/confirmations", status_code=201)
def confirm(
    read: UUID, typed: Confirmed, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Record what the source agency said of a read, before anything is enforced."""
    made = rooms.confirmations.confirm(
        user,
        read,
        typed.case,
        spoke_with=typed.spoke_with,
        answer=typed.answer,
        note=typed.note,
        origin=origin,
    )
    return _mapping(made)


@router.get("/reads/{read}/confirmations")
def confirmations(
    read: UUID, user: Bearer, rooms: Rooms, origin: Origin
) -> Sequence[Mapping[str, Any]]:
    """What the user's agency was told of a read."""
    return [_mapping(each) for each in rooms.confirmations.of_read(user, read, origin)]


def _mapping(found: object) -> Mapping[str, Any]:
    """What was found, without the numbers that are the database's own."""
    hidden = (
        "agency_id", "case_id", "received_by", "handled_by", "answered_by", "searched_by",
        "reviewed_by",
    )  # fmt: skip
    return {key: value for key, value in plain(found).items() if key not in hidden}
