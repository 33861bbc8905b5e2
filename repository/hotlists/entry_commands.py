"""Commands about entries by hand: each signs a person in, and acts as that person."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from edge.contract.hotlist_columns import KINDS
from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.hotlists.desk import Act
from repository.hotlists.entries import ManualEntry
from repository.hotlists.entry_present import entry_as_mapping, entry_lines
from repository.hotlists.entry_request import TypedEntry
from repository.hotlists.look_back import MAX_DAYS, Purposeful
from repository.moments import end_moment
from repository.search.present import as_mapping
from repository.search.purpose import AFFIRMATION, PurposeKind
from repository.wording import counted

_LIST = click.option("--list", "name", required=True, help="The list's name.")
_NUMBER = click.option(
    "--number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The entry's number.",
)


@click.command("propose")
@_LIST
@click.option("--plate", required=True, help="The plate; ? for one character, * for any number.")
@click.option("--state", default="", help="Two-letter code of the state, where it is known.")
@click.option("--kind", required=True, type=click.Choice(KINDS), help="Why it is looked for.")
@click.option(
    "--priority", type=click.IntRange(1, 5), default=1, show_default=True, help="1 (urgent) to 5."
)
@click.option("--note", default="", help="What the officer in the car should know.")
@click.option("--reason", required=True, help="The reason, in three words or more.")
@click.option("--authorized-by", required=True, help="Login or name of who authorized it.")
@click.option("--rank", required=True, help="Their rank, of the command position.")
@click.option(
    "--expires",
    type=end_moment,
    required=True,
    help="When it ends (UTC); a date alone lasts to that day's end.",
)
@click.option(
    "--replaces",
    type=click.IntRange(1, 2**31 - 1),
    help="Number of the entry that this one takes the place of.",
)
@AS_JSON
@as_person
def propose(
    services: Services,
    user: User,
    /,
    name: str,
    as_json: bool,
    **typed: Any,
) -> None:
    """Propose a plate for a list of your agency; it alerts once a second person confirmed it.

    Who authorized it has an account of your agency with the rank as its position; of one without
    an account it is kept that it was only told, and a person of such a rank confirms the entry.

    Example: alpr-repository hotlists propose --user jdoe --list bolo --plate 1ABC23 --state MA
    --kind amber_alert --reason "AMBER alert of 3 March, grey van" --authorized-by "Ann Poe" --rank
    Captain --expires 2026-03-05
    """
    act = services.hotlist_desk.propose(user, name, TypedEntry(**typed), COMMAND_LINE)
    _say(act, as_json, "proposed; a second person confirms it")


@click.command("confirm")
@_NUMBER
@AS_JSON
@as_person
def confirm(services: Services, user: User, number: int, as_json: bool) -> None:
    """Confirm, as the second person, that an entry is right; units get it at once.

    Example: alpr-repository hotlists confirm --user apoe --number 7
    """
    act = services.hotlist_desk.confirm(user, number, COMMAND_LINE)
    _say(act, as_json, f"confirmed, in version {act.version}")


@click.command("cancel")
@_LIST
@click.option("--entry", "label", required=True, help="The entry's id, such as manual:7.")
@click.option("--reason", required=True, help="Why it ends, in three words or more.")
@AS_JSON
@as_person
def cancel(
    services: Services,
    user: User,
    name: str,
    label: str,
    reason: str,
    as_json: bool,
) -> None:
    """End an entry at once, or refuse a proposed one; an imported one stays out while it is sent.

    Example: alpr-repository hotlists cancel --user jdoe --list stolen --entry A-1187 --reason
    "Recovered on Essex Street, owner told"
    """
    version = services.hotlist_desk.cancel(user, name, label, reason, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"entry": label, "version": version}))
        return
    out = "it never alerted" if version is None else f"version {version} is without it"
    click.echo(f"entry {label} ended: {out}")


@click.command("review")
@_NUMBER
@click.option("--reason", required=True, help="Why it still holds, in three words or more.")
@AS_JSON
@as_person
def review(
    services: Services,
    user: User,
    number: int,
    reason: str,
    as_json: bool,
) -> None:
    """Keep on record that an entry was looked at and still holds; what changed is proposed anew.

    Example: alpr-repository hotlists review --user jdoe --number 7 --reason "Child still missing"
    """
    act = services.hotlist_desk.review(user, number, reason, COMMAND_LINE)
    _say(act, as_json, f"reviewed; again by {act.entry.review_due:%Y-%m-%d %H:%M} UTC")


@click.command("entries")
@click.option("--list", "name", help="Only this list's.")
@click.option("--all", "ended_too", is_flag=True, help="Those that have ended too.")
@AS_JSON
@as_person
def entries(
    services: Services,
    user: User,
    name: str | None,
    ended_too: bool,
    as_json: bool,
) -> None:
    """List your agency's entries by hand, and who had a part in each.

    Example: alpr-repository hotlists entries --user jdoe --list bolo
    """
    now = services.clock()
    shown = services.hotlist_desk.show(user, name, COMMAND_LINE)
    wanted: Callable[[ManualEntry], bool] = lambda each: (  # noqa: E731
        ended_too or each.state(now) in ("proposed", "active")
    )
    found = list(filter(wanted, shown))
    if as_json:
        click.echo(json.dumps([entry_as_mapping(each, now) for each in found]))
        return
    for each in found:
        click.echo("\n".join(entry_lines(each, now)))
    if not found:
        click.echo("none")


@click.command("look-back")
@click.argument("label", metavar="ENTRY")
@_LIST
@click.option(
    "--days",
    type=click.IntRange(1, MAX_DAYS),
    default=7,
    show_default=True,
    help=f"1 to {MAX_DAYS}.",
)
@click.option("--purpose", required=True, help=f"One of: {', '.join(PurposeKind)}.")
@click.option("--facts", default="", help="What makes this search necessary, in words.")
@click.option("--case", "case_number", default="", help="Number of the case it belongs to.")
@click.option("--court-order", help="Court and number of the order, for that purpose.")
@click.option("--affirm", is_flag=True, help=f"Your word: {AFFIRMATION}")
@AS_JSON
@as_person
def look_back(
    services: Services,
    user: User,
    /,
    label: str,
    name: str,
    days: int,
    affirm: bool,
    as_json: bool,
    **why: Any,
) -> None:
    """Search the reads of the last days for a listed plate: a search like any other.

    Example: alpr-repository hotlists look-back manual:7 --user jdoe --list bolo --purpose
    safety_concern --facts "AMBER alert of 3 March, grey van seen on Route 1" --case 24-1187
    --affirm
    """
    result = services.hotlist_look_backs.look_back(
        user, name, label, days, Purposeful(affirmed=affirm, **why), COMMAND_LINE
    )
    if as_json:
        click.echo(json.dumps(as_mapping(result)))
        return
    click.echo(result.notice)
    for read in result.reads:
        click.echo(
            f"{read.captured_at:%Y-%m-%d %H:%M:%S} UTC  {read.plate} {read.state or '--'}  "
            f"{read.agency_title}, unit {read.unit}, camera {read.camera}"
        )
        click.echo(f"    {read.how_to_confirm}")
    click.echo(f"{counted(len(result.reads), 'read')}; ledger entry {result.ledger_index}")
    if result.hint is not None:
        click.echo(result.hint)


COMMANDS = (propose, confirm, cancel, review, entries, look_back)


def _say(act: Act, as_json: bool, what: str) -> None:
    if as_json:
        click.echo(
            json.dumps(
                {
                    "number": act.entry.id,
                    "entry": act.entry.label,
                    "list": act.entry.list,
                    "version": act.version,
                }
            )
        )
        return
    click.echo(f"entry {act.entry.label} of list {act.entry.list}: {what}")
