"""The ledger's newest signed checkpoint and its growth, for whoever wants to check.

They hold sizes, roots and hashes, and need no token. Entries and their proofs come out of the
command line alone: they say what others asked. An address may ask as often as with a token.
"""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from repository.ledger.errors import NotCoveredError
from repository.web.bearer import Origin, Rooms
from repository.web.document import files
from repository.web.faults import answer

router = APIRouter()


@router.get("/ledger/checkpoint", response_class=Response, responses=files("text/plain"))
def checkpoint(rooms: Rooms, origin: Origin) -> Response:
    """The signed note as plain text."""
    rooms.accounts.rates.admit_address(origin)
    note = rooms.ledger.latest_checkpoint()
    if note is None:
        return answer(404, "no_checkpoint", "no checkpoint of the ledger has been signed yet")
    return PlainTextResponse(note)


@router.get("/ledger/consistency/{old_size}")
def consistency(old_size: int, rooms: Rooms, origin: Origin) -> Response:
    """The proof that the newest checkpoint's tree only added to that of the older size."""
    rooms.accounts.rates.admit_address(origin)
    if rooms.ledger.latest_checkpoint() is None:
        return answer(404, "no_checkpoint", "no checkpoint of the ledger has been signed yet")
    try:
        return JSONResponse(asdict(rooms.ledger.prove_growth(old_size)))
    except NotCoveredError as error:
        return answer(404, "no_such_size", str(error))
