"""The command about the API."""

from __future__ import annotations

import json

import click


@click.command()
def openapi() -> None:
    """Print the description of the API (OpenAPI 3.1, JSON), for those who write programs.

    Needs no settings and no database.

    Example: alpr-repository openapi > plateward-api.json
    """
    # The framework is loaded for this command alone.
    from repository.web.app import describe

    click.echo(json.dumps(describe(), indent=2, ensure_ascii=False))
