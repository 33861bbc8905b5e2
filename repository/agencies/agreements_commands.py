"""Commands about the agreement that an agency's head signs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from repository.accounts.acting import as_person_if_named
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.agencies.agreements import Agreement, Signing
from repository.agencies.agreements_desk import Part, Standing
from repository.agencies.agreements_papers import MAX_BYTES
from repository.agencies.errors import AgencyError
from repository.agencies.representatives import WORDS, Holder, Post, holder
from repository.bootstrap import Services
from repository.command import AS_JSON, tell_each
from repository.present import plain
from repository.store.engine import reading
from repository.units.enrolment import KINDS, require_agency

ACTING = as_person_if_named("Your login; without one, the operator of this host acts.")
AGENCY = click.option("--agency", help="The agency's short name; left out: your own.")
DAY = click.DateTime(["%Y-%m-%d"])
FILE = click.Path(path_type=Path, dir_okay=False)
NUMBER = click.IntRange(1, 2**31 - 1)
_NAMED = click.option("--agency", required=True, help="The agency's short name.")


@click.group("agreements")
def agreements_command() -> None:
    """Agreements that the heads of agencies sign before their people search.

    Example: alpr-repository agreements due
    """


@agreements_command.command("sign")
@_NAMED
@click.option("--version", required=True, help="Which version of the agreement, as it is called.")
@click.option("--text", type=FILE, required=True, help="The agreement's text, PDF or plain.")
@click.option("--copy", type=FILE, required=True, help="The signed copy, as PDF or scan.")
@click.option("--signed-by", required=True, help="The head's full name.")
@click.option("--title", required=True, help="The head's title, as in Chief of Police.")
@click.option("--on", "day", type=DAY, required=True, help="The date beside the signature.")
@click.option("--kind", help=f"Where not on record yet, one of: {', '.join(KINDS)}.")
@AS_JSON
@ACTING
def sign(
    services: Services,
    user: User | None,
    agency: str,
    version: str,
    text: Path,
    copy: Path,
    signed_by: str,
    title: str,
    day: datetime,
    kind: str | None,
    as_json: bool,
) -> None:
    """Keep an agreement that an agency's head signed; older ones stay.

    Text and signed copy are kept encrypted; the ledger has their SHA-256.

    Example: alpr-repository agreements sign --agency salem-pd --version 2026-1 --text agreement.pdf
    --copy signed.pdf --signed-by "Ruth Roe" --title "Chief of Police" --on 2026-03-02
    """
    signing = Signing(version, given(text), given(copy), signed_by, title, day.date())
    signed = services.agreements.sign(user, agency, signing, COMMAND_LINE, kind=kind)
    _warn_without_head(services, agency, signed)
    if as_json:
        click.echo(json.dumps(plain(signed)))
        return
    click.echo(f"agreement {signed.id} of agency {agency} kept: {_line(signed)}")


@agreements_command.command("list")
@AS_JSON
@ACTING
def list_command(services: Services, user: User | None, as_json: bool) -> None:
    """List every agency with what its head signed last.

    Example: alpr-repository agreements list --json
    """
    found = services.agreements.standings(user, COMMAND_LINE)
    if as_json:
        rows = [{"agency": each.name, "agreement": plain(signed)} for each, signed in found]
        click.echo(json.dumps(rows))
        return
    for each, signed in found:
        click.echo(f"{each.name}  {_line(signed) if signed else 'NOT SIGNED'}")


@agreements_command.command("show")
@AGENCY
@AS_JSON
@ACTING
def show(services: Services, user: User | None, agency: str | None, as_json: bool) -> None:
    """Show what an agency's heads signed, what is due, and who holds and held its posts.

    Example: alpr-repository agreements show --agency salem-pd
    """
    standing = services.agreements.show(user, agency, COMMAND_LINE)
    if as_json:
        click.echo(json.dumps(plain(standing)))
        return
    for line in _lines(standing):
        click.echo(line)


@agreements_command.command("due")
@AS_JSON
@ACTING
def due(services: Services, user: User | None, as_json: bool) -> None:
    """List what is to be signed by when, the most urgent first.

    Example: alpr-repository agreements due
    """
    found = services.agreements.dues(user, COMMAND_LINE)
    tell_each(
        found, lambda each: f"{each.due_on}  {each.agency}  {each.cause}: {each.detail}", as_json
    )


@agreements_command.command("require")
@click.option("--agency", help="One agency; left out: every one that takes part and has signed.")
@click.option("--detail", required=True, help="What was amended.")
@ACTING
def require(services: Services, user: User | None, agency: str | None, detail: str) -> None:
    """Have agencies sign anew within ten business days, since the agreement was amended.

    Example: alpr-repository agreements require --detail "Section 9 amended on 2026-03-02"
    """
    found = services.agreements.require_anew(user, agency, detail, COMMAND_LINE)
    for name, due_on in found.items():
        click.echo(f"{name}: to sign by {due_on}")
    if not found:
        click.echo("no agency has signed yet")


@agreements_command.command("paper")
@AGENCY
@click.option("--agreement", "number", type=NUMBER, required=True, help="The agreement's number.")
@click.option(
    "--part",
    type=click.Choice(["text", "copy"]),
    default="copy",
    show_default=True,
    help="Its text, or the copy that was signed.",
)
@click.option("--output", type=FILE, required=True, help="File to write; it must not be there.")
@ACTING
def paper(
    services: Services, user: User | None, agency: str | None, number: int, part: Part, output: Path
) -> None:
    """Write the signed copy, or the text, of an agreement to a file.

    Example: alpr-repository agreements paper --agency salem-pd --agreement 3 --output signed.pdf
    """
    content = services.agreements.paper(user, agency, number, part, COMMAND_LINE)
    write_new(output, content)
    click.echo(f"{output} written")


def given(path: Path) -> bytes:
    """The file's bytes, if they are not too many.

    Raises:
        AgencyError: if they are, or it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise AgencyError(f"{path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise AgencyError(f"{path}: larger than {MAX_BYTES // 2**20} MiB")
    return content


def write_new(output: Path, content: bytes) -> None:
    """Write a file that was not there.

    Raises:
        AgencyError: if it was, or cannot be written.
    """
    try:
        with output.open("xb") as file:
            file.write(content)
    except OSError as error:
        raise AgencyError(f"{output}: {error.strerror}") from error


def _warn_without_head(services: Services, agency: str, signed: Agreement) -> None:
    with reading(services.engine) as connection:
        found = require_agency(connection, agency)
        head = holder(connection, found.id, Post.HEAD, signed.signed_on)
    if head is None:
        click.echo(
            f"warning: nobody is on record as the agency's head on {signed.signed_on}, so that "
            f"{signed.signed_by} signed was compared with nothing: name the head with "
            "`alpr-repository agencies name`",
            err=True,
        )


def _lines(standing: Standing) -> list[str]:
    access = f", ACCESS {standing.agency.access.upper()}" if standing.agency.access else ""
    force = "in force" if standing.in_force else "NOT SIGNED: nobody searches"
    lines = [f"{standing.agency.name}  {standing.agency.title}  agreement {force}{access}"]
    lines += [f"    {each.id}: {_line(each)}" for each in standing.agreements]
    lines += [f"    TO SIGN by {each.due_on}: {each.detail}" for each in standing.dues]
    lines += [f"    {_post(each)}" for each in standing.holders]
    lines += [f"    {WORDS[post]}: NOBODY" for post in standing.vacant]
    return lines


def _line(signed: Agreement) -> str:
    return (
        f"version {signed.version}, signed {signed.signed_on} by {signed.signed_by}, "
        f"{signed.signed_as}; text {signed.text_sha256[:16]}, copy {signed.copy_sha256[:16]}"
    )


def _post(holder: Holder) -> str:
    until = f" until {holder.until_on}" if holder.until_on else ""
    return (
        f"{WORDS[holder.post]}: {holder.name}, {holder.title}, {holder.phone}, {holder.email}, "
        f"from {holder.from_on}{until}"
    )
