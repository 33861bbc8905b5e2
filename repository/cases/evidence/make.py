"""The use case of making an evidence package: authorise, open, check, record, and only then give.

The reads are held for the case first, so that what is shown in court is kept. Each picture is
opened as its own transaction on the ledger, the package's making is another, and its entry holds
the digest of all that is in the package. What is given out has passed the check that its recipient
will make.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine

from repository.accounts import standing
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.cases import files as case_files
from repository.cases.disseminations import Recipient, read_id
from repository.cases.errors import CaseError
from repository.cases.evidence import archive, custody, gather
from repository.cases.evidence.archive import ArchiveError
from repository.cases.evidence.contents import Opened, build, recipient_form
from repository.cases.evidence.errors import EvidenceError
from repository.cases.evidence.gather import Gathered
from repository.cases.evidence.layout import (
    ACTION,
    CHECKPOINT,
    KEY,
    MANIFEST,
    MAX_READS,
    PROOFS,
    Missing,
    Package,
    Proofs,
    ProvenEntry,
    encode,
)
from repository.cases.evidence.verify import Given, verify
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed
from repository.ledger.service import Ledger
from repository.search.errors import SearchRefusedError
from repository.search.purpose import Purpose
from repository.search.result import LEAD_ONLY
from repository.store import locks
from repository.store.locks import Turn
from repository.store.pictures import PictureMissingError, PictureStore

MAX_PICTURE_BYTES = 128 * 1024 * 1024
_REFUSALS = (CaseError, SearchRefusedError, AccountError)


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """A package as it was asked for; ``recipient`` if it is made for somebody outside."""

    case_number: str
    reads: Sequence[str]
    purpose: str
    facts: str
    affirmed: bool
    court_order: str | None = None
    recipient: Recipient | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A package: the bytes of its zip, the digest it is known by, its entry in the ledger."""

    content: bytes
    digest: str
    ledger_index: int


class Checkpoints(Protocol):
    """Where signed checkpoints come from: they are signed here, or waited for."""

    def cover(self, index: int) -> None:
        """See to it that one covers that entry; a LedgerError if none will."""


@dataclass(frozen=True, slots=True)
class EvidenceDesk:
    """Making packages, for users who have signed in."""

    engine: Engine
    now: Callable[[], datetime]
    store: PictureStore
    ledger: Ledger
    checkpoints: Checkpoints

    def make(self, user: User, request: PackageRequest, origin: str) -> Made:
        """The package.

        Raises:
            CaseError: if a read is not held for the case, or cannot be proven.
            SearchRefusedError: if the purpose does not do.
            AccountError: if the user may not, or not yet.
            PictureError: if a picture is damaged.
            LedgerError: if nobody signs the ledger now, or it is not whole.
        """
        typed = Entry(ACTION, user.actor, self.now(), origin, _as_typed(request))
        with attempt(self.engine, typed, _REFUSALS):
            purpose = Purpose.of(
                request.purpose,
                request.facts,
                request.case_number,
                affirmed=request.affirmed,
                court_order=request.court_order,
            )
            read_ids = _read_ids(request.reads)
        asked: dict[str, JSON] = {
            "case": purpose.case_number,
            "reads": [str(each) for each in read_ids],
            "purpose": purpose.as_json(),
        }
        if request.recipient is not None:
            asked["given_to"] = request.recipient.as_json()
        entry = Entry(ACTION, user.actor, self.now(), origin, asked)
        with attempt(self.engine, entry, _REFUSALS):
            with self.engine.begin() as connection:
                package, opened = self._open(connection, user, purpose, read_ids, request, origin)
            files = build(package, opened)
            digest = hashlib.sha256(files[MANIFEST]).hexdigest()
            with self.engine.begin() as connection:
                index = self._record(connection, user, purpose, read_ids, request, entry, digest)
            return Made(self._seal(files, opened, index), digest, index)

    def _open(
        self,
        connection: Connection,
        user: User,
        purpose: Purpose,
        read_ids: Sequence[UUID],
        request: PackageRequest,
        origin: str,
    ) -> tuple[Package, list[Opened]]:
        now = self._enter(connection, user, request)
        case = purpose.case_number
        seen = gather.held_reads(connection, user, case, read_ids)
        gathered = [gather.gather(connection, user, case, each) for each in seen]
        pictures = [self._pictures(connection, each) for each in gathered]
        if sum(len(each) for found, _ in pictures for each in found.values()) > MAX_PICTURE_BYTES:
            raise EvidenceError("reads: their pictures are too many for one package; make several")
        title, ori = gather.agency_on_paper(connection, user)
        case_id = case_files.open_case(connection, user, case, now)
        for each, (found, _) in zip(gathered, pictures, strict=True):
            for sha256 in found:
                self._show(connection, user, case_id, each, sha256, purpose, origin, now)
        package = Package(
            v=1,
            case_number=case,
            agency=user.agency,
            agency_title=title,
            agency_ori=ori,
            made_by=custody.person(user.actor),
            made_at=now.astimezone(UTC).isoformat(),
            ledger=self.ledger.origin,
            reads=tuple(str(each) for each in read_ids),
            given_to=recipient_form(request.recipient),
            notice=LEAD_ONLY,
        )
        return package, [
            Opened(each, found, missing, gather.showings(connection, user, case, each.seen))
            for each, (found, missing) in zip(gathered, pictures, strict=True)
        ]

    def _enter(self, connection: Connection, user: User, request: PackageRequest) -> datetime:
        entered = enter(connection, user, Power.PACKAGE_EVIDENCE)
        locks.share(connection, Turn.RETENTION)  # no purge comes between a row and its file
        require(entered, Power.SEE_PICTURE)
        if request.recipient is not None:
            require(entered, Power.DISSEMINATE)
        now = self.now()
        standing.require_for_search(connection, entered, now)
        return now

    def _pictures(
        self, connection: Connection, gathered: Gathered
    ) -> tuple[dict[str, bytes], tuple[Missing, ...]]:
        day = gathered.seen.captured_at.astimezone(UTC).date()
        found: dict[str, bytes] = {}
        missing = []
        for sha256, _kind, kept in gathered.pictures:
            try:
                if kept:
                    found[sha256] = self.store.get(connection, day, sha256)
                    continue
                why = "the unit has not sent it"
            except PictureMissingError:
                why = "its file is gone from the repository"
            missing.append(Missing(sha256=sha256, why=why))
        return found, tuple(missing)

    def _show(
        self,
        connection: Connection,
        user: User,
        case_id: int,
        gathered: Gathered,
        sha256: str,
        purpose: Purpose,
        origin: str,
        now: datetime,
    ) -> None:
        """Record that a picture is shown, as every look at one is."""
        seen = gathered.seen
        kind = next(kind for each, kind, _ in gathered.pictures if each == sha256)
        request: dict[str, JSON] = {
            "picture": {"read": str(seen.read_id), "kind": kind, "sha256": sha256},
            "purpose": purpose.as_json(),
        }
        entry = Entry(
            "picture.show", user.actor, now, origin, request, count=1, result_digest=sha256
        )
        case_files.add_search(
            connection,
            case_id,
            user,
            ledger_index=log.append(connection, entry).index,
            at=now,
            request=request,
            shown=[
                case_files.row_of(case_files.Shown(seen.unit_id, seen.captured_at, seen.read_id))
            ],
        )

    def _record(
        self,
        connection: Connection,
        user: User,
        purpose: Purpose,
        read_ids: Sequence[UUID],
        request: PackageRequest,
        entry: Entry,
        digest: str,
    ) -> int:
        now = self._enter(connection, user, request)
        gather.held_reads(connection, user, purpose.case_number, read_ids)  # still
        case_id = case_files.open_case(connection, user, purpose.case_number, now)
        index = log.append(
            connection, replace(entry, at=now, count=len(read_ids), result_digest=digest)
        ).index
        reads: list[JSON] = [str(each) for each in read_ids]
        case_files.add_event(
            connection,
            case_id,
            "evidence_package",
            by=user,
            at=now,
            detail={"package": digest, "reads": reads},
            ledger_index=index,
        )
        if request.recipient is not None:
            case_files.add_event(
                connection,
                case_id,
                "dissemination",
                by=user,
                at=now,
                detail={
                    "given_to": request.recipient.as_json(),
                    "what": f"evidence package {digest}",
                    "reads": reads,
                },
                ledger_index=index,
            )
        return index

    def _seal(self, files: Mapping[str, bytes], opened: Sequence[Opened], making: int) -> bytes:
        """The zip, with the ledger's proofs, checked as its recipient will check it."""
        numbers = {each.index for read in opened for each in read.entries} | {making}
        self.checkpoints.cover(max(numbers))
        proofs = self.ledger.prove_entries(numbers)
        proven = tuple(
            ProvenEntry(index=each.index, body=each.body, path=each.path) for each in proofs
        )
        key = self.ledger.verifier_key()
        whole = dict(files) | {
            CHECKPOINT: proofs[0].checkpoint.encode(),
            KEY: f"{key}\n".encode(),
            PROOFS: encode(Proofs(v=1, making=making, entries=proven)),
        }
        try:
            content = archive.write(whole)
        except ArchiveError as error:
            raise EvidenceError(f"package: {error}") from error
        verdict = verify(content, Given(ledger_key=key))
        if verdict.wrong is not None:
            raise EvidenceError(f"package: {verdict.wrong.file}: {verdict.wrong.problem}")
        return content


def _read_ids(typed: Sequence[str]) -> list[UUID]:
    if not 1 <= len(typed) <= MAX_READS:
        raise EvidenceError(f"reads: 1 to {MAX_READS} in one package")
    return list(dict.fromkeys(map(read_id, typed)))


def _as_typed(request: PackageRequest) -> Mapping[str, JSON]:
    typed = {
        "case": request.case_number,
        "reads": " ".join(request.reads),
        "purpose": request.purpose,
        "facts": request.facts,
        "court_order": request.court_order or "",
        "affirmed": str(request.affirmed),
    }
    return {"typed": {key: as_typed(value) for key, value in typed.items()}}
