"""``alpr-repository requests``, ``reads confirm`` and ``agencies search-rule``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.entering import enter, require_own_agency
from repository.accounts.errors import AccountError
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, tell, tell_each
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry, as_typed
from repository.search import local_rule_rows
from repository.search.confirmations import ANSWERS
from repository.search.local_rules import LocalSearchRuleError, load_rule
from repository.search.request_form import CRIMINAL_JUSTICE, RequestForm
from repository.search.request_rows import SearchAskedFor

_REASON = click.option("--reason", required=True, help="Why, in words.")
_NUMBER = click.argument("number", type=click.IntRange(1, 2**31 - 1))


@click.group()
def requests() -> None:
    """Searches that people without access ask for.

    Example: alpr-repository requests list --user admin --waiting
    """


@requests.command("receive")
@click.option("--agency", required=True, help="Who asks: a short name, or the agency's title.")
@click.option("--ori", help="Its ORI, if it takes no part here.")
@click.option(
    "--sector",
    default=CRIMINAL_JUSTICE,
    show_default=True,
    help="What the agency is; others than of criminal justice are refused.",
)
@click.option("--name", required=True, help="Full name of who asks.")
@click.option("--position", required=True, help="Their rank or position.")
@click.option("--phone", required=True, help="Their phone, at which they are called back.")
@click.option("--email", required=True, help="Their official e-mail address.")
@click.option("--case", "case_number", required=True, help="Number of their case.")
@click.option("--reason", required=True, help="Why they ask, in words.")
@click.option("--offence", required=True, help="The suspected crime, or what else it is about.")
@click.option("--characteristics", required=True, help="What is to be searched for.")
@click.option("--source", required=True, help="Where they have the plate or description from.")
@AS_JSON
@as_person
def receive(services: Services, user: User, /, as_json: bool, **form: Any) -> None:
    """Record the form of a request.

    \b
    Example: alpr-repository requests receive --user admin --agency "Nahant Police"
        --ori MA0052000 --name "Ruth Roe" --position Detective --phone 781-555-0100
        --email roe@example.gov --case 26-78 --reason "The driver of a blue sedan fled a crash on
        Nahant Road" --offence "leaving the scene" --characteristics "plate 1ABC23, 1 to 8 March"
        --source "a witness wrote the plate down"
    """
    made = services.search_requests.receive(user, RequestForm(**form), COMMAND_LINE)
    tell(made, _line(made), as_json)


@requests.command("list")
@click.option("--waiting", is_flag=True, help="Only what waits to be decided or answered.")
@AS_JSON
@as_person
def list_requests(services: Services, user: User, waiting: bool, as_json: bool) -> None:
    """List requests: your agency's if you handle them, else those that you recorded.

    Example: alpr-repository requests list --user admin --waiting
    """
    found = services.search_requests.list(user, COMMAND_LINE, waiting=waiting)
    tell_each(found, _line, as_json)


@requests.command("decide")
@_NUMBER
@click.option("--accept/--deny", required=True, help="What you decide.")
@_REASON
@AS_JSON
@as_person
def decide(
    services: Services, user: User, number: int, accept: bool, reason: str, as_json: bool
) -> None:
    """Accept a request or deny it, as the ALPR administrator.

    An accepted one is searched for with `search --request NUMBER`.

    Example: alpr-repository requests decide 4 --accept --user admin --reason "Called back, known"
    """
    done = services.search_requests.decide(
        user, number, accept=accept, reason=reason, origin=COMMAND_LINE
    )
    tell(done, _line(done), as_json)


@requests.command("review")
@_NUMBER
@click.argument("read", type=click.UUID)
@AS_JSON
@as_person
def review(services: Services, user: User, number: int, read: UUID, as_json: bool) -> None:
    """Have a second person look at a possible match before it is reported.

    Example: alpr-repository requests review 4 0195f3a2-7c1b-7def-8a01-23456789abcd --user admin
    """
    made = services.search_requests.ask_review(user, number, read, COMMAND_LINE)
    tell(made, f"review {made.number} waits for a second person", as_json)


@requests.command("answer")
@_NUMBER
@click.option("--text", required=True, help="The answer.")
@click.option(
    "--match", "matches", type=click.UUID, multiple=True, help="A read that it rests on; repeat."
)
@click.option(
    "--not-practicable", help="Why nobody else could review what is no exact match, in words."
)
@AS_JSON
@as_person
def answer(
    services: Services,
    user: User,
    number: int,
    text: str,
    matches: tuple[UUID, ...],
    not_practicable: str | None,
    as_json: bool,
) -> None:
    """Record the answer to a request, and the reads that it reports.

    Example: alpr-repository requests answer 4 --user admin --text "Seen once, on Essex Street"
    --match 0195f3a2-7c1b-7def-8a01-23456789abcd
    """
    done = services.search_requests.answer(
        user, number, text, matches, COMMAND_LINE, not_practicable=not_practicable
    )
    tell(done, _line(done), as_json)


@click.command("confirm")
@click.argument("read", type=click.UUID)
@click.option("--case", "case_number", required=True, help="Number of the case it is used in.")
@click.option("--spoke-with", required=True, help="Whom you spoke with at the source agency.")
@click.option("--answer", required=True, type=click.Choice(ANSWERS), help="What they said.")
@click.option("--note", default="", help="What else they said, in words.")
@AS_JSON
@as_person
def confirm(
    services: Services,
    user: User,
    read: UUID,
    case_number: str,
    spoke_with: str,
    answer: str,
    note: str,
    as_json: bool,
) -> None:
    """Record what the agency that made a read says of it, before anything is enforced.

    Example: alpr-repository reads confirm 0195f3a2-7c1b-7def-8a01-23456789abcd --user jdoe
    --case 24-1187 --spoke-with "Dispatcher Roe, Salem Police" --answer confirmed
    """
    made = services.confirmations.confirm(
        user,
        read,
        case_number,
        spoke_with=spoke_with,
        answer=answer,
        note=note,
        origin=COMMAND_LINE,
    )
    tell(made, f"confirmation {made.number}: {made.source_agency} said {made.answer}", as_json)


@click.command("search-rule")
@click.argument("agency")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The rule (TOML), as in config/search-rule.example.toml; without it the agency is under "
    "the general rule alone.",
)
@_REASON
@AS_JSON
@as_person_if_named("Your login; the operator of this host needs none.")
def search_rule(
    services: Services,
    user: User | None,
    agency: str,
    path: Path | None,
    reason: str,
    as_json: bool,
) -> None:
    """Put an agency's people and reads under a stricter rule of searching of its own.

    Example: alpr-repository agencies search-rule salem-pd --file salem.toml --reason "Ordinance 12"
    """
    actor = operator() if user is None else user.actor
    asked = {"agency": as_typed(agency), "reason_given": as_typed(reason)}
    entry = Entry("agency.search_rule", actor, services.clock(), COMMAND_LINE, asked)
    refusals = (LocalSearchRuleError, AccountError)
    with attempt(services.engine, entry, refusals), services.engine.begin() as connection:
        if user is not None:
            acting = enter(connection, user, Power.MANAGE_AGENCY)
            require_own_agency(acting, agency, Power.MANAGE_AGENCY)
        chosen = None if path is None else load_rule(path)
        local_rule_rows.change(
            connection,
            agency,
            chosen,
            reason=reason,
            actor=actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    name = None if chosen is None else chosen.name
    if as_json:
        click.echo(json.dumps({"agency": agency, "rule": name}))
        return
    click.echo(f"agency {agency}: " + (f"rule {name}" if name else "the general rule alone"))


def _line(each: SearchAskedFor) -> str:
    state = "answered" if each.answered_at is not None else each.decision or "waits"
    return (
        f"request {each.number}: {state}\n    {each.asker_name}, {each.asker_position}, "
        f"{each.asker_agency} ({each.asker_kind.replace('_', '-')}), {each.asker_phone}, "
        f"{each.asker_email}, case {each.asker_case}\n    {each.characteristics}\n"
        f"    reason: {each.reason}\n    source: {each.source}"
        + (
            ""
            if each.handled_by_name is None
            else f"\n    handled by {each.handled_by_name}: {each.decision_reason}"
        )
        + ("" if each.answer is None else f"\n    answer: {each.answer}")
        + "".join(f"\n    reports read {read}" for read in each.reads)
    )
