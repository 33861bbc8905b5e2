"""An agency's agreement, posts, policies, units' approvals and upkeep, for people of the agency.

Texts and signed copies come in and go out at the command line alone: they are larger than a request
may be. ``agency`` in a query names another agency, for people whose roles reach all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictInt

from repository.agencies.deployments import Wanted
from repository.agencies.policies import Outcome
from repository.agencies.representatives import Person, Post
from repository.agencies.upkeep import Kind, Planned, Work
from repository.present import plain
from repository.web.bearer import Bearer, Origin, Rooms
from repository.web.bodies import WRITTEN

router = APIRouter()

_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
Agency = Annotated[str | None, Query(pattern=_NAME)]
UnitName = Annotated[str, Field(pattern=_NAME)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Moment = Annotated[AwareDatetime, WRITTEN]
_Line = Annotated[str, Field(max_length=500)]
_Words = Annotated[str, Field(max_length=4000)]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Named(_Typed):
    """Who holds a post from that day on."""

    name: _Line
    title: _Line
    phone: _Line
    email: _Line
    login: Annotated[str, Field(max_length=64)] | None = None
    from_on: Annotated[date, WRITTEN]


class Vacated(_Typed):
    """From which day on nobody holds a post."""

    from_on: Annotated[date, WRITTEN]


class Reviewed(_Typed):
    """What a policy's review found."""

    outcome: Outcome
    recommendation: _Words


class Approval(_Typed):
    """What is approved, and by whom."""

    unit: UnitName
    purpose: _Line
    area: _Line
    from_at: _Moment
    until_at: _Moment
    approver: _Line
    title: _Line
    designation: _Line = ""


class Result(_Typed):
    """What came of a deployment."""

    result: _Words


class Done(_Typed):
    """What was done with a unit's equipment; without a moment, now."""

    unit: UnitName
    kind: Kind
    detail: _Words
    done_by: _Line
    at: _Moment | None = None


class Plan(_Typed):
    """How often something is done to a unit, as its maker advises."""

    unit: UnitName
    kind: Planned
    every_days: Annotated[StrictInt, Field(ge=1, le=3650)]
    advice: _Line


class Source(_Typed):
    """Who repairs."""

    source: _Line


@router.get("/agency")
def standing(
    user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Any]:
    """What the agency's heads signed, what is due, and who holds and held its posts."""
    shown: Mapping[str, Any] = plain(rooms.agreements.show(user, agency, origin))
    return shown


@router.put("/agency/posts/{post}")
def name(
    post: Post, typed: Named, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Any]:
    """Say who holds a post; ``sign_by`` is when the head signs anew, where that is due."""
    person = Person(typed.name, typed.title, typed.phone, typed.email, typed.login)
    named, due_on = rooms.agreements.name(user, agency, post, person, typed.from_on, origin)
    return {"holder": plain(named.holder), "sign_by": plain(due_on)}


@router.post("/agency/posts/{post}/vacate")
def vacate(
    post: Post, typed: Vacated, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Any]:
    """Say that nobody holds a post any more."""
    left, due_on = rooms.agreements.vacate(user, agency, post, typed.from_on, origin)
    return {"left": plain(left), "sign_by": plain(due_on)}


@router.get("/agency/policies")
def policies(
    user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Sequence[Any]]:
    """What the agency adopted; with the agency ``repository``, the repository's own policy."""
    return {"policies": plain(rooms.policies.show(user, agency, origin))}


@router.post("/agency/policies/{number}/review")
def review(
    number: Number,
    typed: Reviewed,
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    agency: Agency = None,
) -> Mapping[str, Any]:
    """Record today's review of a policy."""
    next_by = rooms.policies.review(
        user, agency, number, typed.outcome, typed.recommendation, origin
    )
    return {"policy": number, "review_by": plain(next_by)}


@router.get("/agency/deployments")
def deployments(
    user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Sequence[Any]]:
    """Approvals under which the agency's units run and ran."""
    return {"deployments": plain(rooms.deployments.show(user, agency, origin))}


@router.post("/agency/deployments", status_code=201)
def approve(
    typed: Approval, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, int]:
    """Record that a unit's use was approved."""
    wanted = Wanted(**typed.model_dump())
    return {"deployment": rooms.deployments.approve(user, agency, wanted, origin)}


@router.post("/agency/deployments/{number}/end")
def end(
    number: Number, typed: Result, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, int]:
    """Record what came of a deployment; one that still runs ends now."""
    rooms.deployments.end(user, agency, number, typed.result, origin)
    return {"deployment": number}


@router.get("/agency/unit-log")
def unit_log(
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    agency: Agency = None,
    unit: Annotated[str | None, Query(pattern=_NAME)] = None,
) -> Mapping[str, Sequence[Any]]:
    """What was done with the equipment of the agency's units."""
    return {"log": plain(rooms.upkeep.show(user, agency, unit, origin))}


@router.post("/agency/unit-log", status_code=201)
def record(
    typed: Done, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Any]:
    """Record what was done with a unit's equipment."""
    work = Work(typed.kind, typed.at or rooms.upkeep.acts.now(), typed.detail, typed.done_by)
    shown: Mapping[str, Any] = plain(rooms.upkeep.record(user, agency, typed.unit, work, origin))
    return shown


@router.put("/agency/upkeep-plans")
def plan(
    typed: Plan, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Any]:
    """Say how often something is done to a unit."""
    rooms.upkeep.plan(user, agency, typed.unit, typed.kind, typed.every_days, typed.advice, origin)
    return typed.model_dump()


@router.get("/agency/upkeep")
def upkeep(
    user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, Sequence[Any]]:
    """What units' plans ask for by when, who may repair, and what is out of service."""
    return {
        "due": plain(rooms.upkeep.due(user, agency, origin)),
        "out_of_service": plain(rooms.upkeep.out_of_service(user, agency, origin)),
        "repair_sources": rooms.upkeep.sources(user, agency, origin),
    }


@router.post("/agency/repair-sources", status_code=201)
def authorize(
    typed: Source, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, str]:
    """Let a source repair the agency's equipment."""
    rooms.upkeep.authorize(user, agency, typed.source, origin)
    return {"source": typed.source}


@router.post("/agency/repair-sources/end")
def end_authorization(
    typed: Source, user: Bearer, rooms: Rooms, origin: Origin, agency: Agency = None
) -> Mapping[str, str]:
    """Let a source repair nothing more."""
    rooms.upkeep.end_authorization(user, agency, typed.source, origin)
    return {"source": typed.source}
