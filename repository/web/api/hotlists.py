"""Hot lists for enrolled units: the newest manifest, a version's file, and the delta to it.

A unit shows a request signed with its own key (``edge.contract.unit_request``) in place of a
person's token. A file's entity tag is its SHA-256, and a range of it can be had, so that a unit
goes on where its link broke.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse

from repository.web.bearer import Rooms
from repository.web.bearer_unit import Unit
from repository.web.document import files
from repository.web.faults import answer
from repository.web.ranges import UnsatisfiableRangeError, wanted

router = APIRouter(prefix="/hotlists/{name}")

_JSON = "application/json"
_LINES = "application/jsonl"


Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Version = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/manifest")
def manifest(name: Name, unit: Unit, rooms: Rooms, request: Request) -> Response:
    """The signed manifest of the newest version; 304 if the unit has it by its entity tag."""
    content = rooms.hotlists.manifest(unit, name)
    headers = {"ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_JSON, headers=headers)


@router.get(
    "/versions/{version}/list",
    response_class=StreamingResponse,
    responses=files(_LINES) | files(_LINES, status=206),
)
def list_file(name: Name, version: Version, unit: Unit, rooms: Rooms, request: Request) -> Response:
    """The file of a version, or what of it the header ``Range`` asks for."""
    issue = rooms.hotlists.find(unit, name, version)
    size, etag = issue.size_bytes, f'"{issue.sha256}"'
    try:
        part = wanted(size, etag, request.headers.get("Range"), request.headers.get("If-Range"))
    except UnsatisfiableRangeError:
        refused = answer(416, "no_such_range", "the list's file is shorter than that")
        refused.headers["Content-Range"] = f"bytes */{size}"
        return refused
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Length": str(part.end - part.start),
    }
    if part.partial:
        headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{size}"
    return StreamingResponse(
        rooms.hotlists.pieces(unit, name, issue, part.start, part.end),
        status_code=206 if part.partial else 200,
        media_type=_LINES,
        headers=headers,
    )


@router.get("/versions/{version}/delta")
def delta(name: Name, version: Version, unit: Unit, rooms: Rooms) -> Response:
    """The delta to that version from the one that its manifest names; 404 if there is none."""
    return Response(rooms.hotlists.delta(unit, name, version), media_type=_JSON)
