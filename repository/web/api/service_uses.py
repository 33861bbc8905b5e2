"""What services do with their tokens: bring hot lists, read statistics, fetch proofs.

None of them searches. Each use is on the ledger twice: as the token's, and as what was done.
"""

from __future__ import annotations

import dataclasses
import tempfile
from datetime import date
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from repository.accounts.api_tokens import Scope, Service
from repository.hotlists.errors import EntryRefusedError
from repository.hotlists.settings import MANUAL
from repository.ledger.errors import NotCoveredError
from repository.web.bearer import Origin, Rooms
from repository.web.bearer_service import service
from repository.web.document import bytes_of

router = APIRouter()

_MONTH = r"^(19[7-9][0-9]|20[0-9]{2})-(0[1-9]|1[0-2])$"
_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"
_REJECTIONS_SHOWN = 1000


class Month(BaseModel):
    """One number of the statistics; null where it is hidden."""

    month: str
    agency: str
    what: str
    number: int | None


class Numbers(BaseModel):
    """Numbers by agency, month and kind of list."""

    smallest_shown: int
    lines: list[Month]


class ListTaken(BaseModel):
    """What became of a hot list's file; at most 1000 of the rejected lines are named."""

    version: int
    entries: int
    source_entries: int
    rejected: int
    rejections: list[dict[str, Any]]


@router.get("/statistics")
def statistics(
    bearer: Annotated[Service, Depends(service(Scope.STATISTICS_READ))],
    rooms: Rooms,
    origin: Origin,
    first: Annotated[str, Query(pattern=_MONTH)],
    last: Annotated[str, Query(pattern=_MONTH)],
) -> Numbers:
    """Statistics of these months, both included and over; scope ``statistics:read``."""
    lines = rooms.statistics.release(_month(first), _month(last), bearer.actor, origin)
    return Numbers(
        smallest_shown=rooms.statistics.smallest,
        lines=[Month(**dataclasses.asdict(each)) for each in lines],
    )


@router.get("/ledger/entries/{index}/proof")
def proof(
    index: Annotated[int, Path(ge=0, le=2**62)],
    bearer: Annotated[Service, Depends(service(Scope.LEDGER_READ))],
    rooms: Rooms,
    origin: Origin,
) -> dict[str, Any]:
    """The proof that an entry is under the newest checkpoint; scope ``ledger:read``.

    Its body is left out, since it says what somebody asked: who has it checks it by ``leaf``.
    """
    if rooms.ledger.latest_checkpoint() is None:
        raise NotCoveredError("no checkpoint of the ledger has been signed yet")
    proven = dataclasses.asdict(rooms.ledger.prove_entry(index, bearer.actor, origin))
    del proven["body"]
    return proven


@router.put(
    "/hotlist-sources/{list_name}/{source}",
    openapi_extra=bytes_of("text/csv", "The list, as its source exports it."),
)
async def take_list(
    list_name: Annotated[str, Path(pattern=_NAME)],
    source: Annotated[str, Path(pattern=_NAME)],
    bearer: Annotated[Service, Depends(service(Scope.HOTLISTS_WRITE))],
    rooms: Rooms,
    origin: Origin,
    request: Request,
) -> ListTaken:
    """Issue a list's next version from a source's CSV file, the request's body.

    Of the token's own agency alone; scope ``hotlists:write``. A list that changes too much is
    refused: a person accepts that on the command line.
    """
    if source == MANUAL:
        raise EntryRefusedError(f"source {MANUAL}: stands for what is entered by hand")
    chosen = rooms.hotlist_desk.settings.source(bearer.agency, list_name, source)
    with tempfile.TemporaryDirectory(prefix="plateward-list-") as folder:
        path = FilePath(folder) / f"{list_name}-{source}.csv"
        with path.open("wb") as file:
            async for part in request.stream():
                file.write(part)
        done = await run_in_threadpool(
            rooms.hotlist_imports.take, path, chosen, actor=bearer.actor, origin=origin
        )
    return ListTaken(
        version=done.manifest.list.version,
        entries=done.manifest.list.entries,
        source_entries=done.source_entries,
        rejected=done.rejected,
        rejections=[dataclasses.asdict(each) for each in done.rejections[:_REJECTIONS_SHOWN]],
    )


def _month(written: str) -> date:
    return date.fromisoformat(f"{written}-01")
