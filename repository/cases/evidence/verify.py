"""Check an evidence package with nothing but public keys.

Every byte is looked at: the zip is the one that its files give (`archive`), the manifest names
every file with its digest, the ledger's entry holds the manifest's digest, and the ledger's
signature covers the entry. What stands in the files is then checked for itself, so that a
repository that packed something untrue under its own signature is found where that can be told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from repository.cases.evidence import archive
from repository.cases.evidence.archive import ArchiveError, Piece
from repository.cases.evidence.check_ledger import CheckedLedger, Held, check_given, check_ledger
from repository.cases.evidence.check_read import (
    CheckedRead,
    OtherKeyError,
    Signer,
    WrongError,
    check_read,
    named_files,
)
from repository.cases.evidence.custody import person
from repository.cases.evidence.layout import (
    ACTION,
    MANIFEST,
    OUTSIDE_MANIFEST,
    PACKAGE,
    PROOFS,
    README,
    REPORT,
    LayoutError,
    Manifest,
    Package,
    decode,
    folder,
    plain,
)


@dataclass(frozen=True, slots=True)
class Given:
    """What the one who checks brings along: keys and checkpoints from elsewhere."""

    ledger_key: str | None = None
    unit_keys: Sequence[Ed25519PublicKey] = ()
    checkpoints: Sequence[Held] = ()


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong: which file, and which bytes of the zip, from ``start`` until ``end``.

    ``other_signer`` is whose key is none of those given, where that alone is wrong.
    """

    file: str | None
    start: int
    end: int
    problem: str
    other_signer: Signer | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """A package of which everything is as it should be; ``digest`` is that of its manifest."""

    digest: str
    package: Package
    reads: tuple[CheckedRead, ...]
    ledger: CheckedLedger


@dataclass(frozen=True, slots=True)
class Verdict:
    """A package as found: either `Checked`, or the first thing that is wrong with it."""

    checked: Checked | None = None
    wrong: Wrong | None = None
    given: Given = field(default_factory=Given)


_NOTHING_GIVEN = Given()


def verify(data: bytes, given: Given = _NOTHING_GIVEN) -> Verdict:
    """Check a package, the bytes of its zip."""
    try:
        pieces = archive.read(data)
    except ArchiveError as error:
        return Verdict(None, Wrong(None, error.start, error.end, str(error)), given)
    try:
        checked = check({name: piece.content for name, piece in pieces.items()}, given)
    except WrongError as error:
        return Verdict(None, _place(pieces, error), given)
    return Verdict(checked, None, given)


def check(files: Mapping[str, bytes], given: Given = _NOTHING_GIVEN) -> Checked:
    """Check the files of a package.

    Raises:
        WrongError: for the first thing that is wrong.
    """
    ledger = check_ledger(files, given.ledger_key)
    digest = _check_manifest(files)
    package = _package(files)
    _check_making(digest, package, ledger)
    reads = tuple(check_read(each, files, package, ledger.entries) for each in package.reads)
    _check_nothing_more(files, reads, ledger)
    ledger = check_given(ledger, given.ledger_key, given.checkpoints)
    for each in reads:
        _check_unit_key(each, given.unit_keys)
    return Checked(digest, package, reads, ledger)


def _check_manifest(files: Mapping[str, bytes]) -> str:
    """Every file is the one that the manifest names; the manifest's own digest."""
    if MANIFEST not in files:
        raise WrongError(MANIFEST, "is missing")
    try:
        manifest = decode(files[MANIFEST], Manifest)
    except LayoutError as error:
        raise WrongError(MANIFEST, str(error)) from error
    names = [each.name for each in manifest.files]
    if names != sorted(set(names)):
        raise WrongError(MANIFEST, "its files are not in order")
    for each in manifest.files:
        if each.name in OUTSIDE_MANIFEST or each.name not in files:
            raise WrongError(MANIFEST, f"names {each.name}, which is not there")
        content = files[each.name]
        if (len(content), hashlib.sha256(content).hexdigest()) != (each.size, each.sha256):
            raise WrongError(each.name, "is not the file that the manifest names")
    for name in sorted(files.keys() - OUTSIDE_MANIFEST - set(names)):
        raise WrongError(name, "is not in the manifest")
    return hashlib.sha256(files[MANIFEST]).hexdigest()


def _package(files: Mapping[str, bytes]) -> Package:
    try:
        found = decode(files.get(PACKAGE, b""), Package)
    except LayoutError as error:
        raise WrongError(PACKAGE, str(error)) from error
    if len(set(found.reads)) != len(found.reads):
        raise WrongError(PACKAGE, "names a read twice")
    return found


def _check_making(digest: str, package: Package, ledger: CheckedLedger) -> None:
    """The ledger recorded the making of this very package."""
    entry = ledger.entries[ledger.making].entry
    if entry.action != ACTION or entry.outcome != "done" or entry.result_digest != digest:
        problem = f"entry {ledger.making} of the ledger does not record the making of these files"
        raise WrongError(MANIFEST, problem)
    request = entry.request
    given_to = None if package.given_to is None else plain(package.given_to)
    said = (
        request.get("case"),
        request.get("reads"),
        request.get("given_to"),
        entry.actor.agency,
        person(entry.actor),
        ledger.checkpoint.origin,
    )
    inside = (
        package.case_number,
        list(package.reads),
        given_to,
        package.agency,
        package.made_by,
        package.ledger,
    )
    if said != inside:
        raise WrongError(PACKAGE, f"is not what entry {ledger.making} of the ledger says")


def _check_nothing_more(
    files: Mapping[str, bytes], reads: Sequence[CheckedRead], ledger: CheckedLedger
) -> None:
    """Every file belongs to something, and every entry."""
    expected = {README, REPORT, PACKAGE} | OUTSIDE_MANIFEST
    used = {ledger.making}
    for each in reads:
        expected.update(named_files(each))
        steps = [step.ledger_entry for step in each.custody.steps]
        used.update(number for number in (*steps, each.unit.ledger_entry) if number is not None)
    for name in sorted(files.keys() ^ expected):
        problem = "belongs to nothing in the package" if name in files else "is missing"
        raise WrongError(name, problem)
    if used != ledger.entries.keys():
        raise WrongError(PROOFS, "holds an entry that nothing in the package names")


def _check_unit_key(read: CheckedRead, given: Sequence[Ed25519PublicKey]) -> None:
    if given and read.public_key not in given:
        name = f"{folder(str(read.read.id))}/unit.json"
        problem = (
            f"holds the key {read.batch.key} of unit {read.unit.unit} of {read.unit.agency}, which "
            "signed this read and is none of those that you gave"
        )
        raise OtherKeyError(name, problem, "unit")


def _place(pieces: Mapping[str, Piece], error: WrongError) -> Wrong:
    piece = pieces.get(error.file)
    start, end = (0, 0) if piece is None else (piece.start, piece.start + len(piece.content))
    signer = error.signer if isinstance(error, OtherKeyError) else None
    return Wrong(error.file, start, end, str(error), signer)
