"""A search by a person who has signed in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from repository.search.criteria import DEFAULT_RESULTS
from repository.search.present import as_mapping
from repository.search.service import SearchRequest
from repository.web.bearer import Bearer, Origin, Rooms

router = APIRouter()


class Search(BaseModel):
    """What is searched for and why.

    What is missing or wrong is the search room's to refuse, since it records each refusal.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    plate: str = ""
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")
    purpose: str = ""
    facts: str = ""
    case: str = ""
    court_order: str | None = None
    affirmed: bool = False
    folded: bool = False
    limit: int = DEFAULT_RESULTS

    def request(self) -> SearchRequest:
        """The search as the room takes it."""
        return SearchRequest(
            plate=self.plate,
            start=self.start,
            end=self.end,
            purpose=self.purpose,
            facts=self.facts,
            case_number=self.case,
            affirmed=self.affirmed,
            court_order=self.court_order,
            folded=self.folded,
            limit=self.limit,
        )


@router.post("/search")
def search(typed: Search, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """The reads that fit, each with its source agency, under the notice that they are leads."""
    return as_mapping(rooms.searches.search(user, typed.request(), origin))
