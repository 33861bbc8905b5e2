"""``alpr-repository purge`` and ``retention verify``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime

import click

from repository.accounts.acting import as_person_if_named
from repository.accounts.errors import NotAllowedError
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.retention import purge
from repository.retention.certificates import Count
from repository.retention.purge import Confirmation, PurgeError
from repository.retention.purge_schedule import grace
from repository.retention.verify import verify
from repository.store.engine import reading
from repository.wording import counted


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--now", "for_good", is_flag=True, help="Purge; what goes cannot come back.")
@click.option(
    "--clock-is",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Today's date in UTC, where a purge was refused because the clock seems far ahead.",
)
@click.option(
    "--confirm-count",
    type=click.IntRange(0, 2**53 - 1),
    help="The number of reads, where a purge was refused because so many would go.",
)
@AS_JSON
@as_person_if_named("Your login, to confirm a number of reads.")
def purge_command(
    services: Services,
    user: User | None,
    dry_run: bool,
    for_good: bool,
    clock_is: datetime | None,
    confirm_count: int | None,
    as_json: bool,
) -> None:
    """Purge what has outlived its time and is not held, day by day, each with a certificate.

    Example: alpr-repository purge --dry-run
    """
    if dry_run == for_good:
        raise click.UsageError("say either --dry-run or --now")
    if dry_run:
        _preview(services, as_json)
        return
    if confirm_count is not None and user is None:
        raise click.UsageError("--confirm-count needs --user: the ledger names who confirms it")
    actor = operator() if user is None else user.actor
    asked: dict[str, JSON] = {
        "clock_is": clock_is.date().isoformat() if clock_is else None,
        "confirm_count": confirm_count,
    }
    entry = Entry("purge.run", actor, services.clock(), COMMAND_LINE, asked)
    with attempt(services.engine, entry, (PurgeError, NotAllowedError)):
        if user is not None:
            require(user, Power.OPERATE)
        done = purge.run(
            services.engine,
            services.pictures,
            services.duties,
            now=services.clock(),
            actor=actor,
            origin=COMMAND_LINE,
            confirmed=Confirmation(clock_is.date() if clock_is else None, confirm_count),
            progress=lambda said: click.echo(said, err=True),
        )
    if as_json:
        days = [each.day.isoformat() for each in done.certificates]
        certificates = [each.ledger_index for each in done.certificates]
        numbers = _numbers(done.counts)
        click.echo(json.dumps({**numbers, "days": days, "certificates": certificates}))
        return
    click.echo(f"{_goes('purged', len(done.certificates))}: {_said(done.counts)}")


@click.command("verify")
@AS_JSON
@pass_services
def verify_command(services: Services, as_json: bool) -> None:
    """Prove that nothing past its time is left, and that everything held is there and opens.

    Looks through tables, picture files and keys, what was refused, and the dictionary of plates,
    by questions of its own. Names what is wrong by ids, no plates, and ends with status 1 then.
    This version writes no exports; what a backup holds is purged as it is restored.

    Example: alpr-repository retention verify --json
    """
    now = services.clock()
    with reading(services.engine) as connection:
        allowed = grace(services.duties(connection), now)
    found = verify(services.engine, services.pictures, services.duties, now=now, grace=allowed)
    wrong = len(found.left) + len(found.lost) + len(found.disagreeing)
    entry = Entry(
        "retention.verify", operator(), now, COMMAND_LINE, {"held": found.held}, count=wrong
    )
    with services.engine.begin() as connection:
        log.append(connection, entry)
    if as_json:
        click.echo(json.dumps({"clean": found.clean, **dataclasses.asdict(found)}))
    else:
        for what, each in [("left", one) for one in found.left] + [
            ("lost", one) for one in found.lost
        ]:
            click.echo(f"{what}: {each.kind} {each.name}")
        for sentence in found.disagreeing:
            click.echo(sentence)
        click.echo(
            f"{'clean' if found.clean else 'not clean'}: {counted(found.held, 'read')} held, "
            f"whether their time has passed or not; waiting for the next purge: {found.waiting}"
        )
    if not found.clean:
        raise SystemExit(1)


def _preview(services: Services, as_json: bool) -> None:
    found = purge.preview(services.engine, services.duties, now=services.clock())
    days = [each.isoformat() for each in found.plan.days]
    if as_json:
        click.echo(json.dumps({**_numbers(found.counts), "days": days, "by_rule": found.by_rule}))
        return
    span = f" ({days[0]} to {days[-1]})" if days else ""
    click.echo(f"{_goes('would be purged', len(days), span)}: {_said(found.counts)}")
    for rule, numbers in found.by_rule.items():
        click.echo(
            f"{rule}: {counted(numbers['reads'], 'read')} without a hit, {numbers['hits']} with one"
        )


def _numbers(counts: Mapping[str, Count]) -> dict[str, int]:
    purged = {f"{name}_purged": each.purged for name, each in counts.items()}
    return {**purged, "reads_held": counts["reads"].held}


def _goes(what: str, days: int, span: str = "") -> str:
    return f"{what} from {counted(days, 'day')}{span}" if days else f"nothing {what}"


def _said(counts: Mapping[str, Count]) -> str:
    purged = [
        counted(each.purged, name.replace("_", " ").removesuffix("s"))
        for name, each in counts.items()
    ]
    return (
        f"{', '.join(purged)}; past their time and kept by a hold: "
        f"{counted(counts['reads'].held, 'read')} of these days"
    )
