"""The command ``alpr-repository``: a group of commands, each in the room that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edge.contract.errors import ContractError
from edge.contract.examples import with_whole_example
from repository import bootstrap, logs, runner
from repository.accounts import own_commands
from repository.accounts.api_tokens_commands import tokens
from repository.accounts.bulletins_commands import bulletins
from repository.accounts.commands import users
from repository.accounts.people_commands import logins, training
from repository.accounts.sessions_commands import sessions
from repository.accounts.user_review_commands import user_reviews
from repository.agencies.agreements_commands import agreements_command
from repository.agencies.commands import errors, reads, statistics
from repository.agencies.deployments_commands import deployments_command
from repository.agencies.misuse_commands import misuse_command
from repository.agencies.policies_commands import policies_command
from repository.audits.commands import audits
from repository.audits.face_commands import face_requests
from repository.bootstrap import Services
from repository.cases.commands import cases
from repository.cases.evidence.commands import evidence
from repository.command import AS_JSON, chosen_settings, pass_services
from repository.errors import RepositoryError
from repository.forwarding.commands import forward
from repository.hotlists.alert_commands import alerts
from repository.hotlists.commands import hotlists
from repository.ingest.commands import ingest_command
from repository.ledger.commands import ledger
from repository.retention.commands import retention
from repository.retention.holds_commands import hold
from repository.retention.purge_commands import purge_command, verify_command
from repository.search.approval_commands import approvals, reviews
from repository.search.commands import search, together
from repository.search.picture_command import picture
from repository.search.request_commands import confirm, requests, search_rule
from repository.store.backup.commands import backup, restore
from repository.store.commands import db
from repository.store.pictures_commands import pictures
from repository.units.commands import agencies, units
from repository.units.findings_commands import findings_command
from repository.web.commands import openapi


class _Group(click.Group):
    """A group whose commands end with one clear sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (RepositoryError, ContractError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--settings",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="ALPR_REPOSITORY_SETTINGS",
    help="Settings file (TOML); also from ALPR_REPOSITORY_SETTINGS. Without one: "
    "./repository.toml, or else everything in ./plateward-data.",
)
@click.version_option(package_name="plateward")
@click.pass_context
def main(ctx: click.Context, settings: Path | None) -> None:
    """The central repository of licence plate reads.

    Example: alpr-repository --settings /etc/plateward/repository.toml run
    """
    logs.configure()
    ctx.obj = settings


@main.command()
@AS_JSON
@click.pass_context
def init(ctx: click.Context, as_json: bool) -> None:
    """Make folders, keys and the database's tables, where they are missing.

    Example: alpr-repository init
    """
    settings = chosen_settings(ctx)
    made = bootstrap.initialise(settings)
    if as_json:
        click.echo(json.dumps({"data": str(settings.data), "keys_made": [str(p) for p in made]}))
        return
    for path in made:
        click.echo(f"made {path}")
    click.echo(f"ready: {settings.data}; keep a copy of {settings.keys_folder} in a safe place")
    if made:
        click.echo("next: add the first agency with `alpr-repository agencies add`")


@main.command()
@click.option(
    "--only",
    type=click.Choice(runner.PARTS),
    help="Run one part alone; without it all run in one process.",
)
@click.option(
    "--instance",
    type=click.IntRange(1, 999),
    help="Number of this ingest process among those that share the load.",
)
@pass_services
def run(services: Services, only: runner.Part | None, instance: int | None) -> None:
    """Take in what units send, do what is due, and serve the API, until stopped.

    Example: alpr-repository run --only ingest --instance 2
    """
    parts = runner.wanted(services.settings) if only is None else (only,)
    if instance is not None and "ingest" not in parts:
        raise click.UsageError("--instance: belongs to ingest; leave it out, or run that")
    runner.run(services, parts, instance)


main.add_command(openapi)
main.add_command(db)
main.add_command(backup)
main.add_command(restore)
main.add_command(pictures)
main.add_command(agencies)
main.add_command(agreements_command)
main.add_command(policies_command)
main.add_command(deployments_command)
main.add_command(misuse_command)
main.add_command(units)
main.add_command(findings_command)
main.add_command(ingest_command)
main.add_command(hotlists)
main.add_command(alerts)
main.add_command(hold)
main.add_command(retention)
retention.add_command(verify_command)
main.add_command(purge_command)
main.add_command(users)
main.add_command(logins)
main.add_command(training)
main.add_command(user_reviews)
main.add_command(bulletins)
main.add_command(sessions)
main.add_command(tokens)
for _command in own_commands.AT_THE_TOP:
    main.add_command(_command)
main.add_command(forward)
main.add_command(reads)
main.add_command(errors)
main.add_command(statistics)
main.add_command(search)
main.add_command(together)
main.add_command(approvals)
main.add_command(reviews)
main.add_command(requests)
reads.add_command(confirm)
agencies.add_command(search_rule)
main.add_command(picture)
main.add_command(cases)
main.add_command(evidence)
main.add_command(ledger)
main.add_command(audits)
main.add_command(face_requests)


def _show_examples_whole(command: click.Command) -> None:
    command.help = with_whole_example(command.help or "")
    if isinstance(command, click.Group):
        for each in command.commands.values():
            _show_examples_whole(each)


_show_examples_whole(main)
