"""The files of an evidence package, from what was gathered of its reads. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from repository.cases.disseminations import Recipient
from repository.cases.evidence import custody, gather
from repository.cases.evidence.check_read import CheckedRead, WrongError, check_read
from repository.cases.evidence.errors import EvidenceError
from repository.cases.evidence.gather import Gathered
from repository.cases.evidence.layout import (
    MANIFEST,
    PACKAGE,
    README,
    REPORT,
    Custody,
    Listed,
    Manifest,
    Missing,
    Package,
    encode,
    folder,
    picture_name,
)
from repository.cases.evidence.layout import Recipient as RecipientForm
from repository.ledger.entry import Recorded


@dataclass(frozen=True, slots=True)
class Opened:
    """A read as it was opened for a package: all that is kept of it, and the pictures' bytes."""

    gathered: Gathered
    pictures: Mapping[str, bytes]
    missing: tuple[Missing, ...]
    showings: Sequence[Recorded]

    @property
    def entries(self) -> list[Recorded]:
        """Entries of the ledger that belong to it."""
        enrolled = self.gathered.enrolled
        return [*self.gathered.holds, *self.showings, *([] if enrolled is None else [enrolled])]


def build(package: Package, opened: Sequence[Opened]) -> dict[str, bytes]:
    """Every file but the ledger's; what is shown on paper was checked before.

    Raises:
        EvidenceError: if a read cannot be proven.
        DocumentError: if the report cannot be laid out.
    """
    files = {PACKAGE: encode(package)}
    for each in opened:
        files |= _files_of_read(package, each)
    from repository.cases.evidence import report  # late: most commands print nothing

    files[README] = report.readme(package)
    files[REPORT] = report.report(package, [_checked(package, files, each) for each in opened])
    manifest = Manifest(
        v=1,
        files=tuple(
            Listed(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
            for name, content in sorted(files.items())
        ),
    )
    return files | {MANIFEST: encode(manifest)}


def _files_of_read(package: Package, opened: Opened) -> dict[str, bytes]:
    gathered = opened.gathered
    at = folder(str(gathered.seen.read_id))
    return {
        f"{at}/record.json": gathered.record,
        f"{at}/batch.json": encode(gathered.batch),
        f"{at}/unit.json": encode(gathered.unit),
        f"{at}/custody.json": encode(_custody(package, opened)),
        **{
            picture_name(str(gathered.seen.read_id), sha256, content): content
            for sha256, content in opened.pictures.items()
        },
    }


def _custody(package: Package, opened: Opened) -> Custody:
    gathered = opened.gathered
    steps = [
        custody.captured(gather.decoded(gathered)),
        custody.received(
            gathered.received_at, gathered.batch.first_seq, gathered.last_seq, gathered.message
        ),
        *(custody.recorded(each) for each in gathered.holds),
        *(custody.recorded(each) for each in opened.showings),
        custody.packaged(package),
    ]
    return Custody(
        v=1,
        steps=tuple(sorted(steps, key=lambda step: datetime.fromisoformat(step.at))),
        correction=gathered.correction,
        withdrawn_at=gathered.withdrawn_at,
        missing_pictures=opened.missing,
    )


def _checked(package: Package, files: Mapping[str, bytes], opened: Opened) -> CheckedRead:
    name = str(opened.gathered.seen.read_id)
    try:
        return check_read(name, files, package, {each.index: each for each in opened.entries})
    except WrongError as error:
        raise EvidenceError(
            f"read {name} cannot be proven: {error.file}: {error}; "
            "'alpr-repository db check' looks for what was changed"
        ) from error


def recipient_form(recipient: Recipient | None) -> RecipientForm | None:
    """The recipient as a package names them."""
    if recipient is None:
        return None
    return RecipientForm(
        name=recipient.name,
        organisation=recipient.organisation,
        kind=recipient.kind,
        authority=recipient.authority,
        why=recipient.why,
        law=recipient.law,
    )
