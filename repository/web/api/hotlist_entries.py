"""Hot-list entries by hand, for people who have signed in; the desk records what they ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, StrictInt

from repository.hotlists.entry_present import entry_as_mapping
from repository.hotlists.entry_request import TypedEntry
from repository.web.bearer import Bearer, Origin, Rooms
from repository.web.bodies import WRITTEN

router = APIRouter()


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Proposal(_Typed):
    """An entry as typed; what is missing or wrong is the room's to refuse, on the record."""

    list: str
    plate: str
    kind: str
    reason: str = ""
    authorized_by: str = ""
    rank: str = ""
    expires: Annotated[datetime, WRITTEN] | None = None
    state: str = ""
    priority: StrictInt = 1
    note: str = ""
    replaces: StrictInt | None = None


class Ending(_Typed):
    """Which entry of which list ends, and why."""

    list: str
    entry: str
    reason: str = ""


class StillHolds(_Typed):
    """Why an entry still holds."""

    reason: str = ""


@router.get("/hotlist-entries")
def entries(
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    name: Annotated[str | None, Query(alias="list", max_length=63)] = None,
) -> Mapping[str, Any]:
    """The entries by hand of the user's agency, those that have ended too."""
    now = rooms.hotlist_desk.clock()
    shown = rooms.hotlist_desk.show(user, name, origin)
    return {"entries": [entry_as_mapping(each, now) for each in shown]}


@router.post("/hotlist-entries", status_code=201)
def propose(typed: Proposal, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """Propose an entry; it alerts once a second person confirmed it."""
    fields = typed.model_dump()
    desk = rooms.hotlist_desk
    act = desk.propose(user, fields.pop("list"), TypedEntry(**fields), origin)
    return entry_as_mapping(act.entry, desk.clock())


@router.post("/hotlist-entries/{number}/confirm")
def confirm(number: int, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """Confirm an entry as the second person; gives the version that units now get."""
    desk = rooms.hotlist_desk
    act = desk.confirm(user, number, origin)
    return {**entry_as_mapping(act.entry, desk.clock()), "version": act.version}


@router.post("/hotlist-entries/{number}/review")
def review(
    number: int, typed: StillHolds, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Keep on record that an entry was looked at and still holds."""
    desk = rooms.hotlist_desk
    return entry_as_mapping(desk.review(user, number, typed.reason, origin).entry, desk.clock())


@router.post("/hotlist-entries/cancel")
def cancel(typed: Ending, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """End an entry at once, an imported one too; null for a version where it never alerted."""
    version = rooms.hotlist_desk.cancel(user, typed.list, typed.entry, typed.reason, origin)
    return {"entry": typed.entry, "version": version}
