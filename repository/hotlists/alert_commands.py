"""``alpr-repository alerts``: what an agency's units rang for, and what became of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import UUID

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.hotlists.alert_present import as_mapping, lines
from repository.hotlists.alert_state import CHECKED, Checked
from repository.hotlists.alerts import AlertQuery, ShownAlerts
from repository.moments import moment
from repository.wording import counted

_FROM = click.option(
    "--from", "start", type=moment, help="First moment (UTC); a day ago unless set."
)
_TO = click.option("--to", "end", type=moment, help="Moment after the last (UTC); now unless set.")


@click.group()
def alerts() -> None:
    """Alerts of your agency's units, how they were verified, and what came of them.

    Example: alpr-repository alerts list --user jdoe --overdue
    """


@alerts.command("list")
@_FROM
@_TO
@click.option("--list", "list_name", help="Only alerts of this hot list.")
@click.option("--state", "checked", type=click.Choice(CHECKED), help="Only those in this state.")
@click.option(
    "--overdue", is_flag=True, help="Only those that nobody verified within the set time."
)
@click.option(
    "--limit",
    type=click.IntRange(1, 2**31 - 1),
    default=200,
    show_default=True,
    help="Most alerts.",
)
@AS_JSON
@as_person
def list_alerts(
    services: Services,
    user: User,
    start: datetime | None,
    end: datetime | None,
    list_name: str | None,
    checked: Checked | None,
    overdue: bool,
    limit: int,
    as_json: bool,
) -> None:
    """List alerts, the newest first; the ledger keeps that you looked.

    Example: alpr-repository alerts list --user jdoe --from 2026-03-01 --state unverified
    """
    start, end = _window(services, start, end)
    query = AlertQuery(start, end, list_name, checked, overdue, limit)
    _say(services.alerts.show(user, query, COMMAND_LINE), as_json)


@alerts.command("show")
@click.option("--alert", "hit_id", type=click.UUID, required=True, help="The alert's id.")
@AS_JSON
@as_person
def show_alert(services: Services, user: User, hit_id: UUID, as_json: bool) -> None:
    """Show one alert with all that was recorded of it.

    Example: alpr-repository alerts show --user jdoe --alert 0195f3a2-7c1b-7def-8a01-23456789abcd
    """
    _say(services.alerts.find(user, hit_id, COMMAND_LINE), as_json)


@alerts.command("count")
@_FROM
@_TO
@AS_JSON
@as_person
def count_alerts(
    services: Services,
    user: User,
    start: datetime | None,
    end: datetime | None,
    as_json: bool,
) -> None:
    """Count, for each list, how alerts turned out: misread, of another state, no longer current.

    Example: alpr-repository alerts count --user jdoe --from 2026-02-01 --to 2026-03-01
    """
    counted = services.alerts.by_list(user, *_window(services, start, end), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(counted, sort_keys=True))
        return
    for name, facts in sorted(counted.items()):
        said = ", ".join(f"{fact} {number}" for fact, number in sorted(facts.items()))
        click.echo(f"{name}: {said}")


def _window(
    services: Services, start: datetime | None, end: datetime | None
) -> tuple[datetime, datetime]:
    until = end or services.clock()
    return start or until - timedelta(days=1), until


def _say(shown: ShownAlerts, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(as_mapping(shown)))
        return
    for each in shown.alerts:
        click.echo("\n".join(lines(each)))
    more = ", and more that the limit cut off" if shown.more else ""
    click.echo(f"{counted(len(shown.alerts), 'alert')}{more}; ledger entry {shown.ledger_index}")
