"""Agencies and the enrolment of their units, in the caller's transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from edge.contract.batch import GENESIS_ROOT, key_id
from repository.errors import RepositoryError
from repository.store.tables.fleet import agencies, chains, unit_status, units

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ORI = re.compile(r"[A-Z0-9]{9}")


class EnrolmentError(RepositoryError):
    """An agency or unit cannot be added, found or revoked."""


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency: ``name`` as in topics, ``title`` as on paper."""

    id: int
    name: str
    title: str
    ori: str | None


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as enrolled, and what is known of it now.

    ``health`` is what it last said at ``health_at``: the contract's ``UnitHealth`` as JSON.
    """

    agency: str
    name: str
    key_id: str
    created_at: datetime
    revoked_at: datetime | None
    committed_through: int
    state: str | None
    heard_at: datetime | None
    software: str | None
    waiting_records: int | None
    health: dict[str, Any] | None
    health_at: datetime | None


def add_agency(
    connection: Connection, *, name: str, title: str, ori: str | None, now: datetime
) -> None:
    """Add an agency.

    Raises:
        EnrolmentError: if its name is taken or unfit for a topic, or the ORI is not one.
    """
    _require_name("agency", name)
    if not title.strip() or len(title) > 200:
        raise EnrolmentError("title: needs 1 to 200 characters")
    if ori is not None and not _ORI.fullmatch(ori):
        raise EnrolmentError(f"ori: {ori!r} is not nine capitals and digits")
    if find_agency(connection, name) is not None:
        raise EnrolmentError(f"agency {name}: is there already")
    connection.execute(insert(agencies).values(name=name, title=title, ori=ori, created_at=now))


def find_agency(connection: Connection, name: str) -> Agency | None:
    """The agency of that name."""
    row = connection.execute(select(agencies).where(agencies.c.name == name)).one_or_none()
    return None if row is None else Agency(row.id, row.name, row.title, row.ori)


def require_agency(connection: Connection, name: str) -> Agency:
    """The agency of that name.

    Raises:
        EnrolmentError: if there is none.
    """
    agency = find_agency(connection, name)
    if agency is None:
        raise EnrolmentError(
            f"agency {name}: not known; add it with `alpr-repository agencies add`"
        )
    return agency


def list_agencies(connection: Connection) -> list[Agency]:
    """All agencies by name."""
    rows = connection.execute(select(agencies).order_by(agencies.c.name))
    return [Agency(row.id, row.name, row.title, row.ori) for row in rows]


def add_unit(
    connection: Connection, *, agency: str, name: str, public_key: Ed25519PublicKey, now: datetime
) -> str:
    """Enrol a unit, its chain at its beginning.

    Returns:
        The key's id, to be compared with the one that the unit shows.

    Raises:
        EnrolmentError: if the agency is not known, or the name or the key is taken. A revoked
            unit keeps its name, since its reads and its chain go by it.
    """
    _require_name("unit", name)
    agency_id = require_agency(connection, agency).id
    if _is_revoked(connection, agency_id, name):
        raise EnrolmentError(
            f"unit {agency}/{name}: was revoked, and its name stays with what it sent; "
            "enrol the new key under a new name"
        )
    identifier = key_id(public_key)
    try:
        with connection.begin_nested():
            row_id = connection.execute(
                insert(units)
                .values(
                    agency_id=agency_id,
                    name=name,
                    key_id=identifier,
                    public_key=public_key.public_bytes(Encoding.Raw, PublicFormat.Raw),
                    created_at=now,
                )
                .returning(units.c.id)
            ).scalar_one()
    except IntegrityError as error:
        raise EnrolmentError(
            f"unit {agency}/{name}: a unit of that name or with that key is enrolled already"
        ) from error
    connection.execute(
        insert(chains).values(
            unit_id=row_id, committed_through=0, chain_root=GENESIS_ROOT, updated_at=now
        )
    )
    return identifier


def revoke_unit(connection: Connection, *, agency: str, name: str, now: datetime) -> None:
    """Take nothing more from a unit; what it sent stays.

    Raises:
        EnrolmentError: if it is not enrolled, or revoked already.
    """
    agency_id = require_agency(connection, agency).id
    done = connection.execute(
        update(units)
        .where(units.c.agency_id == agency_id, units.c.name == name, units.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    if done.rowcount != 1:
        raise EnrolmentError(f"unit {agency}/{name}: not enrolled, or revoked already")


def list_units(connection: Connection) -> list[Unit]:
    """All units by agency and name, revoked ones too."""
    query = (
        select(
            agencies.c.name.label("agency"),
            units.c.name,
            units.c.key_id,
            units.c.created_at,
            units.c.revoked_at,
            chains.c.committed_through,
            unit_status.c.state,
            unit_status.c.received_at.label("heard_at"),
            unit_status.c.software,
            unit_status.c.waiting_records,
            unit_status.c.health,
            unit_status.c.health_at,
        )
        .join(agencies, agencies.c.id == units.c.agency_id)
        .join(chains, chains.c.unit_id == units.c.id)
        .outerjoin(unit_status, unit_status.c.unit_id == units.c.id)
        .order_by(agencies.c.name, units.c.name)
    )
    return [Unit(**row) for row in connection.execute(query).mappings()]


def _is_revoked(connection: Connection, agency_id: int, name: str) -> bool:
    query = select(units.c.revoked_at).where(units.c.agency_id == agency_id, units.c.name == name)
    return connection.scalar(query) is not None


def _require_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise EnrolmentError(
            f"{what}: {name!r} is not lower-case letters, digits and hyphens, 63 at most"
        )
