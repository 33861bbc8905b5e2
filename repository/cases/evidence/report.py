"""The papers in a package: a README and a report, from reads that were checked before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repository.cases.evidence.check_read import CheckedRead
from repository.cases.evidence.layout import Package
from repository.cases.evidence.words import facts, told_moment
from repository.documents.pdf import Document, DocumentError
from repository.search.result import LEAD_ONLY

_PICTURE_HEIGHT_IN = 2.2
_README = """EVIDENCE PACKAGE

{notice}

This package holds {reads} for case {case} of {title}, made {made_at}
by {made_by}. report.pdf shows it on paper. What proves it are the other files:

  package.json              what was made, of which case, by whom and for whom
  manifest.json             size and SHA-256 of every file outside ledger/
  reads/ID/record.json      the read exactly as its unit signed it (RFC 8785 canonical JSON)
  reads/ID/batch.json       its path in the tree (RFC 9162) that the unit signed, with the signature
  reads/ID/unit.json        the unit's public key (Ed25519), and when it was enrolled
  reads/ID/custody.json     the chain of custody, and corrections by the read's agency
  reads/ID/pictures/…       the pictures that the record names
  ledger/proofs.json        entries of the ledger with their paths (RFC 9162)
  ledger/checkpoint.txt     the signed checkpoint that they stand under (C2SP tlog-checkpoint)
  ledger/key.txt            the ledger's public key (C2SP signed-note)

Check it, with no access to anything, by

  alpr-repository evidence verify FILE.zip --ledger-key KEY

where KEY comes from the repository by another way than this package. Every byte is checked; a
changed one is named. Unpacking and packing again makes another zip: keep this file as it is.
"""


def readme(package: Package) -> bytes:
    """The README."""
    number = len(package.reads)
    return _README.format(
        notice=LEAD_ONLY,
        reads="one read of a plate" if number == 1 else f"{number} reads of plates",
        case=package.case_number,
        title=package.agency_title,
        made_at=told_moment(package.made_at),
        made_by=package.made_by,
    ).encode()


def report(package: Package, reads: Sequence[CheckedRead]) -> bytes:
    """The report on paper.

    Raises:
        DocumentError: if it cannot be laid out.
    """
    ori = f", ORI {package.agency_ori}" if package.agency_ori else ""
    document = Document(
        f"Evidence for case {package.case_number}",
        f"{package.agency_title}{ori}. Made {told_moment(package.made_at)} by {package.made_by}.",
        notice=LEAD_ONLY,
    )
    if package.given_to is not None:
        to = package.given_to
        document.heading("Made for")
        _pairs(
            document,
            {
                "recipient": f"{to.name}, {to.organisation}",
                "kind": to.kind.replace("_", " "),
                "authority": to.authority,
                "why": to.why,
                **({"law that requires it": to.law} if to.law else {}),
            },
        )
    document.paragraph(
        "What this report shows was taken from the signed records in this package after their "
        "signatures were checked. The package itself is the evidence: README.txt says how to "
        "check it."
    )
    for each in reads:
        _read(document, each)
    return document.render()


def _read(document: Document, checked: CheckedRead) -> None:
    document.heading(f"Read {checked.read.id}")
    _pairs(document, facts(checked))
    for picture in checked.read.pictures:
        content = checked.pictures.get(picture.sha256)
        if content is None:
            continue
        caption = f"{picture.kind} picture, SHA-256 {picture.sha256}"
        try:
            document.picture(content, caption, height_in=_PICTURE_HEIGHT_IN)
        except DocumentError:
            document.paragraph(f"{caption}: in the package, but not in a form that can be printed.")
    for missing in checked.custody.missing_pictures:
        document.paragraph(f"Picture {missing.sha256} is not in the package: {missing.why}.")
    document.heading("Chain of custody")
    document.table(
        ["when", "step", "who", "what", "ledger entry"],
        [
            [
                told_moment(step.at),
                step.kind,
                step.who,
                step.what,
                "" if step.ledger_entry is None else str(step.ledger_entry),
            ]
            for step in checked.custody.steps
        ],
        widths=[1.5, 0.8, 1.6, 3, 0.7],
    )


def _pairs(document: Document, pairs: Mapping[str, str]) -> None:
    document.table(["what", "as recorded"], [list(each) for each in pairs.items()], widths=[1, 3])
