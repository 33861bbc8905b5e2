"""A message as it came, opened as far as that needs no database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from edge.contract.batch import HitNotice, UnitStatus, message_digest
from edge.contract.errors import ContractError
from edge.contract.topics import UnitTopic, parse
from repository.ingest import opening
from repository.ingest.verdicts import OpenBatch, Refused


@dataclass(frozen=True, slots=True)
class NamedPicture:
    """A picture whose bytes are those that its topic names."""

    sha256: str


Content: TypeAlias = OpenBatch | HitNotice | UnitStatus | NamedPicture | Refused


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message and what is in it; ``place`` is None where its topic is no unit's.

    ``digest`` is what its receipt names it by. ``retained`` says that the broker kept it, so that
    its age is not known.
    """

    topic: str
    body: bytes
    digest: str
    place: UnitTopic | None
    content: Content
    retained: bool = False

    @property
    def rows(self) -> int:
        """How many rows it brings, about."""
        return len(self.content.records) if isinstance(self.content, OpenBatch) else 1

    @property
    def is_picture(self) -> bool:
        """Whether it brings the bytes of a picture."""
        return isinstance(self.content, NamedPicture)


def open_message(topic: str, body: bytes, *, retained: bool = False) -> Arrived:
    """Read a message and its records, and hash what is to be hashed."""
    digest = message_digest(body)
    try:
        place = parse(topic)
    except ContractError as error:
        return Arrived(topic, body, digest, None, Refused("malformed", str(error)), retained)
    try:
        content = _open(place, body)
    except Refused as refused:
        content = refused
    return Arrived(topic, body, digest, place, content, retained)


def _open(place: UnitTopic, body: bytes) -> Content:
    match place.channel:
        case "records":
            return opening.open_records(opening.open_batch(place, body))
        case "hits":
            return opening.open_hit(place, body)
        case "picture":
            return NamedPicture(opening.check_picture(place, body))
        case "status":
            return opening.open_status(place, body)
        case "receipt":
            raise Refused("malformed", "topic: the repository alone writes receipts")
