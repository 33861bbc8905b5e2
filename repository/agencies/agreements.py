"""The agreement that an agency's head signs before the agency has access (policy G-4).

A signing stands until it must be done anew: ten business days after the head or a representative
changed, or the text was amended. What is due stays on record with what settled it, and older
signings stay. Everything runs in the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    exists,
    insert,
    literal,
    or_,
    select,
    update,
)

from repository import business_days
from repository.agencies.agreements_papers import Papers
from repository.agencies.errors import AgencyError, require_line
from repository.agencies.representatives import Post, holder, same_person
from repository.store.tables.agreements import agreement_dues, agreements
from repository.store.tables.fleet import agencies
from repository.units.enrolment import Agency

Cause: TypeAlias = Literal["not_on_file", "head_changed", "representative_changed", "amended"]

SIGN_WITHIN_DAYS = 10
"""Business days within which an agreement is signed anew (user agreement, section 4.0)."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What the agency's head signed: the version's name and text, and the copy with the signature.

    The name and title are the head's; ``signed_on`` is the date beside the signature.
    """

    version: str
    text: bytes
    copy: bytes
    signed_by: str
    signed_as: str
    signed_on: date


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement that was signed; its text and copy by their SHA-256."""

    id: int
    version: str
    text_sha256: str
    copy_sha256: str
    signed_by: str
    signed_as: str
    signed_on: date
    recorded_by_name: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Due:
    """Why an agency's head must sign, since when and by when."""

    id: int
    agency_id: int
    agency: str
    access: str | None
    cause: Cause
    detail: str
    arose_on: date
    due_on: date


def in_force(connection: Connection, agency_id: int, now: datetime) -> bool:
    """Whether the agency's head has signed.

    An agency that took part before agreements were kept here may go on, and is reminded to sign.
    One that signs too late keeps its agreement until its access is suspended.
    """
    stands = is_in_force(literal(agency_id), literal(business_days.day_of(now)))
    return bool(connection.scalar(select(stands)))


def is_in_force(agency_id: ColumnElement[int], day: ColumnElement[date]) -> ColumnElement[bool]:
    """The same for a day, to be asked with other things."""
    signed = exists().where(agreements.c.agency_id == agency_id, agreements.c.signed_on <= day)
    older = exists().where(
        agreement_dues.c.agency_id == agency_id, agreement_dues.c.cause == "not_on_file"
    )
    return or_(signed, older)


def sign(
    connection: Connection,
    papers: Papers,
    agency: Agency,
    signing: Signing,
    *,
    by: str,
    now: datetime,
) -> Agreement:
    """Keep an agreement that the agency's head signed; it settles what was due by then.

    Raises:
        AgencyError: if a field is empty, the date lies ahead or before the newest one's, another
            than the head on record signed, or a file is no such paper.
    """
    today = business_days.day_of(now)
    signed_by = require_line("signed by", signing.signed_by)
    if signing.signed_on > today:
        raise AgencyError(f"signed on {signing.signed_on}: that day has not come")
    before = newest(connection, agency.id)
    if before is not None and signing.signed_on < before.signed_on:
        raise AgencyError(
            f"signed on {signing.signed_on}: the agreement of {before.signed_on} is newer"
        )
    head = holder(connection, agency.id, Post.HEAD, signing.signed_on)
    if head is not None and not same_person(head.name, signed_by):
        raise AgencyError(
            f"signed by {signed_by}: on record as the agency's head is {head.name}; where that has "
            "changed, record it first with `alpr-repository agencies name`"
        )
    values: dict[str, Any] = {
        "version": require_line("version", signing.version, 100),
        "text_sha256": papers.keep_text(connection, signing.text, now),
        "copy_sha256": papers.keep_scan(connection, signing.copy, now),
        "signed_by": signed_by,
        "signed_as": require_line("title", signing.signed_as),
        "signed_on": signing.signed_on,
        "recorded_by_name": by,
        "recorded_at": now,
    }
    number: int = connection.execute(
        insert(agreements).values(agency_id=agency.id, **values).returning(agreements.c.id)
    ).scalar_one()
    connection.execute(
        update(agreement_dues)
        .where(
            agreement_dues.c.agency_id == agency.id,
            agreement_dues.c.settled_by.is_(None),
            agreement_dues.c.arose_on <= signing.signed_on,
        )
        .values(settled_by=number)
    )
    return Agreement(id=number, **values)


def require_anew(
    connection: Connection, agency_id: int, cause: Cause, detail: str, arose_on: date
) -> date:
    """Have the agency's head sign anew, since something changed on that day; gives the due date.

    Raises:
        AgencyError: if no calendar reaches so far.
    """
    try:
        due_on = business_days.add(arose_on, SIGN_WITHIN_DAYS)
    except ValueError as error:
        raise AgencyError(f"changed on {arose_on}: {error}") from error
    connection.execute(
        insert(agreement_dues).values(
            agency_id=agency_id, cause=cause, detail=detail, arose_on=arose_on, due_on=due_on
        )
    )
    return due_on


def newest(connection: Connection, agency_id: int) -> Agreement | None:
    """What the agency's head signed last."""
    found = history(connection, agency_id)
    return found[-1] if found else None


def history(connection: Connection, agency_id: int) -> list[Agreement]:
    """Everything that the agency's heads signed, the newest last."""
    columns = [each for each in agreements.c if each.name != "agency_id"]
    query = (
        select(*columns)
        .where(agreements.c.agency_id == agency_id)
        .order_by(agreements.c.signed_on, agreements.c.id)
    )
    return [Agreement(**row) for row in connection.execute(query).mappings()]


def open_dues(connection: Connection, agency_id: int | None = None) -> list[Due]:
    """What is to be signed, the most urgent first: of one agency, or of all that take part."""
    query = (
        select(
            agreement_dues.c.id,
            agreement_dues.c.agency_id,
            agencies.c.name.label("agency"),
            agencies.c.access,
            agreement_dues.c.cause,
            agreement_dues.c.detail,
            agreement_dues.c.arose_on,
            agreement_dues.c.due_on,
        )
        .join(agencies, agencies.c.id == agreement_dues.c.agency_id)
        .where(agreement_dues.c.settled_by.is_(None))
        .order_by(agreement_dues.c.due_on, agencies.c.name, agreement_dues.c.id)
    )
    if agency_id is None:
        query = query.where(agencies.c.access.is_distinct_from("ended"))
    else:
        query = query.where(agreement_dues.c.agency_id == agency_id)
    return [Due(**row) for row in connection.execute(query).mappings()]
