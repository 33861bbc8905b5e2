"""``alpr-repository user-reviews``: the yearly review of an agency's list of users."""

from __future__ import annotations

import dataclasses
import json

import click

from repository.accounts.acting import as_person, as_person_if_named
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.people_commands import AS, by
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON

_NUMBER = click.option(
    "--review",
    "number",
    required=True,
    type=click.IntRange(1, 2**31 - 1),
    help="The review's number.",
)


@click.group("user-reviews")
def user_reviews() -> None:
    """The yearly review of an agency's users, signed by its representative and its head.

    Example: alpr-repository user-reviews open --user jdoe
    """


@user_reviews.command("open")
@click.option("--agency", help="The agency's short name; your own without it.")
@as_person_if_named(AS)
def open_(services: Services, user: User | None, agency: str | None) -> None:
    """Set down the list of an agency's users for review.

    Example: alpr-repository user-reviews open --user jdoe
    """
    number = services.people.open_user_review(by(user), COMMAND_LINE, agency=agency)
    click.echo(f"review {number} is open; `user-reviews show` prints its list")


@user_reviews.command("list")
@AS_JSON
@as_person_if_named(AS)
def list_(services: Services, user: User | None, as_json: bool) -> None:
    """List the reviews of your agency and who signed them.

    Example: alpr-repository user-reviews list --user jdoe
    """
    found = services.people.list_user_reviews(by(user), COMMAND_LINE)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], default=str))
        return
    for each in found:
        signed = each.representative_name or "not signed"
        certified = f"{each.head_name} on {each.head_at:%Y-%m-%d}" if each.head_at else "not yet"
        click.echo(
            f"{each.id}  {each.agency}  opened {each.opened_at:%Y-%m-%d}  "
            f"representative: {signed}  head: {certified}"
        )
    if not found:
        click.echo("none")


@user_reviews.command("show")
@_NUMBER
@AS_JSON
@as_person_if_named(AS)
def show(services: Services, user: User | None, number: int, as_json: bool) -> None:
    """Show a review's list, and the digest that the head certifies.

    Example: alpr-repository user-reviews show --user jdoe --review 2
    """
    review, lines, digest = services.people.show_user_review(by(user), number, COMMAND_LINE)
    if as_json:
        plain = dataclasses.asdict(review) | {
            "lines": [dataclasses.asdict(each) for each in lines],
            "digest_now": digest,
        }
        click.echo(json.dumps(plain, default=str))
        return
    for each in lines:
        stays = "confirmed" if each.confirmed else "not confirmed"
        click.echo(f"{each.login}  {each.name}  {each.position}  {each.roles}  {stays}")
    click.echo(f"digest {digest}")


@user_reviews.command("sign")
@_NUMBER
@click.option(
    "--confirm", "confirmed", multiple=True, required=True, help="A login that is to stay."
)
@as_person
def sign(services: Services, user: User, number: int, confirmed: tuple[str, ...]) -> None:
    """Say, as the agency's representative, who keeps their account, and sign the list.

    Example: alpr-repository user-reviews sign --user jdoe --review 2 --confirm jdoe --confirm rroe
    """
    digest = services.people.sign_review_as_representative(user, number, confirmed, COMMAND_LINE)
    click.echo(f"signed; the head certifies digest {digest}")


@user_reviews.command("certify")
@_NUMBER
@click.option("--digest", required=True, help="Of the list that you looked at.")
@as_person
def certify(services: Services, user: User, number: int, digest: str) -> None:
    """Certify the list as the agency's head; whoever was not confirmed is closed.

    Example: alpr-repository user-reviews certify --user rroe --review 2 --digest 5f3a…
    """
    closed = services.people.certify_review_as_head(user, number, digest, COMMAND_LINE)
    click.echo(f"certified; closed: {', '.join(closed) or 'none'}")
