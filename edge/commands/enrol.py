"""The command ``alpr-edge enrol``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from edge.contract.batch import key_id
from edge.enrolment import PUBLIC_KEY, enrol


@click.command("enrol")
@click.option(
    "--keys",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("keys"),
    show_default=True,
    help="Folder for the unit's keys.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def enrol_command(keys: Path, as_json: bool) -> None:
    """Make the unit's keys and print the public part.

    Give that part to the repository: alpr-repository units add --public-key FILE

    Example: alpr-edge enrol --keys /etc/plateward/keys
    """
    made = enrol(keys)
    identifier = key_id(made.signing_key.public_key())
    if as_json:
        click.echo(
            json.dumps(
                {
                    "public_key_file": str(keys / PUBLIC_KEY),
                    "public_key": made.public_pem,
                    "key_id": identifier,
                }
            )
        )
        return
    click.echo(made.public_pem, nl=False)
    click.echo(f"key {identifier} made in {keys}; give {keys / PUBLIC_KEY} to the repository")
