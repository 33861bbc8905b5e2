"""The ledger's newest signed checkpoint, for witnesses and whoever wants to check."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException

from repository.web.bearer import Rooms

router = APIRouter()


@router.get("/ledger/checkpoint", response_class=PlainTextResponse)
def checkpoint(rooms: Rooms) -> str:
    """The signed note. It holds a size and a root, and needs no token."""
    note = rooms.ledger.latest_checkpoint()
    if note is None:
        raise HTTPException(404)
    return note
