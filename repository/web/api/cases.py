"""Case files of the user's own agency, and evidence packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from repository.cases.disseminations import MAX_READS, Dissemination, Recipient
from repository.cases.errors import CaseError
from repository.cases.evidence.layout import MAX_READS as MAX_PACKAGED
from repository.cases.evidence.make import PackageRequest
from repository.cases.present import as_mapping, event_as_mapping, summary_as_mapping
from repository.web.bearer import Bearer, Origin, Rooms
from repository.web.bodies import WRITTEN
from repository.web.document import files

router = APIRouter()

_CHUNK_BYTES = 64 * 1024
_Number = Annotated[str, Field(min_length=1, max_length=128)]
_Line = Annotated[str, Field(max_length=500)]
_Words = Annotated[str, Field(max_length=10_000)]
_ReadId = Annotated[str, Field(max_length=36)]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Note(_Typed):
    """A note in a case file."""

    case: _Number
    text: _Words


class Disposition(_Typed):
    """A case's final disposition."""

    case: _Number
    on: Annotated[date, WRITTEN]
    disposition: _Words


class GivenTo(_Typed):
    """Who outside the agency is given something, and why they may be."""

    name: _Line
    organisation: _Line
    kind: _Line
    why: _Words
    authority: _Line
    law: _Line | None = None

    def recipient(self) -> Recipient:
        """The recipient.

        Raises:
            CaseError: if it says too little, or may be given nothing.
        """
        return Recipient.of(**self.model_dump())


class Given(_Typed):
    """What they are given."""

    case: _Number
    given_to: GivenTo
    what: _Words
    reads: Annotated[list[_ReadId], Field(max_length=MAX_READS)] = []


class PackageWish(_Typed):
    """An evidence package; ``given_to`` if it is made for somebody outside the agency."""

    case: _Number
    reads: Annotated[list[_ReadId], Field(max_length=MAX_PACKAGED)]
    purpose: _Line
    facts: _Words = ""
    court_order: _Line | None = None
    affirmed: StrictBool = False
    given_to: GivenTo | None = None


@router.get("/cases")
def cases(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """The agency's cases."""
    found = rooms.case_files.list(user.agency, user, origin)
    return {"cases": [summary_as_mapping(each) for each in found]}


@router.get("/cases/file")
def case_file(
    number: Annotated[str, Query(min_length=1, max_length=128)],
    user: Bearer,
    rooms: Rooms,
    origin: Origin,
) -> Mapping[str, Any]:
    """One case file: its searches and what they showed, its holds, and what else happened."""
    return as_mapping(rooms.case_files.show(user.agency, number, user, origin))


@router.post("/cases/notes", status_code=201)
def note(typed: Note, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, int]:
    """Write a note in a case file."""
    return {"note": rooms.case_files.note(user, typed.case, typed.text, origin)}


@router.post("/cases/dispositions", status_code=201)
def disposition(
    typed: Disposition, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, list[int]]:
    """Record a case's final disposition; gives the holds that it ends."""
    ended = rooms.case_files.dispose(
        user, typed.case, on=typed.on, disposition=typed.disposition, origin=origin
    )
    return {"holds": list(ended)}


@router.get("/disseminations")
def disseminations(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """The agency's secondary dissemination log."""
    found = rooms.case_files.disseminations(user, origin)
    return {
        "disseminations": [
            {"case": each.case_number, "number": each.number, **event_as_mapping(each.event)}
            for each in found
        ]
    }


@router.post("/disseminations", status_code=201)
def disseminate(typed: Given, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, int]:
    """Record what somebody outside the agency is given."""
    try:
        given = Dissemination.of(typed.given_to.recipient(), typed.what, typed.reads)
    except CaseError as error:
        rooms.case_files.refuse(user, "cases.disseminate", error, origin)
        raise
    return {"dissemination": rooms.case_files.disseminate(user, typed.case, given, origin)}


@router.post("/evidence", response_class=StreamingResponse, responses=files("application/zip"))
def evidence(typed: PackageWish, user: Bearer, rooms: Rooms, origin: Origin) -> StreamingResponse:
    """An evidence package of reads that the agency holds for the case, as a zip."""
    try:
        recipient = None if typed.given_to is None else typed.given_to.recipient()
    except CaseError as error:
        rooms.case_files.refuse(user, "evidence.make", error, origin)
        raise
    request = PackageRequest(
        case_number=typed.case,
        reads=typed.reads,
        purpose=typed.purpose,
        facts=typed.facts,
        affirmed=typed.affirmed,
        court_order=typed.court_order,
        recipient=recipient,
    )
    made = rooms.evidence.make(user, request, origin)
    headers = {
        "Content-Length": str(len(made.content)),
        "Content-Disposition": 'attachment; filename="evidence.zip"',
        "X-Ledger-Entry": str(made.ledger_index),
        "X-Package": made.digest,
    }
    return StreamingResponse(_chunks(made.content), media_type="application/zip", headers=headers)


def _chunks(content: bytes) -> Iterator[bytes]:
    for at in range(0, len(content), _CHUNK_BYTES):
        yield content[at : at + _CHUNK_BYTES]
