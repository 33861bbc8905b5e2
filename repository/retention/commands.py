"""``alpr-repository retention`` and the purge."""

from __future__ import annotations

import dataclasses
import json
from datetime import date, datetime

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import pass_services
from repository.retention import local_rules, purge
from repository.retention.rules import RetentionRule, shipped_names, shipped_rule
from repository.store.engine import reading

_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


@click.group()
def retention() -> None:
    """How long reads are kept, and why this one.

    Example: alpr-repository retention rules
    """


@retention.command("rules")
@_AS_JSON
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


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--now", "for_good", is_flag=True, help="Purge; what goes cannot come back.")
@click.option(
    "--clock-is",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Today's date in UTC, where a purge was refused because the clock seems far ahead.",
)
@_AS_JSON
@pass_services
def purge_command(
    services: Services, dry_run: bool, for_good: bool, clock_is: datetime | None, as_json: bool
) -> None:
    """Purge what has expired and is not held.

    Example: alpr-repository purge --dry-run
    """
    if dry_run == for_good:
        raise click.UsageError("say either --dry-run or --now")
    if dry_run:
        certificate = purge.preview(services.engine, services.retention_rule, now=services.clock())
    else:
        certificate = purge.run(
            services.engine,
            services.pictures,
            services.retention_rule,
            now=services.clock(),
            actor=operator(),
            origin=COMMAND_LINE,
            clock_confirmed=clock_is.date() if clock_is else None,
        )
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(certificate), default=_moment))
        return
    click.echo(
        f"{'would purge' if dry_run else 'purged'} {certificate.reads_purged} reads captured "
        f"before {certificate.expired_before:%Y-%m-%d %H:%M} UTC, with {certificate.hits_purged} "
        f"hits, {certificate.pictures_purged} pictures, {certificate.unit_records_purged} records "
        f"of officers and {certificate.quarantine_purged} refused messages; "
        f"{certificate.reads_held} older reads are held"
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


def _moment(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
