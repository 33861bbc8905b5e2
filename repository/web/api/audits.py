"""Audits, reports of transactions, patterns worth a look, and the register of face requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
)

from repository.audits.face_register import FaceRequest
from repository.audits.present import DECIDES_NOTHING, file_as_mapping, pattern_as_mapping
from repository.audits.transactions import FIELDS, MAX_PAGE, Asked, as_mapping, as_paper, as_row
from repository.documents import csv
from repository.web.bearer import Bearer, Origin, Rooms
from repository.web.bodies import WRITTEN
from repository.web.document import files

router = APIRouter()

_FIRST, _LAST = 2000, 2200
_MAX_TEXT = 4000
CSV, JSON, PDF = "text/csv; charset=utf-8", "application/json", "application/pdf"


def _in_reach(at: datetime) -> datetime:
    # Years at the ends of what can be written cannot be turned into UTC.
    if not _FIRST <= at.year <= _LAST:
        raise ValueError(f"a year from {_FIRST} to {_LAST}")
    return at.astimezone(UTC)


def _day_in_reach(day: date) -> date:
    if not _FIRST <= day.year <= _LAST:
        raise ValueError(f"a year from {_FIRST} to {_LAST}")
    return day


Moment = Annotated[AwareDatetime, WRITTEN, AfterValidator(_in_reach)]
Day = Annotated[date, WRITTEN, AfterValidator(_day_in_reach)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Agency = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", max_length=63)]
_Answer = Literal["yes", "no", "unclear"]
_Text = Annotated[str, Field(max_length=_MAX_TEXT)]
_Line = Annotated[str, Field(max_length=200)]
AgencyQuery = Annotated[_Agency | None, Query()]
From = Annotated[Moment, Query(alias="from")]
To = Annotated[Moment, Query()]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class NewAudit(_Body):
    """An audit at will; with no agency, of the repository itself."""

    agency: _Agency | None
    start: Moment = Field(alias="from")
    end: Moment = Field(alias="to")
    reason: _Text


class Answers(_Body):
    """The answers about one search of a sample."""

    purpose_lawful: _Answer
    facts_specific: _Answer
    case_exists: _Answer
    result_used: _Answer
    aimed_at_protected: _Answer
    note: _Text = ""


class NewFinding(_Body):
    """What was found, and by when it is mended."""

    text: _Text
    due_on: Day


class FollowUp(_Body):
    """What was done about a finding."""

    text: _Text


class SignOff(_Body):
    """How an audit ends."""

    outcome: Literal["clean", "findings"]
    summary: _Text


class NewFaceRequest(_Body):
    """A request that the agency made in writing."""

    requested_at: Moment
    requester_name: _Line
    requester_position: _Line
    entity: Literal["registry", "state_police", "fbi"]
    database_searched: _Line
    basis: Literal["court_order", "deceased", "emergency"]
    case_number: Annotated[str, Field(max_length=64)]
    reason: _Text
    suspected_crime: _Line
    characteristics: _Text
    request: Annotated[str, Field(max_length=16_000)]
    affirmed: StrictBool
    court_order: _Line | None = None
    emergency_facts: _Text | None = None
    matches: Annotated[StrictInt, Field(ge=0, le=1_000_000)] | None = None


class Matches(_Body):
    """How many matches came back."""

    matches: Annotated[StrictInt, Field(ge=0, le=1_000_000)]


class OwnPlate(_Body):
    """A plate that the user says is theirs."""

    plate: Annotated[str, Field(max_length=32)]


@router.get("/audits")
def list_audits(
    user: Bearer, rooms: Rooms, origin: Origin, open_only: bool = False
) -> Mapping[str, Any]:
    """The audits that the user may see, the newest first."""
    found = rooms.audits.list(user, origin, open_only=open_only)
    return {"audits": [asdict(each) for each in found]}


@router.post("/audits", status_code=201)
def start_audit(typed: NewAudit, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, int]:
    """Start an audit at will."""
    number = rooms.audits.start(user, typed.agency, typed.start, typed.end, typed.reason, origin)
    return {"audit": number}


@router.get("/audits/{number}")
def show_audit(number: Number, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """One audit with all that belongs to it."""
    return file_as_mapping(rooms.audits.show(user, number, origin))


@router.post("/audits/{number}/redraw")
def redraw(number: Number, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, bool]:
    """Whether the ledger as it is now gives the same sample."""
    return {"same": rooms.audits.drawn_again(user, number, origin)}


@router.post("/audits/{number}/samples/{place}", status_code=204)
def answer(
    number: Number,
    place: Annotated[int, Path(ge=1, le=10_000)],
    typed: Answers,
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
) -> Response:
    """Answer the questions about one search of the sample."""
    answers = typed.model_dump(exclude={"note"})
    rooms.audits.answer(user, number, place, answers, typed.note, origin)
    return Response(status_code=204)


@router.post("/audits/{number}/findings", status_code=201)
def find(
    number: Number, typed: NewFinding, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, int]:
    """Add a finding."""
    return {"finding": rooms.audits.find(user, number, typed.text, typed.due_on, origin)}


@router.post("/audit-findings/{number}/follow-up", status_code=204)
def follow_up(
    number: Number, typed: FollowUp, user: Bearer, rooms: Rooms, origin: Origin
) -> Response:
    """Close a finding with what was done about it."""
    rooms.audits.follow_up(user, number, typed.text, origin)
    return Response(status_code=204)


@router.post("/audits/{number}/sign-off", status_code=204)
def sign_off(
    number: Number, typed: SignOff, user: Bearer, rooms: Rooms, origin: Origin
) -> Response:
    """Sign an audit off."""
    rooms.audits.sign_off(user, number, typed.outcome, typed.summary, origin)
    return Response(status_code=204)


@router.get("/audit-patterns")
def patterns(
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    start: From,
    to: To,
    agency: AgencyQuery = None,
) -> Mapping[str, Any]:
    """What in the searches of a period is worth a look; it decides nothing."""
    found = rooms.patterns.find(user, agency, start, to, origin)
    return {"notice": DECIDES_NOTHING, "patterns": [pattern_as_mapping(each) for each in found]}


@router.get("/transactions", responses=files("text/csv", "application/pdf"))
def transactions(
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    agency: Annotated[_Agency, Query()],
    start: From,
    to: To,
    login: Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9._-]{1,63}$")] = None,
    action: Annotated[str | None, Query(pattern=r"^[a-z_]+(\.[a-z_]+)+$", max_length=64)] = None,
    after: Annotated[str | None, Query(pattern=r"^[0-9]{1,16}-[0-9]{1,18}$")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1000,
    form: Annotated[Literal["json", "csv", "pdf"], Query(alias="format")] = "json",
) -> Any:
    """A page of an agency's transactions; where there are more, ``next`` asks for them.

    In the other forms than JSON it stands in the header ``Plateward-Next``.
    """
    asked = Asked(agency, start, to, login, action)
    rooms.transactions.allow(user, asked, origin)
    page = rooms.transactions.page(asked, user.actor, origin, after=after, limit=limit)
    if form == "json":
        return {"transactions": [as_mapping(each) for each in page.entries], "next": page.next}
    headers = {} if page.next is None else {"Plateward-Next": page.next}
    if form == "csv":
        content = csv.render(FIELDS, (as_row(each) for each in page.entries))
        return Response(content, media_type=CSV, headers=headers)
    return Response(as_paper(asked, page.entries), media_type=PDF, headers=headers)


@router.get(
    "/quarterly/{register}/{quarter}",
    response_class=Response,
    responses=files("text/csv", "application/json", "application/pdf"),
)
def quarterly_report(
    register: Literal["searches", "faces"],
    quarter: Annotated[str, Path(pattern=r"^20[0-9]{2}-Q[1-4]$")],
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
    agency: AgencyQuery = None,
    form: Annotated[Literal["csv", "json", "pdf"], Query(alias="format")] = "csv",
    so_far: bool = False,
) -> Response:
    """The documented searches of a quarter with the eight fields of the law.

    Of a quarter that still runs there is no report; ``so_far`` asks for what there is until now,
    which each form marks as unfinished.
    """
    asked = (register, quarter, agency)
    rooms.quarterly.allow(user, *asked, origin, so_far=so_far)
    report = rooms.quarterly.report(*asked, user.actor, origin, so_far=so_far)
    if form == "csv":
        return Response(report.as_csv(), media_type=CSV)
    if form == "json":
        return Response(report.as_json(), media_type=JSON)
    return Response(report.as_paper(), media_type=PDF)


@router.get("/face-requests")
def list_face_requests(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """The agency's requests, without whom they are about."""
    return {"requests": [asdict(each) for each in rooms.face_register.list(user, origin)]}


@router.post("/face-requests", status_code=201)
def add_face_request(
    typed: NewFaceRequest, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, int]:
    """Record a request that the agency made in writing."""
    asked = FaceRequest(**typed.model_dump())
    return {"face_request": rooms.face_register.add(user, asked, origin)}


@router.post("/face-requests/{number}/answer", status_code=204)
def answer_face_request(
    number: Number, typed: Matches, user: Bearer, rooms: Rooms, origin: Origin
) -> Response:
    """Record how many matches came back."""
    rooms.face_register.answer(user, number, typed.matches, origin)
    return Response(status_code=204)


@router.post("/own-plates", status_code=204)
def register_plate(typed: OwnPlate, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Register a plate as the user's own; nobody has to."""
    rooms.private_plates.register(user, typed.plate, origin)
    return Response(status_code=204)


@router.post("/own-plates/forget", status_code=204)
def forget_plate(typed: OwnPlate, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Take a plate of the user's out again."""
    rooms.private_plates.forget(user, typed.plate, origin)
    return Response(status_code=204)
