"""Is this read what its unit signed, and is what stands beside it true to it? Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract import merkle
from edge.contract.batch import Batch, key_id, verify_batch_signature
from edge.contract.errors import ContractError
from edge.contract.records import Read, decode_record, record_digest
from repository.cases.evidence import custody
from repository.cases.evidence.layout import (
    BatchPath,
    Custody,
    LayoutError,
    Package,
    Step,
    UnitFacts,
    decode,
    folder,
    picture_name,
)
from repository.ledger.entry import Recorded

F = TypeVar("F", BatchPath, UnitFacts, Custody)
Signer: TypeAlias = Literal["unit", "ledger"]


class WrongError(Exception):
    """A file of the package is wrong: which, and how."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(problem)
        self.file = file


class OtherKeyError(WrongError):
    """Nothing was changed, but a key that was given is not the one that signed."""

    def __init__(self, file: str, problem: str, signer: Signer) -> None:
        super().__init__(file, problem)
        self.signer: Signer = signer


@dataclass(frozen=True, slots=True)
class CheckedRead:
    """A read that its unit signed, by the key in ``unit``; ``pictures`` are named by the record."""

    read: Read
    batch: BatchPath
    unit: UnitFacts
    custody: Custody
    pictures: Mapping[str, bytes]
    enrolled: Recorded | None

    @property
    def public_key(self) -> Ed25519PublicKey:
        """The unit's key."""
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.unit.public_key))


def check_read(
    read_id: str, files: Mapping[str, bytes], package: Package, entries: Mapping[int, Recorded]
) -> CheckedRead:
    """Check all that a package says of one read; ``entries`` are proven entries of the ledger.

    Raises:
        WrongError: for the first thing that is wrong.
    """
    at = folder(read_id)
    record = _file(files, f"{at}/record.json")
    batch = _form(files, f"{at}/batch.json", BatchPath)
    unit = _form(files, f"{at}/unit.json", UnitFacts)
    chain = _form(files, f"{at}/custody.json", Custody)
    read = _read(read_id, f"{at}/record.json", record)
    _check_signature(f"{at}/batch.json", read, record, batch, unit)
    enrolled = _enrolment(f"{at}/unit.json", unit, batch, entries)
    pictures = _pictures(at, files, read, chain)
    _check_custody(f"{at}/custody.json", read, chain, package, entries)
    return CheckedRead(read, batch, unit, chain, pictures, enrolled)


def named_files(checked: CheckedRead) -> Iterator[str]:
    """The files that belong to a read."""
    read_id = str(checked.read.id)
    at = folder(read_id)
    yield from (f"{at}/{name}.json" for name in ("record", "batch", "unit", "custody"))
    for sha256, content in checked.pictures.items():
        yield picture_name(read_id, sha256, content)


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    try:
        return files[name]
    except KeyError:
        raise WrongError(name, "is missing") from None


def _form(files: Mapping[str, bytes], name: str, form: type[F]) -> F:
    try:
        return decode(_file(files, name), form)
    except LayoutError as error:
        raise WrongError(name, str(error)) from error


def _read(read_id: str, name: str, record: bytes) -> Read:
    try:
        found = decode_record(record)
    except ContractError as error:
        raise WrongError(name, f"holds no record: {error}") from error
    if not isinstance(found, Read):
        raise WrongError(name, "holds a record that is no read")
    if str(found.id) != read_id:
        raise WrongError(name, f"is the record of read {found.id}")
    return found


def _check_signature(
    name: str, read: Read, record: bytes, batch: BatchPath, unit: UnitFacts
) -> None:
    """The record stands in the batch's tree, and the unit's key signed the tree's root."""
    if {(read.agency, read.unit)} != {(batch.agency, batch.unit), (unit.agency, unit.unit)}:
        raise WrongError(name, "names another unit than the record")
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(unit.public_key))
        if key_id(key) != batch.key:
            raise WrongError(name, "was signed with another key than the unit's")
        signed = Batch(
            agency=batch.agency,
            unit=batch.unit,
            key=batch.key,
            first_seq=batch.first_seq,
            previous_root=batch.previous_root,
            root=batch.root,
            signature=batch.signature,
            records=(msgspec.Raw(b"{}"),) * batch.count,
        )
        verify_batch_signature(signed, key)
        merkle.verify_inclusion(
            merkle.leaf_hash(record_digest(record)),
            read.seq - batch.first_seq,
            batch.count,
            [bytes.fromhex(each) for each in batch.path],
            bytes.fromhex(batch.root),
        )
    except (ContractError, ValueError) as error:
        raise WrongError(
            name, f"does not prove that the unit signed this record: {error}"
        ) from error


def _enrolment(
    name: str, unit: UnitFacts, batch: BatchPath, entries: Mapping[int, Recorded]
) -> Recorded | None:
    """The ledger's entry by which the unit was given this key, where the package has it."""
    if unit.ledger_entry is None:
        return None
    found = entries.get(unit.ledger_entry)
    if found is None:
        raise WrongError(name, "names an entry of the ledger that is not in the package")
    asked = found.entry.request
    said = (found.entry.action, asked.get("agency"), asked.get("unit"), asked.get("key"))
    if said != ("unit.add", unit.agency, unit.unit, batch.key):
        raise WrongError(name, f"entry {found.index} of the ledger is not the unit's enrolment")
    return found


def _pictures(
    at: str, files: Mapping[str, bytes], read: Read, chain: Custody
) -> Mapping[str, bytes]:
    """The pictures that the record names, each as it names it."""
    missing = {each.sha256 for each in chain.missing_pictures}
    found: dict[str, bytes] = {}
    for picture in read.pictures:
        if picture.sha256 in missing:
            continue
        start = f"{at}/pictures/{picture.sha256}"
        name = next((each for each in sorted(files) if each.startswith(start)), start)
        content = _file(files, name)
        if hashlib.sha256(content).hexdigest() != picture.sha256:
            raise WrongError(name, "is not the picture that the record names")
        found[picture.sha256] = content
    if not missing <= {picture.sha256 for picture in read.pictures}:
        raise WrongError(f"{at}/custody.json", "calls a picture missing that the record lacks")
    return found


def _check_custody(
    name: str, read: Read, chain: Custody, package: Package, entries: Mapping[int, Recorded]
) -> None:
    expected = {"captured": custody.captured(read), "packaged": custody.packaged(package)}
    for kind, step in expected.items():
        if [each for each in chain.steps if each.kind == kind] != [step]:
            raise WrongError(name, f"does not tell how the read was {kind}")
    for step in chain.steps:
        if step.kind in ("held", "shown"):
            _check_entry(name, step, entries)
        elif step.ledger_entry is not None:
            raise WrongError(name, f"a step {step.kind!r} has no entry of its own")
    try:
        moments = [datetime.fromisoformat(step.at) for step in chain.steps]
        in_order = moments == sorted(moments)
    except (ValueError, TypeError) as error:
        raise WrongError(name, "a step has no moment") from error
    if not in_order:
        raise WrongError(name, "its steps are not in order of time")


def _check_entry(name: str, step: Step, entries: Mapping[int, Recorded]) -> None:
    found = None if step.ledger_entry is None else entries.get(step.ledger_entry)
    if found is None or found.entry.action not in custody.ACTIONS:
        raise WrongError(name, f"a step {step.kind!r} has no entry of the ledger in the package")
    if custody.recorded(found) != step:
        raise WrongError(name, f"a step is not what entry {found.index} of the ledger says")
