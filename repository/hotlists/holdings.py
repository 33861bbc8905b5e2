"""Which unit has which version of which list: what it said in its status, and what it fetched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from repository.hotlists.versions import is_issued
from repository.store.tables.fleet import agencies, unit_status, units
from repository.store.tables.hotlists import hotlist_fetches, hotlist_versions, hotlists
from repository.units.findings import raise_finding, settle_finding

KIND = "hotlist_behind"


@dataclass(frozen=True, slots=True)
class Holding:
    """A list on a unit: the version in use as the unit last said it, and how old that is.

    ``version`` is None where it said that it has none, or never spoke of the list; then ``age`` is
    too. ``behind_since`` is when the version after it was made; None if there is none.
    """

    agency: str
    unit: str
    unit_id: int
    list: str
    version: int | None
    newest: int
    behind_by: int
    behind_since: datetime | None
    age: timedelta | None
    said_at: datetime | None
    fetched: int | None
    fetched_at: datetime | None

    @property
    def known(self) -> bool:
        """Whether the unit ever had the list, or said that it has: others may not be set to."""
        return self.version is not None or self.fetched is not None

    def too_long_behind(self, after: timedelta) -> bool:
        """Whether the unit said, that long after a newer version was made, that it has the old.

        A unit that was switched off meanwhile has not said so.
        """
        return (
            self.known
            and self.behind_since is not None
            and self.said_at is not None
            and self.said_at - self.behind_since > after
        )


def of_units(connection: Connection, now: datetime, agency: str | None = None) -> list[Holding]:
    """Each list of each unit's agency, by agency, unit and list; revoked units are left out."""
    lists = _lists(connection, agency)
    fetched = {
        (row.unit_id, row.hotlist_id): (row.version, row.fetched_at)
        for row in connection.execute(select(hotlist_fetches))
    }
    found: list[Holding] = []
    for unit in _units(connection, agency):
        said = {each["name"]: each for each in (unit.health or {}).get("hotlists", ())}
        for each in lists.get(unit.agency_id, ()):
            version, fetched_at = fetched.get((unit.id, each.id), (None, None))
            in_use = _number(said.get(each.name))
            since = each.made_after(in_use)
            found.append(
                Holding(
                    agency=unit.agency,
                    unit=unit.name,
                    unit_id=unit.id,
                    list=each.name,
                    version=in_use,
                    newest=each.newest,
                    behind_by=each.newest - (in_use or 0),
                    behind_since=since,
                    age=each.age(in_use, now),
                    said_at=unit.health_at,
                    fetched=version,
                    fetched_at=fetched_at,
                )
            )
    return found


def watch(connection: Connection, after: timedelta, now: datetime) -> None:
    """Raise a finding for each unit that stays behind with a list; settle those that caught up."""
    for each in of_units(connection, now):
        if each.too_long_behind(after):
            had = "none" if each.version is None else f"version {each.version}"
            detail = (
                f"has {had} of hot list {each.list} where version {each.newest} is the newest, "
                f"behind since {each.behind_since:%Y-%m-%d %H:%M} UTC; `alpr-edge doctor` on the "
                "unit says why"
            )
            raise_finding(connection, KIND, each.unit_id, detail, now, subject=each.list)
        elif each.behind_since is None:
            reason = "the unit has the newest version"
            settle_finding(connection, KIND, each.unit_id, reason, now, subject=each.list)


@dataclass(frozen=True, slots=True)
class _List:
    id: int
    name: str
    versions: tuple[tuple[int, datetime, datetime], ...]

    @property
    def newest(self) -> int:
        return self.versions[-1][0]

    def made_after(self, version: int | None) -> datetime | None:
        later = (made_at for number, _, made_at in self.versions if number > (version or 0))
        return next(later, None)

    def age(self, version: int | None, now: datetime) -> timedelta | None:
        issued = (issued_at for number, issued_at, _ in self.versions if number == version)
        found = next(issued, None)
        return None if found is None else now - found


def _lists(connection: Connection, agency: str | None) -> dict[int, list[_List]]:
    row = hotlist_versions.c
    query = (
        select(
            hotlists.c.agency_id,
            hotlists.c.id,
            hotlists.c.name,
            row.version,
            row.issued_at,
            row.imported_at,
        )
        .join(hotlists, hotlists.c.id == row.hotlist_id)
        .join(agencies, agencies.c.id == hotlists.c.agency_id)
        .where(is_issued())
        .order_by(hotlists.c.name, row.version)
    )
    if agency is not None:
        query = query.where(agencies.c.name == agency)
    versions: dict[tuple[int, int, str], list[tuple[int, datetime, datetime]]] = {}
    for agency_id, hotlist_id, name, *version in connection.execute(query):
        versions.setdefault((agency_id, hotlist_id, name), []).append(
            (version[0], version[1], version[2])
        )
    lists: dict[int, list[_List]] = {}
    for (agency_id, hotlist_id, name), some in versions.items():
        lists.setdefault(agency_id, []).append(_List(hotlist_id, name, tuple(some)))
    return lists


def _units(connection: Connection, agency: str | None) -> Iterator[Any]:
    query = (
        select(
            units.c.id,
            units.c.agency_id,
            agencies.c.name.label("agency"),
            units.c.name,
            unit_status.c.health,
            unit_status.c.health_at,
        )
        .join(agencies, agencies.c.id == units.c.agency_id)
        .outerjoin(unit_status, unit_status.c.unit_id == units.c.id)
        .where(units.c.revoked_at.is_(None))
        .order_by(agencies.c.name, units.c.name)
    )
    if agency is not None:
        query = query.where(agencies.c.name == agency)
    yield from connection.execute(query)


def _number(said: dict[str, Any] | None) -> int | None:
    version = "" if said is None else str(said.get("version", ""))
    return int(version) if version.isdecimal() and version.isascii() else None
