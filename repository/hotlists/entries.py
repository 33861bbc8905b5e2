"""Entries made by hand in the database, in the caller's transaction.

An entry's id in its list is ``manual:`` and its number here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, insert, select, update

from edge.contract.hotlist import HotlistEntry
from repository.accounts.user import User
from repository.hotlists import lines
from repository.hotlists.entry_request import EntryRequest
from repository.hotlists.lines import Line
from repository.hotlists.settings import MANUAL
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies
from repository.store.tables.hotlists import hotlist_entries, hotlists

State = Literal["proposed", "active", "expired", "ended", "refused"]
_row = hotlist_entries.c


@dataclass(frozen=True, slots=True)
class ManualEntry:
    """An entry made by hand, with everybody who had a part in it."""

    id: int
    hotlist_id: int
    agency_id: int
    agency: str
    list: str
    plate: str
    state_code: str | None
    kind: str
    priority: int
    note: str
    reason: str
    authorized_by_name: str
    authorized_by_rank: str
    expires: datetime
    review_due: datetime
    replaces: int | None
    proposed_by: UUID
    proposed_by_name: str
    proposed_at: datetime
    confirmed_by_name: str | None
    confirmed_at: datetime | None
    ended_by_name: str | None
    ended_at: datetime | None
    end_reason: str | None
    authorized_by: UUID | None
    authorized_by_login: str | None

    @property
    def label(self) -> str:
        """Its id in the list, as hits name it."""
        return f"{MANUAL}:{self.id}"

    def state(self, now: datetime) -> State:
        """Where it stands."""
        if self.ended_at is not None:
            return "refused" if self.confirmed_at is None else "ended"
        if self.expires <= now:
            return "expired"
        return "proposed" if self.confirmed_at is None else "active"


def add(
    connection: Connection,
    hotlist_id: int,
    request: EntryRequest,
    user: User,
    review_every: timedelta,
    now: datetime,
) -> int:
    """Keep a proposed entry; its number."""
    number: int = connection.execute(
        insert(hotlist_entries)
        .values(
            hotlist_id=hotlist_id,
            plate=request.plate,
            state=request.state,
            kind=request.kind,
            priority=request.priority,
            note=request.note,
            reason=request.reason,
            authorized_by_name=request.authorized_by_name,
            authorized_by_rank=request.authorized_by_rank,
            authorized_by=request.authorized_by,
            expires=request.expires,
            review_due=min(now + review_every, request.expires),
            replaces=request.replaces,
            proposed_by=user.id,
            proposed_by_name=user.name,
            proposed_at=now,
        )
        .returning(_row.id)
    ).scalar_one()
    return number


def find(connection: Connection, agency_id: int, number: int) -> ManualEntry | None:
    """The entry of that number, if it is the agency's."""
    if not 0 < number < 2**63:
        return None
    return next(_find(connection, _row.id == number, hotlists.c.agency_id == agency_id), None)


def of_agency(
    connection: Connection, agency: str | None = None, name: str | None = None
) -> list[ManualEntry]:
    """Entries as they were proposed: of everybody, of an agency, of its lists of one name."""
    conditions: list[ColumnElement[bool]] = []
    if agency is not None:
        conditions.append(agencies.c.name == agency)
    if name is not None:
        conditions.append(hotlists.c.name == name)
    return list(_find(connection, *conditions))


def confirm(connection: Connection, number: int, user: User, now: datetime) -> None:
    """Keep that a second person checked it."""
    _change(connection, number, confirmed_by=user.id, confirmed_by_name=user.name, confirmed_at=now)


def end(connection: Connection, number: int, reason: str, user: User, now: datetime) -> None:
    """Keep that it ended, or was refused if nobody had confirmed it."""
    _change(
        connection,
        number,
        ended_by=user.id,
        ended_by_name=user.name,
        ended_at=now,
        end_reason=reason,
    )


def put_off_review(connection: Connection, number: int, until: datetime) -> None:
    """Keep when it is to be looked at again."""
    _change(connection, number, review_due=until)


def lines_of(connection: Connection, hotlist_id: int, now: datetime) -> list[Line]:
    """The lines of a list's entries that alert now, in order of their ids."""
    alerting = _find(
        connection,
        _row.hotlist_id == hotlist_id,
        _row.confirmed_at.is_not(None),
        _row.ended_at.is_(None),
        _row.expires > now,
    )
    return lines.of_entries(map(_as_listed, alerting))


def _as_listed(entry: ManualEntry) -> HotlistEntry:
    return msgspec.convert(
        {
            "type": "hotlist_entry",
            "entry": entry.label,
            "plate": entry.plate,
            "state": entry.state_code,
            "kind": entry.kind,
            "priority": entry.priority,
            "entered": entry.confirmed_at,
            "expires": entry.expires,
            "note": entry.note,
        },
        HotlistEntry,
    )


def _change(connection: Connection, number: int, **values: Any) -> None:
    connection.execute(update(hotlist_entries).where(_row.id == number).values(**values))


def _find(connection: Connection, *conditions: ColumnElement[bool]) -> Iterator[ManualEntry]:
    for row in connection.execute(_select().where(*conditions)).all():
        yield ManualEntry(*tuple(row))


def _select() -> Select[Any]:
    return (
        select(
            _row.id,
            _row.hotlist_id,
            hotlists.c.agency_id,
            agencies.c.name,
            hotlists.c.name,
            _row.plate,
            _row.state,
            _row.kind,
            _row.priority,
            _row.note,
            _row.reason,
            _row.authorized_by_name,
            _row.authorized_by_rank,
            _row.expires,
            _row.review_due,
            _row.replaces,
            _row.proposed_by,
            _row.proposed_by_name,
            _row.proposed_at,
            _row.confirmed_by_name,
            _row.confirmed_at,
            _row.ended_by_name,
            _row.ended_at,
            _row.end_reason,
            _row.authorized_by,
            users.c.login,
        )
        .outerjoin(users, users.c.id == _row.authorized_by)
        .join(hotlists, hotlists.c.id == _row.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .order_by(_row.id)
    )
