"""The ledger's newest signed checkpoint, for witnesses and whoever wants to check."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from repository.web.bearer import Rooms
from repository.web.faults import answer

router = APIRouter()


@router.get("/ledger/checkpoint")
def checkpoint(rooms: Rooms) -> Response:
    """The signed note as plain text. It holds a size and a root, and needs no token."""
    note = rooms.ledger.latest_checkpoint()
    if note is None:
        return answer(404, "no_checkpoint", "no checkpoint of the ledger has been signed yet")
    return PlainTextResponse(note)
