"""``alpr-repository agencies rule``: an agency's own rule of retention."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from repository.accounts.acting import as_person_if_named
from repository.accounts.entering import enter, require_own_agency
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed
from repository.retention import local_rules
from repository.retention.local_rules import Change, LocalRuleError
from repository.retention.rules import RetentionRuleError, shipped_rule
from repository.wording import counted

_DEFAULT = "default"


@click.command("rule")
@click.argument("agency")
@click.argument("name", metavar="RULE")
@click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
@click.option("--yes", is_flag=True, help="Do it; without, what would go is only counted.")
@AS_JSON
@as_person_if_named("Your login; needed for a rule longer than the repository's own.")
def rule(
    services: Services,
    user: User | None,
    agency: str,
    name: str,
    reason: str,
    yes: bool,
    as_json: bool,
) -> None:
    """Keep an agency's reads under a rule of its own, the stored ones too.

    Without --yes nothing is changed: it says which stored reads would expire earlier, those under
    hold too, which do so when their holds have ended.

    RULE is one of `alpr-repository retention rules`, or "default" for the repository's own.

    Example: alpr-repository agencies rule nashua-pd new-hampshire --reason "RSA 261:75-b" --yes
    """
    actor = operator() if user is None else user.actor
    entry = Entry(
        "agency.rule",
        actor,
        services.clock(),
        COMMAND_LINE,
        {"agency": as_typed(agency), "rule": as_typed(name), "reason_given": as_typed(reason)},
    )
    refusals = (LocalRuleError, RetentionRuleError, AccountError)
    with attempt(services.engine, entry, refusals), services.engine.begin() as connection:
        if user is not None:
            acting = enter(connection, user, Power.MANAGE_AGENCY)
            require_own_agency(acting, agency, Power.MANAGE_AGENCY)
        done = local_rules.change(
            connection,
            agency,
            None if name == _DEFAULT else name,
            default=services.retention_rule,
            shipped=shipped_rule,
            reason=reason,
            confirmed=yes,
            named_person=user is not None,
            actor=actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    if as_json:
        said = {
            "agency": agency,
            "rule": name,
            "done": done.done,
            "earlier": done.earlier,
            "at_once": done.at_once,
            "held_earlier": done.held_earlier,
            "held_at_once": done.held_at_once,
        }
        click.echo(json.dumps(said))
        return
    click.echo("\n".join(change_lines(done)))


def change_lines(change: Change) -> Iterator[str]:
    """What a change does, or would do, and whether it was made."""
    what = "done" if change.done else "only counted, nothing is changed"
    yield (
        f"{what}: agency {change.agency} under rule {change.after.name} (reads "
        f"{change.after.reads}, hits {change.after.hits})"
    )
    go = "expires" if change.earlier == 1 else "expire"
    yield (
        f"{counted(change.earlier, 'stored read')} {go} earlier than before, {change.at_once} of "
        "them with the next purge"
    )
    if change.held_earlier:
        stay, its, go = (
            ("stays", "its hold ends", "expires")
            if change.held_earlier == 1
            else ("stay", "their holds end", "expire")
        )
        yield (
            f"{counted(change.held_earlier, 'read')} under hold {stay} until {its}, and {go} "
            f"earlier then, {change.held_at_once} of them with the purge after it"
        )
    if not change.done:
        yield "add --yes to put the agency under that rule"
