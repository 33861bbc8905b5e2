"""What was proven of a package and what was not, in words for a court. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edge.contract.records import FixedSite, GpsFix, Read
from repository.cases.evidence.check_read import CheckedRead
from repository.cases.evidence.layout import PROOFS
from repository.cases.evidence.verify import Checked, Verdict
from repository.search.result import LEAD_ONLY

_PASSED = "Every byte of the package is as it was made."
_PASSED_BY_ITSELF = (
    "Every byte of the package is as it was made by whoever has the ledger's key that is in it."
)
_FAILED = "This package is not as it was made. Nothing in it is proven."
_OTHER_KEY = {
    "unit": "The bytes of this package are intact, but it is signed by a unit whose key is not "
    "among those that you gave. Nothing in it is proven by your keys.",
    "ledger": "The bytes of this package are intact, but it is signed by a ledger whose key is not "
    "the one that you gave. Nothing in it is proven by your key.",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is said of a package: what was proven, and what a reader must not take as proven."""

    verdict: str
    proven: tuple[str, ...] = ()
    not_proven: tuple[str, ...] = ()


def tell(verdict: Verdict) -> Told:
    """The verdict in words."""
    wrong, checked = verdict.wrong, verdict.checked
    if checked is None:
        if wrong is None:
            raise ValueError("a verdict says what is wrong, or what is right")
        file = "the zip" if wrong.file is None else wrong.file
        if wrong.other_signer is not None:
            return Told(_OTHER_KEY[wrong.other_signer], (), (f"{file} {wrong.problem}.",))
        place = f", bytes {wrong.start} to {wrong.end} of the package" if wrong.end else ""
        return Told(_FAILED, (), (f"{file}{place}: {wrong.problem}",))
    proven = [*_of_ledger(checked), *(line for each in checked.reads for line in _of_read(each))]
    passed = _PASSED_BY_ITSELF if verdict.given.ledger_key is None else _PASSED
    return Told(passed, tuple(proven), tuple(_open_questions(checked, verdict)))


def as_mapping(verdict: Verdict) -> Mapping[str, Any]:
    """The verdict as plain values, for JSON."""
    told = tell(verdict)
    checked, wrong = verdict.checked, verdict.wrong
    return {
        "verified": checked is not None,
        "intact": wrong is None or wrong.other_signer is not None,
        "verdict": told.verdict,
        "proven": list(told.proven),
        "not_proven": list(told.not_proven),
        "wrong": None
        if wrong is None
        else {
            "file": wrong.file,
            "from_byte": wrong.start,
            "until_byte": wrong.end,
            "problem": wrong.problem,
        },
        "package": None if checked is None else checked.digest,
        "case": None if checked is None else checked.package.case_number,
        "ledger_entry": None if checked is None else checked.ledger.making,
        "ledger_key_given": verdict.given.ledger_key is not None,
        "unit_keys_given": bool(verdict.given.unit_keys),
        "reads": [] if checked is None else [facts(each) for each in checked.reads],
        "notice": LEAD_ONLY,
    }


def facts(checked: CheckedRead) -> dict[str, str]:
    """What the signed record says, name by name, as it is printed."""
    read, correction = checked.read, checked.custody.correction
    told = {
        "read": str(read.id),
        "plate": read.plate,
        "state": read.state.code or "not told",
        "captured at": f"{read.captured_at:%Y-%m-%d %H:%M:%S.%f} UTC",
        "clock": read.clock.source,
        "place": _place(read),
        "agency": read.agency,
        "unit": read.unit,
        "camera": read.camera,
        "confidence of the plate": f"{read.confidence:.4f}",
        "confidence of the state": f"{read.state.confidence:.4f}",
        "read by": ", ".join([read.engine.software, *(each.name for each in read.engine.models)]),
        "unit's key": checked.batch.key,
        "record number of the unit": str(read.seq),
    }
    if correction is not None:
        state = correction.state or "not told"
        told["corrected by its agency"] = (
            f"plate {correction.plate}, state {state}, by {correction.by} at "
            f"{told_moment(correction.at)}"
        )
    if checked.custody.withdrawn_at is not None:
        told["withdrawn by its agency"] = told_moment(checked.custody.withdrawn_at)
    return told


def told_moment(at: datetime | str) -> str:
    """A moment as people read it, to the second in UTC; what is no moment stays as it is."""
    try:
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return str(at)


def _of_ledger(checked: Checked) -> list[str]:
    ledger, package = checked.ledger, checked.package
    making = ledger.entries[ledger.making].entry
    lines = [
        f"Entry {ledger.making} of the ledger {ledger.checkpoint.origin} records that "
        f"{package.made_by} made this package, known by {checked.digest}, at "
        f"{told_moment(making.at)} for case {package.case_number}. The entry stands "
        f"under a signed checkpoint over {ledger.checkpoint.size} entries, so that this package "
        "and no other was made then."
    ]
    if package.given_to is not None:
        to = package.given_to
        lines.append(
            f"It was made for {to.name}, {to.organisation} ({to.kind}), under {to.authority}."
        )
    lines += [
        f"The ledger is the one that was seen with {size} entries, by the checkpoint that you gave."
        for size in ledger.compared
    ]
    return lines


def _of_read(checked: CheckedRead) -> list[str]:
    read = checked.read
    name = f"Read {read.id}"
    lines = [
        f"{name}: the record says that plate {read.plate} was before camera {read.camera} of unit "
        f"{read.unit} of {read.agency} at {read.captured_at:%Y-%m-%d %H:%M:%S} UTC. Whoever has "
        f"the key {checked.batch.key} signed exactly this record, as number {read.seq} of the "
        "unit's records, and nothing in it was changed since."
    ]
    if checked.enrolled is not None:
        enrolled = checked.enrolled
        lines.append(
            f"{name}: entry {enrolled.index} of the ledger records that this key was enrolled for "
            f"that unit at {told_moment(enrolled.entry.at)}."
        )
    if checked.pictures:
        lines.append(
            f"{name}: {len(checked.pictures)} of its {len(read.pictures)} pictures are here, each "
            "the one that the signed record names."
        )
    proven = [step for step in checked.custody.steps if step.ledger_entry is not None]
    lines += [
        f"{name}: entry {step.ledger_entry} of the ledger, in {PROOFS}, records: {step.kind} at "
        f"{told_moment(step.at)} by {step.who}, {step.what}."
        for step in proven
    ]
    return lines


def _open_questions(checked: Checked, verdict: Verdict) -> list[str]:
    lines = []
    if verdict.given.ledger_key is None:
        lines.append(
            "The ledger's key is trusted only because it is in the package. Ask the repository for "
            "it by another way, and give it with --ledger-key."
        )
    if not verdict.given.checkpoints:
        lines.append(
            "That everybody sees the same ledger is not looked at here. Give a checkpoint that a "
            "witness kept with --checkpoint."
        )
    if not verdict.given.unit_keys:
        word = "ledger's" if all(each.enrolled for each in checked.reads) else "package's"
        lines.append(
            f"The units' keys are trusted on the {word} word alone. Ask the units' agencies for "
            "them, and give each with --unit-key."
        )
    for each in checked.reads:
        name = f"Read {each.read.id}"
        lines += [
            f"{name}: picture {missing.sha256} is not here: {missing.why}."
            for missing in each.custody.missing_pictures
        ]
        lines += [
            f"{name}: {step.kind} at {told_moment(step.at)} by {step.who}: {step.what}. This is "
            "the repository's word."
            for step in each.custody.steps
            if step.kind == "received"
        ]
        if any(step.kind in ("held", "shown") for step in each.custody.steps):
            lines.append(
                f"{name}: that it was among what these holds and searches reached is the "
                "repository's word."
            )
        if each.custody.correction is not None:
            lines.append(
                f"{name}: its agency says that the plate is really {each.custody.correction.plate}."
            )
        if each.custody.withdrawn_at is not None:
            withdrawn_at = told_moment(each.custody.withdrawn_at)
            lines.append(f"{name}: its agency has withdrawn it, at {withdrawn_at}.")
    lines.append(
        "A machine read the plates, and the units told time and place. No signature proves that "
        "they were right: compare the pictures."
    )
    return [*lines, LEAD_ONLY]


def _place(read: Read) -> str:
    position = read.position
    if isinstance(position, FixedSite):
        return f"{position.latitude_deg:.6f}, {position.longitude_deg:.6f}, site {position.site}"
    if isinstance(position, GpsFix):
        return (
            f"{position.latitude_deg:.6f}, {position.longitude_deg:.6f} (WGS 84), "
            f"fix {position.quality}, {position.age_ms} ms old"
        )
    return f"not known: {position.reason}"
