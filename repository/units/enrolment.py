"""Agencies and the enrolment of their units, in the caller's transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from edge.contract.batch import GENESIS_ROOT, key_id
from repository.errors import RepositoryError
from repository.store.tables.fleet import (
    agencies,
    chains,
    former_unit_keys,
    unit_status,
    units,
)

_MAX_COMMON_NAME = 64  # X.520's upper bound, by RFC 5280, appendix A
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_ORI = re.compile(r"[A-Z]{2}[A-Z0-9]{5}(?:[A-Z0-9]{2})?")
RESERVED = "repository"
"""No agency's name: it stands for the repository itself where an agency is named."""
KINDS = {
    "law_enforcement": "police, sheriffs and others with powers of arrest",
    "prosecution": "prosecutors",
    "court": "criminal courts",
    "corrections": "prisons, probation and parole",
    "public_safety": "public safety agencies in the state's service",
}
"""Kinds of agencies that may take part: criminal justice and public safety, by the user agreement's
section 3.0."""


class EnrolmentError(RepositoryError):
    """An agency or unit cannot be added, found or revoked."""


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency: ``name`` as in topics, ``title`` as on paper; the rest as in its table."""

    id: int
    name: str
    title: str
    ori: str | None
    access: str | None
    kind: str | None


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
    connection: Connection,
    *,
    name: str,
    title: str,
    ori: str | None,
    now: datetime,
    kind: str = "law_enforcement",
) -> None:
    """Add an agency; nobody of it searches until its head has signed the agreement.

    Raises:
        EnrolmentError: if its name is taken or unfit for a topic, the ORI is not one, or the kind
            is none that may take part.
    """
    _require_name("agency", name)
    if not title.strip() or len(title) > 200:
        raise EnrolmentError("title: needs 1 to 200 characters")
    if ori is not None and not _ORI.fullmatch(ori):
        raise EnrolmentError(
            f"ori: {ori!r} is not two letters, then capitals and digits, seven or nine in all"
        )
    require_kind(kind)
    if name == RESERVED or find_agency(connection, name) is not None:
        raise EnrolmentError(f"agency {name}: is there already")
    connection.execute(
        insert(agencies).values(name=name, title=title, ori=ori, kind=kind, created_at=now)
    )


def require_kind(kind: str) -> str:
    """The kind, if agencies of that kind may take part.

    Raises:
        EnrolmentError: if they may not.
    """
    if kind not in KINDS:
        raise EnrolmentError(
            f"kind {kind!r}: only agencies of criminal justice and public safety take part "
            f"({', '.join(KINDS)}); what is gathered here is never sold or given to others unless "
            "the law requires it"
        )
    return kind


def find_agency(connection: Connection, name: str) -> Agency | None:
    """The agency of that name."""
    row = connection.execute(select(agencies).where(agencies.c.name == name)).one_or_none()
    return None if row is None else _agency(row)


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


def require_known(connection: Connection, name: str | None) -> None:
    """See that there is an agency of that name, where one is named to list what is of it.

    Raises:
        EnrolmentError: if there is none: an empty list would say that nothing of it is there.
    """
    if name is not None and find_agency(connection, name) is None:
        raise EnrolmentError(
            f"agency {name!r}: not known; `alpr-repository agencies list` shows all"
        )


def list_agencies(connection: Connection) -> list[Agency]:
    """All agencies by name."""
    rows = connection.execute(select(agencies).order_by(agencies.c.name))
    return [_agency(row) for row in rows]


def add_unit(
    connection: Connection, *, agency: str, name: str, public_key: Ed25519PublicKey, now: datetime
) -> str:
    """Enrol a unit, its chain at its beginning; one that was revoked, anew with another key.

    A unit that comes back goes on where its chain ends: a sequence is never given twice, so that
    unit and sequence name one record for good. Its former key is kept beside what it signed.

    Returns:
        The key's id, to be compared with the one that the unit shows.

    Raises:
        EnrolmentError: if the agency is not known, the name is taken or too long, or the key is or
            was a unit's.
    """
    _require_name("unit", name)
    if len(f"{agency}.{name}") > _MAX_COMMON_NAME:
        raise EnrolmentError(
            f"unit {agency}.{name}: its certificate's common name would be longer than "
            f"{_MAX_COMMON_NAME} characters; choose a shorter name"
        )
    agency_id = require_agency(connection, agency).id
    identifier = key_id(public_key)
    if connection.scalar(
        select(former_unit_keys.c.unit_id).where(former_unit_keys.c.key_id == identifier)
    ):
        raise EnrolmentError(
            f"unit {agency}/{name}: a unit had that key before it was revoked; make a new one"
        )
    if _replace_key(connection, agency_id, name, public_key, now):
        return identifier
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
        raise EnrolmentError(
            f"unit {agency}/{name}: not enrolled, or revoked already; "
            "`alpr-repository units list` shows which are"
        )


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


def _agency(row: Row[Any]) -> Agency:
    return Agency(row.id, row.name, row.title, row.ori, row.access, row.kind)


def _replace_key(
    connection: Connection, agency_id: int, name: str, public_key: Ed25519PublicKey, now: datetime
) -> bool:
    """Give a revoked unit of that name this key; False if there is no such unit."""
    row = connection.execute(
        select(units).where(
            units.c.agency_id == agency_id, units.c.name == name, units.c.revoked_at.is_not(None)
        )
    ).one_or_none()
    if row is None:
        return False
    if row.key_id == key_id(public_key):
        raise EnrolmentError(f"unit {name}: this is the key that was revoked; make a new one")
    try:
        with connection.begin_nested():
            connection.execute(
                insert(former_unit_keys).values(
                    key_id=row.key_id,
                    unit_id=row.id,
                    public_key=row.public_key,
                    enrolled_at=row.created_at,
                    revoked_at=row.revoked_at,
                )
            )
            connection.execute(
                update(units)
                .where(units.c.id == row.id)
                .values(
                    key_id=key_id(public_key),
                    public_key=public_key.public_bytes(Encoding.Raw, PublicFormat.Raw),
                    created_at=now,
                    revoked_at=None,
                )
            )
    except IntegrityError as error:
        raise EnrolmentError(f"unit {name}: a unit with that key is enrolled already") from error
    return True


def _require_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise EnrolmentError(
            f"{what}: {name!r} is not lower-case letters, digits and hyphens, 63 at most"
        )
