"""The use case of looking at a picture: authorise, find, record, commit, and only then show.

A picture is shown like the answer of a search: to a person who has signed in, for a purpose with
its facts and a case, with an entry in the ledger and in the case file that are committed before
the bytes leave. A read that is not there, one that may not be shown and one without such a picture
are refused in the same words, so that nobody learns from a refusal which reads there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from uuid import UUID

from sqlalchemy import Connection, Engine, select

from repository.accounts.entering import enter
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.cases import files
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.retention.duties import Duties, Shipped
from repository.retention.rules import RetentionRule
from repository.search import permits
from repository.search.errors import SearchRefusedError
from repository.search.permits import REFUSALS, Law
from repository.search.purpose import Purpose
from repository.search.run import Sight
from repository.search.settings import SearchSettings
from repository.store import locks
from repository.store.locks import Turn
from repository.store.pictures import PictureMissingError, PictureStore
from repository.store.tables.fleet import units
from repository.store.tables.reads import pictures, reads

ACTION = "picture.show"
KINDS = ("plate", "scene")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MEDIA_TYPES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))


@dataclass(frozen=True, slots=True)
class PictureRequest:
    """A wish to see a read's picture as it was typed, nothing of it checked."""

    read: str
    kind: str
    purpose: str
    facts: str
    case_number: str
    affirmed: bool
    court_order: str | None = None
    offence: str | None = None


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture as the unit sent it; ``ledger_index`` is the entry that says it was shown."""

    content: bytes
    media_type: str
    sha256: str
    ledger_index: int


@dataclass(frozen=True, slots=True)
class Pictures:
    """Looking at pictures, for users who have signed in.

    ``rule`` is the repository's and ``shipped`` gives the agencies' own: they say what has expired.
    """

    engine: Engine
    now: Callable[[], datetime]
    store: PictureStore
    rule: RetentionRule
    shipped: Shipped
    settings: SearchSettings = field(default_factory=SearchSettings)

    def show(self, user: User, request: PictureRequest, origin: str) -> ShownPicture:
        """The picture; of several of the kind that one read has, the largest.

        Raises:
            SearchRefusedError: if the purpose does not do, or there is nothing that may be shown.
            AccountError: if the account was closed meanwhile, or may not see pictures.
            PictureError: if the picture is damaged; that is recorded too.
        """
        with attempt(self.engine, self._entry(user, _as_typed(request), origin), REFUSALS):
            require(user, Power.SEE_PICTURE)
            read_id = _read_id(request.read)
            if request.kind not in KINDS:
                raise SearchRefusedError(f"kind: expected {' or '.join(KINDS)}")
            purpose = Purpose.of(
                request.purpose,
                request.facts,
                request.case_number,
                affirmed=request.affirmed,
                court_order=request.court_order,
                offence=request.offence,
            )
        asked = {"read": str(read_id), "kind": request.kind}
        entry = self._entry(user, {"picture": asked, "purpose": purpose.as_json()}, origin)
        with attempt(self.engine, entry, REFUSALS), self.engine.begin() as connection:
            return self._show(connection, user, read_id, request.kind, purpose, entry)

    def refuse(self, user: User, typed: str, reason: str, origin: str) -> NoReturn:
        """Refuse, on the record, what is no such wish at all.

        Raises:
            SearchRefusedError: with that reason.
        """
        entry = self._entry(user, {"typed": as_typed(typed)}, origin)
        with attempt(self.engine, entry, SearchRefusedError):
            raise SearchRefusedError(reason)

    def _entry(self, user: User, request: Mapping[str, JSON], origin: str) -> Entry:
        return Entry(ACTION, user.actor, self.now(), origin, request)

    def _show(
        self,
        connection: Connection,
        user: User,
        read_id: UUID,
        kind: str,
        purpose: Purpose,
        entry: Entry,
    ) -> ShownPicture:
        enter(connection, user, Power.SEE_PICTURE)
        locks.share(connection, Turn.RETENTION)  # no purge comes between the row and its file
        now = self.now()
        law = Law.load(connection, self.settings)
        permits.check_person(connection, user, law, purpose, Power.SEE_PICTURE, now)
        duties = Duties.load(connection, self.rule, self.shipped)
        sight = Sight(user.agency_id, duties, now, law.closed(purpose.kind, now, together=False))
        shown, sha256 = self._find(connection, sight, read_id, kind)
        try:
            day = shown.captured_at.astimezone(UTC).date()
            content = self.store.get(connection, day, sha256)
        except PictureMissingError as error:
            raise SearchRefusedError(_nothing()) from error
        case_id = files.open_case(connection, user, purpose.case_number, now)
        digest = hashlib.sha256(content).hexdigest()
        appended = log.append(connection, replace(entry, at=now, count=1, result_digest=digest))
        files.add_search(
            connection,
            case_id,
            user,
            ledger_index=appended.index,
            at=now,
            request=entry.request,
            shown=[files.row_of(shown)],
        )
        return ShownPicture(content, _media_type(content), sha256, appended.index)

    def _find(
        self, connection: Connection, sight: Sight, read_id: UUID, kind: str
    ) -> tuple[files.Shown, str]:
        at = _captured_at(read_id)
        query = (
            select(pictures.c.unit_id, pictures.c.captured_at, pictures.c.sha256)
            .join(
                reads,
                (reads.c.unit_id == pictures.c.unit_id)
                & (reads.c.captured_at == pictures.c.captured_at)
                & (reads.c.read_id == pictures.c.read_id),
            )
            .where(
                # The whole of the key's front, so that one day and one place of it are looked at.
                pictures.c.unit_id.in_(select(units.c.id)),
                pictures.c.captured_at >= at,
                pictures.c.captured_at < at + timedelta(milliseconds=1),
                pictures.c.read_id == read_id,
                pictures.c.kind == kind,
                pictures.c.stored_at.is_not(None),
                sight.of(reads),
            )
            .order_by(pictures.c.size_bytes.desc(), pictures.c.sha256)
            .limit(1)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            raise SearchRefusedError(_nothing())
        return files.Shown(row.unit_id, row.captured_at, read_id), row.sha256


def _read_id(typed: str) -> UUID:
    try:
        found = UUID(typed)
    except ValueError as error:
        raise SearchRefusedError("read: expected a read's id") from error
    if str(found) != typed.lower() or found.version != 7:
        raise SearchRefusedError("read: expected a read's id")
    return found


def _captured_at(read_id: UUID) -> datetime:
    """The moment in a UUIDv7, to the millisecond (RFC 9562, section 5.7)."""
    try:
        return _EPOCH + timedelta(milliseconds=read_id.int >> 80)
    except OverflowError as error:
        raise SearchRefusedError(_nothing()) from error


def _nothing() -> str:
    return "read: there is no such picture of a read of that id that may be shown"


def _media_type(content: bytes) -> str:
    return next(
        (kind for start, kind in _MEDIA_TYPES if content.startswith(start)),
        "application/octet-stream",
    )


def _as_typed(request: PictureRequest) -> Mapping[str, JSON]:
    typed = {
        "read": request.read,
        "kind": request.kind,
        "purpose": request.purpose,
        "facts": request.facts,
        "case": request.case_number,
        "court_order": request.court_order or "",
        "offence": request.offence or "",
        "affirmed": str(request.affirmed),
    }
    return {"typed": {key: as_typed(value) for key, value in typed.items()}}
