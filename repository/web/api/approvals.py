"""Approvals of broad searches, and reviews of what was searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from repository.present import plain
from repository.web.api.searching import Search, Together
from repository.web.bearer import Bearer, Origin, Rooms

router = APIRouter()

_Words = Annotated[str, Field(max_length=4000)]
_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Waiting = Annotated[bool, Query()]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class ProposedSearch(_Typed):
    """A broad search, and why it must be."""

    search: Search
    reason: _Words


class ProposedTogether(_Typed):
    """A question of association, and why it must be put."""

    together: Together
    reason: _Words


class Decision(_Typed):
    """What a supervisor decides."""

    approve: bool
    reason: _Words


class Conclusion(_Typed):
    """What a review found."""

    outcome: Literal["justified", "unjustified", "match", "no_match"]
    reason: _Words


@router.post("/approvals/search", status_code=201)
def propose(typed: ProposedSearch, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """Propose a broad search to a supervisor."""
    with rooms.accounts.searching(user):  # how broad it is takes as long to see as a search
        made = rooms.search_approvals.propose(user, typed.search.asked(), typed.reason, origin)
    return _mapping(made)


@router.post("/approvals/together", status_code=201)
def propose_together(
    typed: ProposedTogether, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Propose a question of association to a supervisor."""
    with rooms.accounts.searching(user):
        made = rooms.search_approvals.propose(user, typed.together.asked(), typed.reason, origin)
    return _mapping(made)


@router.get("/approvals")
def approvals(
    user: Bearer, rooms: Rooms, origin: Origin, waiting: _Waiting = False
) -> Sequence[Mapping[str, Any]]:
    """The newest proposals of the user's agency, with criteria and purpose and no result."""
    return [_mapping(each) for each in rooms.search_approvals.list(user, origin, waiting=waiting)]


@router.post("/approvals/{number}/decision")
def decide(
    number: _Number, typed: Decision, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Approve a proposal or deny it."""
    done = rooms.search_approvals.decide(
        user, number, approve=typed.approve, reason=typed.reason, origin=origin
    )
    return _mapping(done)


@router.get("/search-reviews")
def reviews(
    user: Bearer, rooms: Rooms, origin: Origin, waiting: _Waiting = False
) -> Sequence[Mapping[str, Any]]:
    """The newest reviews of emergencies and possible matches at the user's agency."""
    return [_mapping(each) for each in rooms.search_reviews.list(user, origin, waiting=waiting)]


@router.post("/search-reviews/{number}")
def conclude(
    number: _Number, typed: Conclusion, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Conclude a review."""
    return _mapping(
        rooms.search_reviews.conclude(user, number, typed.outcome, typed.reason, origin)
    )


def _mapping(found: object) -> Mapping[str, Any]:
    """What was found, without the numbers that are the database's own."""
    hidden = ("agency_id", "case_id", "proposed_by", "decided_by", "searched_by", "reviewed_by")
    return {key: value for key, value in plain(found).items() if key not in hidden}
