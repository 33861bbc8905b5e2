"""Commands for the administrator of hot lists: sources, who has which version, what is due."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import click

from repository.accounts.operator import COMMAND_LINE, operator
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.hotlists import holdings, sources, upkeep, versions
from repository.hotlists.errors import HotlistError
from repository.hotlists.holdings import Holding
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed
from repository.store.engine import reading
from repository.units.enrolment import require_known
from repository.wording import counted

_AGENCY = click.option("--agency", help="Only this agency's.")


@click.command("units")
@_AGENCY
@click.option("--behind", "only_behind", is_flag=True, help="Only those with an older version.")
@AS_JSON
@pass_services
def units(services: Services, agency: str | None, only_behind: bool, as_json: bool) -> None:
    """Which unit has which version of which list, how old it is, and since when it is behind.

    Lists that a unit has from a file of its own are not among them: `alpr-repository units list`
    shows those too.

    Example: alpr-repository hotlists units --agency salem-pd --behind
    """
    with reading(services.engine) as connection:
        require_known(connection, agency)
        found = holdings.of_units(connection, services.clock(), agency)
    found = [each for each in found if not only_behind or each.behind_by]
    if as_json:
        click.echo(json.dumps([_plain(each) for each in found]))
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("none")


@click.command("due")
@_AGENCY
@AS_JSON
@pass_services
def due(services: Services, agency: str | None, as_json: bool) -> None:
    """What waits for a person: checks, reviews, entries and sources that end. Names no plate.

    Example: alpr-repository hotlists due --agency salem-pd
    """
    with reading(services.engine) as connection:
        require_known(connection, agency)
        found = upkeep.due(connection, services.clock(), agency)
    if as_json:
        content = [
            {
                "what": each.what,
                "agency": each.agency,
                "list": each.list,
                "subject": each.subject,
                "at": each.at.isoformat(),
            }
            for each in found
        ]
        click.echo(json.dumps(content))
        return
    for each in found:
        click.echo(f"{each.agency}/{each.list}: {each.sentence}")
    if not found:
        click.echo("none")


@click.command("sources")
@_AGENCY
@AS_JSON
@pass_services
def list_sources(services: Services, agency: str | None, as_json: bool) -> None:
    """The sources of the lists: whose data each is, when it was last imported, when it ends.

    Example: alpr-repository hotlists sources --agency salem-pd
    """
    now = services.clock()
    with reading(services.engine) as connection:
        require_known(connection, agency)
        found = sources.everywhere(connection, agency)
    if as_json:
        content = [
            {
                "agency": each.agency,
                "list": each.list,
                "source": each.name,
                "owner": each.owner,
                "entries": each.entries,
                "rejected": each.rejected,
                "imported_at": each.imported_at.isoformat(),
                "imported_by": each.imported_by_name,
                "ends_at": None if each.ends_at is None else each.ends_at.isoformat(),
                "ended": each.ended(now),
            }
            for each in found
        ]
        click.echo(json.dumps(content))
        return
    for each in found:
        end = "" if each.ends_at is None else f", ends {each.ends_at:%Y-%m-%d %H:%M} UTC"
        click.echo(
            f"{each.agency}/{each.list}  {each.name} of {each.owner}: {each.entries} entries, "
            f"{counted(each.rejected, 'line')} left out, imported "
            f"{each.imported_at:%Y-%m-%d %H:%M} UTC"
            f"{', ENDED' if each.ended(now) else end}"
        )
    if not found:
        click.echo("none")


@click.command("remove-source")
@click.option("--agency", required=True, help="The agency's short name.")
@click.option("--list", "name", required=True, help="The list's name.")
@click.option("--source", required=True, help="The source's name.")
@pass_services
def remove_source(services: Services, agency: str, name: str, source: str) -> None:
    """Take a source out of a list for good, and issue the list without it.

    Example: alpr-repository hotlists remove-source --agency salem-pd --list stolen --source rmv
    """
    asked = {"agency": as_typed(agency), "list": as_typed(name), "source": as_typed(source)}
    entry = Entry("hotlist.remove_source", operator(), services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, HotlistError), services.engine.begin() as connection:
        key = versions.lock_list(connection, agency, name)
        sources.remove(connection, key.id, source)
        manifest = services.publisher.publish(
            connection, key, actor=entry.actor, origin=COMMAND_LINE, now=services.clock()
        )
        log.append(connection, entry)
    click.echo(f"list {agency}/{name}: version {manifest.list.version} is without {source}")


COMMANDS = (units, due, list_sources, remove_source)


def _line(holding: Holding) -> str:
    if holding.version is None:
        has = "no version that it spoke of"
    else:
        age = "" if holding.age is None else f", {_days(holding.age)} old"
        has = f"version {holding.version}{age}"
    behind = ""
    if holding.behind_since is not None:
        behind = f"  BEHIND by {holding.behind_by} since {holding.behind_since:%Y-%m-%d %H:%M} UTC"
    fetched = ""
    if holding.fetched_at is not None and holding.fetched != holding.version:
        fetched = f"  fetched version {holding.fetched} {holding.fetched_at:%Y-%m-%d %H:%M} UTC"
    return f"{holding.agency}/{holding.unit}  {holding.list}: {has}{behind}{fetched}"


def _plain(holding: Holding) -> dict[str, Any]:
    def text(at: Any) -> str | None:
        return None if at is None else at.isoformat()

    return {
        "agency": holding.agency,
        "unit": holding.unit,
        "list": holding.list,
        "version": holding.version,
        "newest": holding.newest,
        "age_s": None if holding.age is None else int(holding.age.total_seconds()),
        "behind_by": holding.behind_by,
        "behind_since": text(holding.behind_since),
        "said_at": text(holding.said_at),
        "fetched": holding.fetched,
        "fetched_at": text(holding.fetched_at),
    }


def _days(age: timedelta) -> str:
    hours = int(age.total_seconds()) // 3600
    return f"{hours // 24} days" if hours >= 48 else f"{hours} hours"
