"""The command ``alpr-edge enrol``."""

from __future__ import annotations

from pathlib import Path

import click

from edge.commands.options import json_option
from edge.commands.say import say, say_json, say_text
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
@json_option
def enrol_command(keys: Path, as_json: bool) -> None:
    """Make the unit's keys and print the public part.

    Give that part to the repository: alpr-repository units add --public-key FILE

    Example: alpr-edge enrol --keys /etc/plateward/keys
    """
    made = enrol(keys)
    identifier = key_id(made.signing_key.public_key())
    if as_json:
        say_json(
            {
                "public_key_file": str(keys / PUBLIC_KEY),
                "public_key": made.public_pem,
                "key_id": identifier,
            }
        )
        return
    say_text(made.public_pem)
    say(f"key {identifier} made in {keys}; give {keys / PUBLIC_KEY} to the repository")
