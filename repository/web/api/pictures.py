"""A picture for a person who has signed in."""

from __future__ import annotations

from typing import NoReturn

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict

from repository.search.picture import PictureRequest
from repository.web.bearer import Bearer, Origin, Rooms
from repository.web.bodies import Body, take
from repository.web.document import body as body_of
from repository.web.document import files

router = APIRouter()


class View(BaseModel):
    """Which picture and why; what is missing or wrong is the room's to refuse, on the record."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    read: str = ""
    kind: str = ""
    purpose: str = ""
    facts: str = ""
    case: str = ""
    court_order: str | None = None
    offence: str | None = None
    affirmed: bool = False

    def request(self) -> PictureRequest:
        """The wish as the room takes it."""
        return PictureRequest(
            read=self.read,
            kind=self.kind,
            purpose=self.purpose,
            facts=self.facts,
            case_number=self.case,
            affirmed=self.affirmed,
            court_order=self.court_order,
            offence=self.offence,
        )


@router.post(
    "/picture",
    response_class=Response,
    openapi_extra=body_of(View),
    responses=files("image/jpeg", "image/png", "application/octet-stream"),
)
def picture(user: Bearer, body: Body, rooms: Rooms, origin: Origin) -> Response:
    """The bytes of one picture of a read, with its entry in the ledger in a header.

    A POST, since in an address the purpose and its facts would stand in the logs of every proxy.
    """

    def refuse(typed: str, reason: str) -> NoReturn:
        rooms.shown_pictures.refuse(user, typed, reason, origin)

    typed = take(View, body, refuse)
    shown = rooms.shown_pictures.show(user, typed.request(), origin)
    headers = {"X-Ledger-Entry": str(shown.ledger_index), "X-Picture-SHA256": shown.sha256}
    return Response(shown.content, media_type=shown.media_type, headers=headers)
