"""Commands with which an owner sees and ends other agencies' holds on its reads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.ledger import log
from repository.ledger.entry import JSON, as_typed, digest_of_ids
from repository.retention import holds_objecting
from repository.retention.holds_acting import NUMBER, acting, entry_of, say
from repository.retention.holds_present import hold_line, without_reads
from repository.wording import counted


@click.command("on-our-reads")
@AS_JSON
@as_person
def on_our_reads(services: Services, user: User, as_json: bool) -> None:
    """List other agencies' holds that keep reads of your agency, for its ALPR administrator.

    Example: alpr-repository hold on-our-reads --user jdoe
    """
    now = services.clock()
    with acting(services, user, "hold.on_our_reads", {}, Power.END_OTHERS_HOLD) as connection:
        found = holds_objecting.on_reads_of(connection, user.actor)
        entry = entry_of(services, user, "hold.on_our_reads", {})
        ids = digest_of_ids(str(each.id) for each, _ in found)
        log.append(connection, replace(entry, count=len(found), result_digest=ids))
    if as_json:
        shown = [
            without_reads(each) | {"ends_for_us_at": ends and ends.isoformat()}
            for each, ends in found
        ]
        click.echo(json.dumps(shown))
        return
    for each, ends in found:
        ending = f"; ends for your reads on {ends:%Y-%m-%d}" if ends else ""
        click.echo(f"{hold_line(each, now)}{ending}: {each.reason}")
    click.echo(counted(len(found), "hold"))


@click.command("object")
@NUMBER
@click.option("--reason", required=True, help="Why, in words.")
@click.option("--take-back", is_flag=True, help="Let the hold go on, before it has ended.")
@AS_JSON
@as_person
def object_to(
    services: Services,
    user: User,
    number: int,
    reason: str,
    take_back: bool,
    as_json: bool,
) -> None:
    """End another agency's hold on the reads of yours, after the notice that is set.

    Example: alpr-repository hold object --user jdoe --hold 7 --reason "Our ordinance allows three
    minutes, and no charge was brought"
    """
    asked: dict[str, JSON] = {
        "hold": number,
        "reason_given": as_typed(reason),
        "take_back": take_back,
    }
    now = services.clock()
    with acting(services, user, "hold.object", asked, Power.END_OTHERS_HOLD) as connection:
        if take_back:
            holds_objecting.take_back(
                connection, number, reason=reason, actor=user.actor, origin=COMMAND_LINE, now=now
            )
            ends = None
        else:
            ends = holds_objecting.end_on_ours(
                connection,
                number,
                reason=reason,
                actor=user.actor,
                origin=COMMAND_LINE,
                now=now,
                notice=timedelta(days=services.settings.holds.notice_days),
            )
    if ends is None:
        say(as_json, {"hold": number, "ends_at": None}, f"hold {number} goes on for your reads")
        return
    said = f"hold {number} keeps reads of your agency until {ends:%Y-%m-%d %H:%M} UTC and no longer"
    say(as_json, {"hold": number, "ends_at": ends.isoformat()}, said)
