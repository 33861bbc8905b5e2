"""Alerts of one's own agency, for people who have signed in; each look is on the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from repository.hotlists.alert_present import as_mapping
from repository.hotlists.alert_state import Checked
from repository.hotlists.alerts import AlertQuery
from repository.web.bearer import Bearer, Origin, Rooms

router = APIRouter()


@router.get("/alerts")
def alerts(
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    start: Annotated[datetime, Query(alias="from")],
    end: Annotated[datetime, Query(alias="to")],
    name: Annotated[str | None, Query(alias="list", max_length=63)] = None,
    state: Checked | None = None,
    overdue: bool = False,
    limit: int = 200,
) -> Mapping[str, Any]:
    """Alerts of the user's agency, the newest first."""
    query = AlertQuery(start, end, name, state, overdue, limit)
    return as_mapping(rooms.alerts.show(user, query, origin))


@router.get("/alerts/{hit_id}")
def alert(hit_id: UUID, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """One alert of the user's agency with all that was recorded of it."""
    return as_mapping(rooms.alerts.find(user, hit_id, origin))
