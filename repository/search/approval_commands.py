"""``alpr-repository approvals`` and ``reviews``: what a second person decides about searches."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON, tell, tell_each
from repository.search import options
from repository.search.approval_rows import Approval
from repository.search.review_rows import Review
from repository.search.words import in_words, moment_in_words, place_in_words

_REASON = click.option("--reason", required=True, help="Why, in words.")
_WAITING = click.option("--waiting", is_flag=True, help="Only what waits to be decided.")
_NUMBER = click.argument("number", type=click.IntRange(1, 2**31 - 1))


@click.group()
def approvals() -> None:
    """Broad searches, approved by a supervisor before they are run.

    Example: alpr-repository approvals list --user sroe --waiting
    """


@approvals.command("propose")
@options.of_proposed_search
@_REASON
@AS_JSON
@as_person
def propose(services: Services, user: User, /, reason: str, as_json: bool, **asked: Any) -> None:
    """Propose a broad search: the options of `search`, and why it must be so broad.

    \b
    Example: alpr-repository approvals propose --user jdoe --near 42.5195,-70.8967 --radius 5000
        --from 2026-03-01T21:00Z --to 2026-03-01T22:00Z --purpose criminal_investigation
        --facts "Two men fled the robbery on Essex Street in a car nobody described" --case 24-1187
        --affirm --reason "No witness saw the plate, and every way out of town is in question"
    """
    request = options.search_request(asked)
    made = services.search_approvals.propose(user, request, reason, COMMAND_LINE)
    tell(
        made, f"approval {made.number} waits for a supervisor, since the search {made.why}", as_json
    )


@approvals.command("propose-together")
@options.of_proposed_together
@_REASON
@AS_JSON
@as_person
def propose_together(
    services: Services, user: User, /, reason: str, as_json: bool, **asked: Any
) -> None:
    """Propose to ask which plates were seen with one: the options of `together`, and why.

    \b
    Example: alpr-repository approvals propose-together --user jdoe --plate 1ABC23 --from 2026-03-01
        --to 2026-03-08 --purpose criminal_investigation --facts "A second car led the way at each
        of four burglaries on Essex Street" --case 24-1187 --affirm
        --reason "The second car has been described and its plate is not known"
    """
    request = options.together_request(asked)
    made = services.search_approvals.propose(user, request, reason, COMMAND_LINE)
    tell(
        made, f"approval {made.number} waits for a supervisor, since the search {made.why}", as_json
    )


@approvals.command("list")
@_WAITING
@AS_JSON
@as_person
def list_approvals(services: Services, user: User, waiting: bool, as_json: bool) -> None:
    """List proposals: your agency's if you decide on them, else your own.

    Example: alpr-repository approvals list --user sroe --waiting
    """
    found = services.search_approvals.list(user, COMMAND_LINE, waiting=waiting)
    tell_each(found, _approval, as_json)


@approvals.command("decide")
@_NUMBER
@click.option("--approve/--deny", required=True, help="What you decide.")
@_REASON
@AS_JSON
@as_person
def decide(
    services: Services, user: User, number: int, approve: bool, reason: str, as_json: bool
) -> None:
    """Approve a proposal of another person, or deny it.

    The reason needs as many words that tell something of the case as the proposal's.

    Example: alpr-repository approvals decide 7 --approve --user sroe
    --reason "One hour in one town, and two clerks saw the car leave"
    """
    done = services.search_approvals.decide(
        user, number, approve=approve, reason=reason, origin=COMMAND_LINE
    )
    tell(done, _approval(done), as_json)


@click.group()
def reviews() -> None:
    """Emergencies and possible matches, looked at by a second person.

    Example: alpr-repository reviews list --user sroe --waiting
    """


@reviews.command("list")
@_WAITING
@AS_JSON
@as_person
def list_reviews(services: Services, user: User, waiting: bool, as_json: bool) -> None:
    """List reviews: your agency's if you conclude them, else of your own searches.

    Example: alpr-repository reviews list --user sroe --waiting
    """
    found = services.search_reviews.list(user, COMMAND_LINE, waiting=waiting)
    tell_each(found, _review, as_json)


@reviews.command("conclude")
@_NUMBER
@click.option(
    "--outcome",
    required=True,
    type=click.Choice(["justified", "unjustified", "match", "no_match"]),
    help="Of an emergency the first two, of a possible match the others.",
)
@_REASON
@AS_JSON
@as_person
def conclude(
    services: Services, user: User, number: int, outcome: str, reason: str, as_json: bool
) -> None:
    """Conclude a review of another person's search; an unjustified one is reported as misuse.

    Of an emergency the reason needs as many words that tell something of the case as facts do.

    Example: alpr-repository reviews conclude 3 --outcome justified --user sroe
    --reason "The child was found unharmed with her father in Lynn"
    """
    done = services.search_reviews.conclude(user, number, outcome, reason, COMMAND_LINE)
    tell(done, _review(done), as_json)


def _approval(each: Approval) -> str:
    asked = in_words(each.request.get("criteria", {}))
    facts = each.request.get("purpose", {}).get("facts", "")
    until = "" if each.valid_until is None else f", until {each.valid_until:%Y-%m-%d %H:%M} UTC"
    runs = "" if each.runs_allowed is None else f", run {each.runs_used} of {each.runs_allowed}"
    return (
        f"approval {each.number}: {each.decision or 'waits'}{until}{runs}\n"
        f"    proposed by {each.proposed_by_name} on {each.proposed_at:%Y-%m-%d %H:%M} UTC, "
        f"since the search {each.why}\n    {asked}\n    facts: {facts}\n    reason: {each.reason}"
        + (
            ""
            if each.decided_by_name is None
            else f"\n    {each.decision} by {each.decided_by_name}: {each.decision_reason}"
        )
    )


def _review(each: Review) -> str:
    due = "" if each.due_at is None else f", due {each.due_at:%Y-%m-%d %H:%M} UTC"
    about = each.emergency if each.read_id is None else f"read {each.read_id}"
    return (
        f"review {each.number} ({each.kind}): {each.outcome or 'waits'}{due}\n"
        f"    case {each.case_number}, search of {each.searched_by_name}, ledger entry "
        f"{each.ledger_index}: {about}\n    {in_words(json.loads(each.characteristics))}\n"
        f"    facts: {each.facts}"
        + "".join(f"\n    {line}" for line in _of_match(each))
        + (
            ""
            if each.reviewed_by_name is None
            else f"\n    {each.outcome}, {each.reviewed_by_name}: {each.reason}"
        )
    )


def _of_match(each: Review) -> Iterator[str]:
    """What the second person compares, and how they come to its picture."""
    if each.kind != "match":
        return
    shown = each.shown
    if shown is None and each.outcome is not None:
        return
    if shown is None:
        yield "the read is kept no more, or is not for you to see"
        return
    likely = "" if shown["likelihood"] is None else f", likelihood {shown['likelihood']:.3f}"
    source = shown["source"]
    yield (
        f"plate read: {shown['plate']} {shown['state'] or '(state not told)'}, "
        f"{shown['how'].replace('_', ' ')}{likely}, confidence {shown['confidence']:.2f}"
    )
    if shown["guess"]:
        yield shown["guess"]
    yield (
        f"{moment_in_words(shown['captured_at'])}, {place_in_words(shown)}, {source['title']}, "
        f"unit {source['unit']}, camera {source['camera']}"
    )
    if each.outcome is None:
        yield (
            f"its picture, on the record: alpr-repository picture {each.read_id} --kind plate "
            f"--out {each.read_id}.jpg --user YOU --case {shlex.quote(each.case_number)} "
            "--purpose PURPOSE --facts WHY --affirm"
        )
