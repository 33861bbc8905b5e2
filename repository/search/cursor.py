"""The place in a result at which its next page begins. Pure.

Results are in one order: newest first, reads of one moment by id and unit. A cursor names the last
read that was shown, so pages neither repeat nor leave out a read that was there at the first page,
whatever arrives or goes between them. It is no secret and not signed: `run_rows` takes only one
that names a read which an earlier answer to the same question showed the same person.
"""

from __future__ import annotations

import binascii
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from repository.search.errors import SearchRefusedError

_LAYOUT = struct.Struct(">q16sq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last read of a page."""

    captured_at: datetime
    read_id: UUID
    unit_id: int

    @classmethod
    def of(cls, typed: str) -> Cursor:
        """The cursor that a result gave.

        Raises:
            SearchRefusedError: if it is none.
        """
        try:
            microseconds, read_id, unit_id = _LAYOUT.unpack(urlsafe_b64decode(typed.encode()))
            captured_at = _EPOCH + timedelta(microseconds=microseconds)
        except (binascii.Error, struct.error, ValueError, OverflowError) as error:
            raise SearchRefusedError("after: expected what a result gave as its next") from error
        return cls(captured_at, UUID(bytes=read_id), unit_id)

    def __str__(self) -> str:
        """As a result gives it."""
        microseconds = (self.captured_at - _EPOCH) // timedelta(microseconds=1)
        packed = _LAYOUT.pack(microseconds, self.read_id.bytes, self.unit_id)
        return urlsafe_b64encode(packed).decode()
