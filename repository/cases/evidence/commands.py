"""``alpr-repository evidence``: packages for courts and prosecutors, and checking them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.cases.errors import CaseError
from repository.cases.evidence.archive import MAX_BYTES
from repository.cases.evidence.check_ledger import Held
from repository.cases.evidence.errors import EvidenceError
from repository.cases.evidence.keys import ledger_key, unit_key
from repository.cases.evidence.make import PackageRequest
from repository.cases.evidence.verify import Given, verify
from repository.cases.evidence.words import as_mapping, tell
from repository.cases.recipient_options import recipient_of, recipient_options
from repository.command import AS_JSON
from repository.ledger.checkpoints import verifier_key
from repository.new_file import fill_new_file
from repository.search.purpose import AFFIRMATION, PurposeKind
from repository.wording import counted

_T = TypeVar("_T")

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def evidence() -> None:
    """Evidence packages: made from held reads of a case, checked with public keys alone.

    Example: alpr-repository evidence verify 24-1187.zip --ledger-key ledger.key
    """


@evidence.command()
@click.option("--case", "case_number", required=True, help="Number of the case.")
@click.option("--read", "reads", required=True, multiple=True, help="A read's id; give each.")
@click.option("--out", required=True, type=_FILE, help="File to write; it must not be there yet.")
@click.option("--purpose", required=True, help=f"One of: {', '.join(PurposeKind)}.")
@click.option("--facts", default="", help="What makes it necessary, in words.")
@click.option("--court-order", help="Court and number of the order, for that purpose.")
@click.option("--affirm", is_flag=True, help=f"Your word: {AFFIRMATION}")
@recipient_options(required=False)
@AS_JSON
@as_person
def make(
    services: Services,
    user: User,
    case_number: str,
    reads: tuple[str, ...],
    out: Path,
    purpose: str,
    facts: str,
    court_order: str | None,
    affirm: bool,
    as_json: bool,
    **given_to: str | None,
) -> None:
    """Make a package of reads that your agency holds for the case.

    Made for somebody outside your agency (--to …), it stands in the secondary dissemination log.

    Example: alpr-repository evidence make --user rroe --case 24-1187
    --read 0195f3a2-7c1b-7def-8a01-23456789abcd --out 24-1187.zip
    --purpose criminal_investigation --facts "The prosecutor asks for the read of the robbery on
    Essex Street" --affirm --to "Ann Lee" --organisation "Essex District Attorney"
    --kind prosecutor --why "Discovery in the robbery of 1 March" --authority "M.G.L. c. 218, s. 26"
    """
    try:
        recipient = recipient_of(**given_to)
    except CaseError as error:
        services.case_files.refuse(user, "evidence.make", error, COMMAND_LINE)
        raise
    request = PackageRequest(
        case_number=case_number,
        reads=reads,
        purpose=purpose,
        facts=facts,
        affirmed=affirm,
        court_order=court_order,
        recipient=recipient,
    )
    made = fill_new_file(
        out, lambda: services.evidence_signed_here.make(user, request, COMMAND_LINE)
    )
    said = {
        "file": str(out),
        "bytes": len(made.content),
        "package": made.digest,
        "ledger_entry": made.ledger_index,
    }
    click.echo(
        json.dumps(said)
        if as_json
        else f"{out}: {counted(len(reads), 'read')}, {len(made.content)} bytes; "
        f"package {made.digest}; ledger entry {made.ledger_index}"
    )


@evidence.command(name="verify")
@click.argument("file", type=_FILE)
@click.option(
    "--ledger-key",
    "key_of_ledger",
    help="The ledger's public key as `ledger key` prints it, or a file.",
)
@click.option("--unit-key", "unit_keys", multiple=True, help="A unit's public key: hex or a file.")
@click.option(
    "--checkpoint", "checkpoints", multiple=True, type=_FILE, help="A checkpoint kept elsewhere."
)
@click.option(
    "--consistency", type=_FILE, help="What `ledger consistency --json` says of the checkpoints."
)
@AS_JSON
def verify_package(
    file: Path,
    key_of_ledger: str | None,
    unit_keys: tuple[str, ...],
    checkpoints: tuple[Path, ...],
    consistency: Path | None,
    as_json: bool,
) -> None:
    """Check a package without database, settings or network; ends with 1 if anything is wrong.

    Example: alpr-repository evidence verify 24-1187.zip --ledger-key ledger.key
    --unit-key car-12.pub --checkpoint witness/2026-03.checkpoint
    """
    growth = None if consistency is None else _text(consistency)
    given = Given(
        ledger_key=None if key_of_ledger is None else _ledger_key(key_of_ledger),
        unit_keys=[_of_text_or_file(each, unit_key) for each in unit_keys],
        checkpoints=[Held(_text(each), growth) for each in checkpoints],
    )
    verdict = verify(_package(file), given)
    if as_json:
        click.echo(json.dumps(as_mapping(verdict)))
    else:
        told = tell(verdict)
        click.echo(told.verdict)
        for heading, lines in (("Proven:", told.proven), ("Not proven:", told.not_proven)):
            if lines:
                click.echo("\n".join(["", heading, *(f"- {each}" for each in lines)]))
    if verdict.wrong is not None:
        raise SystemExit(1)


def _package(file: Path) -> bytes:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise EvidenceError(f"{file}: larger than any package, which has {MAX_BYTES} bytes")
        return file.read_bytes()
    except OSError as error:
        raise EvidenceError(f"{file}: {error.strerror}") from error


def _ledger_key(typed: str) -> str:
    name, key = _of_text_or_file(typed, ledger_key)
    return verifier_key(name, key)


def _of_text_or_file(typed: str, parse: Callable[[str], _T]) -> _T:
    """A key as typed, or as the file of that name holds it."""
    path = Path(typed)
    try:
        there = path.is_file()
    except (OSError, ValueError):
        there = False
    return parse(_text(path) if there else typed)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise EvidenceError(f"{file}: {error.strerror}") from error
