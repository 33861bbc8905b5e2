"""``alpr-repository ledger``: is it whole, sign it, prove an entry or its growth."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.ledger.checkpoints import require_form
from repository.ledger.errors import LedgerError
from repository.wording import counted


@click.group()
def ledger() -> None:
    """The append-only log of every transaction.

    Example: alpr-repository ledger verify
    """


@ledger.command()
@click.option(
    "--against",
    "held",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Signed checkpoint kept on another host; may be given again.",
)
@AS_JSON
@pass_services
def verify(services: Services, held: tuple[Path, ...], as_json: bool) -> None:
    """Recompute everything from the entries; ends with 1 and the first wrong entry if any is.

    A checkpoint signed before a restore from a backup, over entries that were lost then, does not
    fit for good; the restores that the ledger tells of are named beside it.

    Example: alpr-repository ledger verify --against /media/witness/2026-03.checkpoint
    """
    notes = [_checkpoint_in(path, services.settings.ledger.origin) for path in held]
    verdict = services.ledger.verify(notes, _tell)
    if as_json:
        click.echo(json.dumps({"ok": verdict.ok} | asdict(verdict)))
    elif verdict.ok:
        click.echo(
            f"the ledger is whole: {counted(verdict.size, 'entry', 'entries')}, root "
            f"{verdict.root_hex}, "
            f"{counted(verdict.checkpoints, 'checkpoint agrees', 'checkpoints agree')}"
        )
    else:
        click.echo(f"THE LEDGER IS NOT WHOLE: {verdict.problem}")
        for each in verdict.restores:
            click.echo(f"  {each.words()}")
    if not verdict.ok:
        raise SystemExit(1)


@ledger.command()
@AS_JSON
@pass_services
def checkpoint(services: Services, as_json: bool) -> None:
    """Sign the ledger as it stands and print the note, to be kept on another host.

    Example: alpr-repository ledger checkpoint > 2026-03-01.checkpoint
    """
    note = services.signer.sign_checkpoint()
    if as_json:
        click.echo(json.dumps({"checkpoint": note, "key": services.ledger.verifier_key()}))
    else:
        click.echo(note, nl=False)


@ledger.command()
@pass_services
def key(services: Services) -> None:
    """Print the public key in the one-line form that note verifiers take.

    Example: alpr-repository ledger key
    """
    click.echo(services.ledger.verifier_key())


@ledger.command()
@click.argument("index", metavar="ENTRY", type=click.IntRange(0, 2**63 - 1))
@AS_JSON
@pass_services
def prove(services: Services, index: int, as_json: bool) -> None:
    """Print an entry and its proof under the newest checkpoint; that is itself an entry.

    Entries are counted from 0. The proof is that of RFC 9162, its leaf the SHA-256 of the entry.

    Example: alpr-repository ledger prove 41 --json
    """
    proof = services.ledger.prove_entry(index, operator(), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(asdict(proof)))
        return
    click.echo(f"entry {proof.index} of {proof.size}, proven under the checkpoint below\n")
    click.echo(f"{proof.body}\n\nleaf {proof.leaf}")
    _show_path(proof.path, proof.checkpoint)


@ledger.command()
@click.argument("old")
@click.argument("new", required=False)
@AS_JSON
@pass_services
def consistency(services: Services, old: str, new: str | None, as_json: bool) -> None:
    """Print the proof that NEW, the newest checkpoint unless given, only added to OLD.

    Each is a checkpoint's file or a size; a checkpoint must have been signed at NEW's.

    Example: alpr-repository ledger consistency /media/witness/2026-03.checkpoint --json
    """
    proof = services.ledger.prove_growth(
        _size_or_note(old), None if new is None else _size_or_note(new)
    )
    if as_json:
        click.echo(json.dumps(asdict(proof)))
        return
    click.echo(f"nothing before entry {proof.old_size} changed until there were {proof.size}\n")
    click.echo(f"old root {proof.old_root}\nnew root {proof.root}")
    _show_path(proof.path, proof.checkpoint)


@ledger.command("mend-tiles")
@AS_JSON
@pass_services
def mend_tiles(services: Services, as_json: bool) -> None:
    """Make the tiles, which proofs are read from, anew from the entries; on the ledger itself.

    Example: alpr-repository ledger mend-tiles
    """
    made = services.ledger.mend_tiles(operator(), COMMAND_LINE)
    click.echo(json.dumps({"tiles": made}) if as_json else f"{made} tiles made anew")


@ledger.command()
@click.option("--push", is_flag=True, help="Give each what it lacks now, not when it is due.")
@click.option("--forget", metavar="NAME", help="Begin anew with this one, which lost what it had.")
@AS_JSON
@pass_services
def witnesses(services: Services, push: bool, forget: str | None, as_json: bool) -> None:
    """Show what each witness has; ends with 1 if one fails or has seen another ledger.

    Example: alpr-repository ledger witnesses --push
    """
    if forget is not None:
        services.witnesses.forget(forget, operator(), COMMAND_LINE)
    standing = services.witnesses.push() if push else services.witnesses.standing()
    if as_json:
        click.echo(json.dumps([asdict(each) for each in standing], default=str))
    for each in () if as_json else standing:
        word = "FORK" if each.forked else "failing" if each.problem else "well"
        last = "never" if each.pushed_at is None else f"{each.pushed_at:%Y-%m-%d %H:%M:%S}Z"
        stands = (
            f"{word}  {counted(each.size, 'entry', 'entries')}, {each.behind} behind, last {last}"
        )
        if each.pushed_at is None and not each.problem:
            stands = f"nothing given yet  {counted(each.behind, 'entry', 'entries')} behind"
        click.echo(f"{each.name}  {stands}")
        click.echo(f"  {each.where}" + (f": {each.problem}" if each.problem else ""))
    if not standing and not as_json:
        click.echo("none: the settings name no witness, so that nobody elsewhere holds this ledger")
    if any(each.problem for each in standing):
        raise SystemExit(1)


def _checkpoint_in(path: Path, origin: str) -> str:
    """A checkpoint of this ledger, whoever signed it: whether that is right is for the verdict."""
    note = path.read_text(encoding="utf-8", errors="replace")
    try:
        require_form(note, origin)
    except LedgerError as error:
        raise click.BadParameter(f"{str(path)!r}: {error}", param_hint="'--against'") from error
    return note


def _show_path(path: tuple[str, ...], note: str) -> None:
    click.echo("\n".join(["path", *(f"  {each}" for each in path)]) + f"\n\n{note}", nl=False)


def _size_or_note(text: str) -> int | str:
    """A size where it is a number; else what the file of that name holds."""
    if text.isdecimal() and not text.startswith("0"):
        return int(text)
    try:
        return Path(text).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise click.BadParameter(
            f"{text!r}: neither a size from 1 nor a file that can be read: {error.strerror}"
        ) from error


def _tell(size: int) -> None:
    click.echo(f"{counted(size, 'entry', 'entries')} are good so far", err=True)
