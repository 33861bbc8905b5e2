"""A search by a person who has signed in, and a question which plates were seen together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from repository.search.asking import SearchRequest, TogetherRequest
from repository.search.criteria import DEFAULT_RESULTS
from repository.search.present import as_mapping, together_mapping
from repository.web.bearer import Origin, Rooms, Searcher
from repository.web.bodies import Body, take
from repository.web.document import body as body_of
from repository.web.hangup import until_hung_up

router = APIRouter()


class Why(BaseModel):
    """Why something is searched for.

    What is missing or wrong is the search room's to refuse, since it records each refusal. Nothing
    is taken for what it is not: only true affirms.
    """

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    purpose: str = ""
    facts: str = ""
    case_number: str = Field(alias="case", default="")
    court_order: str | None = None
    offence: str | None = None
    emergency: str | None = None
    on_request: int | None = Field(alias="request", default=None)
    affirmed: bool = False


class Search(Why):
    """What is searched for and why."""

    plate: str | None = None
    folded: bool = False
    second_guesses: bool = False
    start: str | None = Field(alias="from", default=None)
    end: str | None = Field(alias="to", default=None)
    near: str | None = None
    radius_m: float | None = None
    within: list[str] | None = None
    state: str | None = None
    state_or_unknown: bool = False
    agency: str | None = None
    unit: str | None = None
    camera: str | None = None
    hits_only: bool = False
    limit: int = DEFAULT_RESULTS
    after: str | None = None

    def asked(self) -> SearchRequest:
        """The search as the room takes it."""
        return SearchRequest(**self.model_dump())


class Together(Why):
    """Which plates were seen with this one: so often, so near, so soon before or after."""

    plate: str = ""
    start: str = Field(alias="from", default="")
    end: str = Field(alias="to", default="")
    distance_m: float = 200.0
    within_s: float = 60.0
    times: int = 3

    def asked(self) -> TogetherRequest:
        """The question as the room takes it."""
        return TogetherRequest(**self.model_dump())


@router.post("/search", openapi_extra=body_of(Search))
async def search(
    request: Request, user: Searcher, body: Body, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """The reads that fit, each with its source agency, under the notice that they are leads.

    The body is read here and not by the framework, which would refuse one without an entry.
    """
    stop = rooms.searches.new_stop()

    def refuse(typed: str, reason: str) -> NoReturn:
        rooms.searches.refuse(user, typed, reason, origin)

    def find() -> Mapping[str, Any]:
        typed = take(Search, body, refuse)
        with rooms.accounts.searching(user):
            return as_mapping(rooms.searches.search(user, typed.asked(), origin, stop))

    return await until_hung_up(request, find, stop.call)


@router.post("/search/together", openapi_extra=body_of(Together))
async def together(
    request: Request, user: Searcher, body: Body, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """The plates that were seen with one, if a supervisor has approved the question."""
    stop = rooms.searches.new_stop()

    def refuse(typed: str, reason: str) -> NoReturn:
        rooms.searches.refuse(user, typed, reason, origin)

    def find() -> Mapping[str, Any]:
        typed = take(Together, body, refuse)
        with rooms.accounts.searching(user):
            return together_mapping(rooms.searches.together(user, typed.asked(), origin, stop))

    return await until_hung_up(request, find, stop.call)
