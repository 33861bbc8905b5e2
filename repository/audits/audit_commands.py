"""``alpr-repository audits``: from the list of audits to the sign-off."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.user import User
from repository.audits import drawing, keeping
from repository.audits.conduct import ANSWERS, OUTCOMES
from repository.audits.present import audit_line, audit_lines, file_as_mapping
from repository.bootstrap import Services
from repository.command import AS_JSON, pass_services
from repository.moments import moment
from repository.wording import counted

_AUDIT = click.option(
    "--audit",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The audit's number.",
)
_ANSWER = click.Choice(ANSWERS)


@click.command("list")
@click.option("--open", "open_only", is_flag=True, help="Only those that something is left to do.")
@AS_JSON
@as_person
def list_audits(services: Services, user: User, *, open_only: bool, as_json: bool) -> None:
    """List the audits of your agency, or all where you audit all.

    Example: alpr-repository audits list --user kmiles --open
    """
    found = services.audits.list(user, COMMAND_LINE, open_only=open_only)
    if as_json:
        click.echo(json.dumps({"audits": [asdict(each) for each in found]}, default=str))
        return
    for each in found:
        click.echo(audit_line(each, services.clock()))
    click.echo(counted(len(found), "audit"))


@click.command("show")
@_AUDIT
@AS_JSON
@as_person
def show_audit(services: Services, user: User, *, number: int, as_json: bool) -> None:
    """Show an audit: counts, the searches that were drawn, answers, findings, papers.

    Example: alpr-repository audits show --user kmiles --audit 7
    """
    found = services.audits.show(user, number, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(file_as_mapping(found), default=str))
        return
    for line in audit_lines(found, services.clock()):
        click.echo(line)


@click.command("start")
@click.option("--agency", help="The agency's short name.")
@click.option("--repository", "itself", is_flag=True, help="Instead: the repository itself.")
@click.option("--from", "start", type=moment, required=True, help="First moment (UTC).")
@click.option(
    "--to", "end", type=moment, required=True, help="Its end (UTC): any moment up to now."
)
@click.option("--reason", required=True, help="Why, in words; kept on the ledger.")
@AS_JSON
@as_person
def start_audit(
    services: Services,
    user: User,
    *,
    agency: str | None,
    itself: bool,
    start: datetime,
    end: datetime,
    reason: str,
    as_json: bool,
) -> None:
    """Start an audit at will: of your agency, or, as security officer, of any or the repository.

    Its sample is drawn once the ledger's next checkpoint is signed, by the jobs or `audits draw`.

    Example: alpr-repository audits start --user chief --agency salem-pd --from 2026-02-01
    --to 2026-02-14T18:30 --reason "A complaint was made"
    """
    if (agency is None) != itself:
        raise click.UsageError("say either --agency or --repository")
    number = services.audits.start(user, agency, start, end, reason, COMMAND_LINE)
    click.echo(json.dumps({"audit": number}) if as_json else f"audit {number} is open")


@click.command("draw")
@AS_JSON
@pass_services
def draw_samples(services: Services, as_json: bool) -> None:
    """Draw now, for the audits that wait and whose checkpoint is signed; the jobs do it as well.

    Example: alpr-repository audits draw
    """
    size = services.settings.audits.sample_size
    drawn = drawing.draw_due(services.engine, size, services.clock())
    if as_json:
        click.echo(json.dumps({"audits": drawn}))
        return
    for number in drawn:
        click.echo(f"audit {number}: drawn")
    click.echo(counted(len(drawn), "sample"))


@click.command("redraw")
@_AUDIT
@AS_JSON
@as_person
def redraw(services: Services, user: User, *, number: int, as_json: bool) -> None:
    """Draw an audit's sample again from the ledger as it is now, and compare.

    Example: alpr-repository audits redraw --user kmiles --audit 7
    """
    same = services.audits.drawn_again(user, number, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps({"same": same}))
    else:
        click.echo("the same sample" if same else "ANOTHER sample: tell the operator")
    if not same:
        raise click.exceptions.Exit(1)


@click.command("answer")
@_AUDIT
@click.option(
    "--sample",
    "place",
    type=click.IntRange(1, 10_000),
    required=True,
    help="The search's number in the sample.",
)
@click.option("--purpose-lawful", type=_ANSWER, required=True, help="Is the purpose lawful?")
@click.option("--facts-specific", type=_ANSWER, required=True, help="Do the facts say enough?")
@click.option("--case-exists", type=_ANSWER, required=True, help="Is there such a case?")
@click.option("--result-used", type=_ANSWER, required=True, help="Was the result of use in it?")
@click.option(
    "--aimed-at-protected",
    type=_ANSWER,
    required=True,
    help="Did it aim at people for religion, politics, views or a protected characteristic?",
)
@click.option("--note", default="", help="What else there is to say.")
@as_person
def answer(
    services: Services, user: User, *, number: int, place: int, note: str, **answers: str
) -> None:
    """Answer the questions about one search of the sample; nobody answers for their own.

    Who answered may answer anew until the sign-off; another's answer stands.

    Example: alpr-repository audits answer --user kmiles --audit 7 --sample 1 --purpose-lawful yes
    --facts-specific yes --case-exists yes --result-used no --aimed-at-protected no
    """
    services.audits.answer(user, number, place, answers, note, COMMAND_LINE)
    click.echo(f"audit {number}: sample {place} answered")


@click.command("find")
@_AUDIT
@click.option("--text", required=True, help="What was found.")
@click.option(
    "--due", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day by which it is mended."
)
@AS_JSON
@as_person
def find(
    services: Services, user: User, *, number: int, text: str, due: datetime, as_json: bool
) -> None:
    """Add a finding that is to be mended by a day.

    Example: alpr-repository audits find --user kmiles --audit 7 --text "Two searches without a
    case" --due 2026-05-01
    """
    found = services.audits.find(user, number, text, due.date(), COMMAND_LINE)
    click.echo(json.dumps({"finding": found}) if as_json else f"finding {found}")


@click.command("follow-up")
@click.option(
    "--finding",
    "number",
    type=click.IntRange(1, 2**31 - 1),
    required=True,
    help="The finding's number.",
)
@click.option("--text", required=True, help="What was done about it.")
@as_person
def follow_up(services: Services, user: User, *, number: int, text: str) -> None:
    """Close a finding with what was done about it.

    Example: alpr-repository audits follow-up --user kmiles --finding 3 --text "Officer retrained"
    """
    services.audits.follow_up(user, number, text, COMMAND_LINE)
    click.echo(f"finding {number} is closed")


@click.command("sign-off")
@_AUDIT
@click.option("--outcome", type=click.Choice(OUTCOMES), required=True, help="Clean, or findings.")
@click.option("--summary", required=True, help="What the audit saw, in words.")
@as_person
def sign_off(services: Services, user: User, *, number: int, outcome: str, summary: str) -> None:
    """Sign an audit off; every search of its sample is answered by then.

    Example: alpr-repository audits sign-off --user kmiles --audit 7 --outcome clean
    --summary "All searches have a case and facts"
    """
    services.audits.sign_off(user, number, outcome, summary, COMMAND_LINE)
    click.echo(f"audit {number} is signed off")


@click.command("inspect")
@_AUDIT
@as_person
def inspect(services: Services, user: User, *, number: int) -> None:
    """Put the repository's state beside an audit of it: units, keys, versions, checks, ledger.

    Example: alpr-repository audits inspect --user ksec --audit 9
    """
    titles = services.inspections.inspect(user, number, COMMAND_LINE)
    click.echo(f"audit {number}: now with {', '.join(titles)}")


@click.command("purge")
@AS_JSON
@pass_services
def purge(services: Services, as_json: bool) -> None:
    """Remove the monthly audits that were kept as long as they must; the jobs do it as well.

    Example: alpr-repository audits purge
    """
    gone = keeping.purge(services.engine, operator(), COMMAND_LINE, services.clock())
    click.echo(
        json.dumps({"audits": gone}) if as_json else f"{counted(len(gone), 'audit')} removed"
    )


COMMANDS = (
    list_audits,
    show_audit,
    start_audit,
    draw_samples,
    redraw,
    answer,
    find,
    follow_up,
    sign_off,
    inspect,
    purge,
)
