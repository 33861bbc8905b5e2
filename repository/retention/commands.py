"""``alpr-repository retention``."""

from __future__ import annotations

import json

import click

from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.retention import local_rules
from repository.retention.explain_command import explain_command
from repository.retention.rules import RetentionRule, shipped_names, shipped_rule
from repository.store.engine import reading


@click.group()
def retention() -> None:
    """How long reads are kept, and why this one.

    Example: alpr-repository retention rules
    """


retention.add_command(explain_command)


@retention.command("rules")
@AS_JSON
@pass_services
def rules(services: Services, as_json: bool) -> None:
    """List the rules that ship, their sources, and which agencies are under which.

    Example: alpr-repository retention rules --json
    """
    with reading(services.engine) as connection:
        agencies = local_rules.by_rule(connection)
    own = services.retention_rule
    found = [(name, shipped_rule(name)) for name in shipped_names()]
    if as_json:
        rows = [
            {
                "rule": name,
                **_plain(rule),
                "repository": rule.sha256 == own.sha256,
                "agencies": agencies.get(name, []),
            }
            for name, rule in found
        ]
        click.echo(json.dumps(rows))
        return
    for name, rule in found:
        here = "  (the repository's own)" if rule.sha256 == own.sha256 else ""
        click.echo(f"{name}: reads {rule.reads}, hits {rule.hits}{here}")
        click.echo(f"    source: {rule.source}")
        click.echo(f"    {rule.note}")
        if name in agencies:
            click.echo(f"    agencies: {', '.join(agencies[name])}")
    if own.sha256 not in {rule.sha256 for _, rule in found}:
        click.echo(
            f"The repository's own rule is {own.name}: reads {own.reads}, hits {own.hits}; "
            f"source: {own.source}"
        )


def _plain(rule: RetentionRule) -> dict[str, str]:
    return {
        "name": rule.name,
        "source": rule.source,
        "note": rule.note,
        "reads": str(rule.reads),
        "hits": str(rule.hits),
        "sha256": rule.sha256,
    }
