"""A search by a person who has signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repository.search.asking import SearchRequest
from repository.search.criteria import DEFAULT_RESULTS
from repository.search.present import as_mapping
from repository.web.bearer import Origin, Rooms, Searcher
from repository.web.faults import explain

router = APIRouter()


class Search(BaseModel):
    """What is searched for and why.

    What is missing or wrong is the search room's to refuse, since it records each refusal.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    purpose: str = ""
    facts: str = ""
    case: str = ""
    court_order: str | None = None
    affirmed: bool = False
    plate: str | None = None
    folded: bool = False
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

    def request(self) -> SearchRequest:
        """The search as the room takes it."""
        asked = self.model_dump()
        return SearchRequest(case_number=asked.pop("case"), **asked)


async def _body(request: Request) -> bytes:
    return await request.body()


@router.post("/search")
def search(
    user: Searcher, body: Annotated[bytes, Depends(_body)], rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """The reads that fit, each with its source agency, under the notice that they are leads.

    The body is read here and not by the framework, which would refuse one without an entry.
    """
    try:
        typed = Search.model_validate_json(body)
    except ValidationError as error:
        rooms.searches.refuse(user, body.decode(errors="replace"), explain(error.errors()), origin)
    return as_mapping(rooms.searches.search(user, typed.request(), origin))
