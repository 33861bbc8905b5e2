"""``alpr-repository ledger``: is it whole, sign it, prove an entry or its growth."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import pass_services

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


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
@_JSON
@pass_services
def verify(services: Services, held: tuple[Path, ...], as_json: bool) -> None:
    """Recompute everything from the entries; ends with 1 and the first wrong entry if any is.

    Example: alpr-repository ledger verify --against /media/witness/2026-03.checkpoint
    """
    notes = [path.read_text(encoding="utf-8", errors="replace") for path in held]
    verdict = services.ledger.verify(notes)
    if as_json:
        click.echo(json.dumps({"ok": verdict.ok} | asdict(verdict)))
    elif verdict.ok:
        click.echo(
            f"the ledger is whole: {verdict.size} entries, root {verdict.root_hex}, "
            f"{verdict.checkpoints} checkpoints agree"
        )
    else:
        click.echo(f"THE LEDGER IS NOT WHOLE: {verdict.problem}")
    if not verdict.ok:
        raise SystemExit(1)


@ledger.command()
@_JSON
@pass_services
def checkpoint(services: Services, as_json: bool) -> None:
    """Sign the ledger as it stands and print the note, to be kept on another host.

    Example: alpr-repository ledger checkpoint > 2026-03-01.checkpoint
    """
    note = services.ledger.sign_checkpoint()
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
@click.argument("index", type=click.IntRange(min=0))
@pass_services
def prove(services: Services, index: int) -> None:
    """Print, as one JSON object, an entry and its proof under the newest checkpoint.

    Example: alpr-repository ledger prove 41
    """
    proof = services.ledger.prove_entry(index, operator(), COMMAND_LINE)
    click.echo(json.dumps(asdict(proof)))


@ledger.command()
@click.argument("old_size", type=click.IntRange(min=1))
@pass_services
def growth(services: Services, old_size: int) -> None:
    """Print, as one JSON object, the proof that nothing before OLD_SIZE has changed since.

    Example: alpr-repository ledger growth 40
    """
    click.echo(json.dumps(asdict(services.ledger.prove_growth(old_size))))
