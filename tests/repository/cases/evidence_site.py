"""A repository with a read in it that is evidence, through the real ingest, holds and searches."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from PIL import Image
from sqlalchemy import Engine

from edge.contract.batch import key_id
from edge.contract.records import Picture, Read
from repository.accounts.user import User
from repository.cases.disseminations import Recipient
from repository.cases.evidence.make import EvidenceDesk, Made, PackageRequest
from repository.ingest.take import Ingest
from repository.ledger import log
from repository.ledger.entry import Entry
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.retention import holds
from repository.retention.holds_request import OF_ANOTHER_RECORD, HoldKind, HoldRequest
from repository.search.service import Searches, SearchRequest
from repository.store.pictures import PictureStore
from tests.repository.ingest.conftest import BOUNDS, load_duties
from tests.repository.people import LEDGER_KEY, LEDGER_ORIGIN, OPERATOR, Clock
from tests.repository.picture_files import pictures_in
from tests.repository.sender import Sender
from tests.repository.sightings import FOLD, RULE

CASE = "24-1187"
FACTS = "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"

PROSECUTOR = Recipient.of(
    "Ann Lee", "Essex District Attorney", "prosecutor", "Charging decision", "Request of 3 March",
    None,
)  # fmt: skip


def jpeg(shade: int = 90) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (48, 16), (30, shade, 60)).save(out, "JPEG")
    return out.getvalue()


@dataclass
class EvidenceSite:
    """Salem with a unit whose reads are taken in, and a person who makes packages."""

    engine: Engine
    clock: Clock
    user: User
    folder: Path

    @cached_property
    def unit(self) -> Sender:
        """The unit, enrolled on the ledger."""
        unit = Sender(unit="car-7", agency="salem-pd")
        unit.enrol(self.engine, self.clock())
        asked = {"agency": "salem-pd", "unit": "car-7", "key": key_id(unit.key.public_key())}
        with self.engine.begin() as connection:
            log.append(connection, Entry("unit.add", OPERATOR, self.clock(), "here", asked))
        return unit

    @cached_property
    def store(self) -> PictureStore:
        return pictures_in(self.folder / "pictures", secrets.token_bytes(32))

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.engine, LEDGER_ORIGIN, LEDGER_KEY.public_key(), self.clock)

    @cached_property
    def signer(self) -> Signer:
        return Signer(self.ledger, LEDGER_KEY)

    @cached_property
    def ingest(self) -> Ingest:
        key = Ed25519PrivateKey.generate()
        return Ingest(self.engine, self.store, key, load_duties, FOLD, self.clock, BOUNDS)

    @property
    def desk(self) -> EvidenceDesk:
        return EvidenceDesk(self.engine, self.clock, self.store, self.ledger, self.signer)

    @property
    def searches(self) -> Searches:
        return Searches(self.engine, self.clock, FOLD, RULE)

    def take(self, *pictures: bytes, plate: str = "1ABC20") -> Read:
        """A read among others in a batch, with its pictures, through ingest."""
        at = self.clock() - timedelta(minutes=1)
        before = [self.unit.read(at, plate=f"2XYZ{number:02}") for number in range(2)]
        read = self.unit.read(at, plate=plate, pictures=pictures)
        after = self.unit.read(at, plate="3QRS11")
        body = self.unit.message(*before, read, after)
        assert self.ingest.take(self.unit.topic(), body).records_kept == 4
        for picture, content in zip(read.pictures, pictures, strict=True):
            self.bring(picture, content)
        return read

    def bring(self, picture: Picture, content: bytes) -> None:
        """Have the unit send a picture that it named."""
        topic = self.unit.topic("picture", picture.sha256)
        assert self.ingest.take(topic, content).outcome == "committed"

    def hold(
        self,
        *reads: UUID,
        case: str = CASE,
        user: User | None = None,
        kind: HoldKind = "enforcement_action",
    ) -> int:
        """Hold reads for the case; the hold's number."""
        period = "Criminal case files: permanently" if kind in OF_ANOTHER_RECORD else None
        request = HoldRequest(case, kind, "Seen near the scene", reads, record_period=period)
        actor = (user or self.user).actor
        with self.engine.begin() as connection:
            return holds.add(connection, request, actor=actor, origin="here", now=self.clock())

    def search(self, plate: str = "1ABC20", case: str = CASE, facts: str = FACTS) -> int:
        """Search for the plate; the index of the search's entry."""
        request = SearchRequest(
            purpose="criminal_investigation",
            facts=facts,
            case_number=case,
            affirmed=True,
            plate=plate,
        )
        return self.searches.search(self.user, request, "here").ledger_index

    def ask(self, *reads: Read) -> PackageRequest:
        return PackageRequest(
            case_number=CASE,
            reads=[str(each.id) for each in reads],
            purpose="criminal_investigation",
            facts=FACTS,
            affirmed=True,
        )

    def make(self, *reads: Read, **changes: object) -> Made:
        request = replace(self.ask(*reads), **changes)  # type: ignore[arg-type]
        return self.desk.make(self.user, request, "here")
