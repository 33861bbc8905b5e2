"""Commands that review holds, put them under their case, and end them."""

from __future__ import annotations

from datetime import datetime

import click

from repository.accounts.acting import as_person
from repository.accounts.operator import COMMAND_LINE
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.command import AS_JSON
from repository.ledger.entry import JSON, as_typed
from repository.retention import holds_ending, holds_review
from repository.retention.holds_acting import DAY, NUMBER, acting, say
from repository.search.purpose import case_number_of

_RELEASED = {
    "released": "hold {number} released",
    "proposed": "hold {number}: release proposed; it stands until another person of your agency "
    "confirms that with `alpr-repository hold confirm-release`",
}


@click.command("release")
@NUMBER
@click.option("--reason", required=True, help="Why it ends, in words.")
@AS_JSON
@as_person
def release(
    services: Services,
    user: User,
    number: int,
    reason: str,
    as_json: bool,
) -> None:
    """Release a hold of your agency; what has expired under it goes with the next purge.

    The release of evidence is only proposed; a second person confirms it.

    Example: alpr-repository hold release --user jdoe --hold 7 --reason "Case 24-1187 is closed"
    """
    asked: dict[str, JSON] = {"hold": number, "reason_given": as_typed(reason)}
    with acting(services, user, "hold.release", asked, Power.RELEASE_HOLD) as connection:
        done = holds_ending.release(
            connection,
            number,
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    say(as_json, {"hold": number, "done": done}, _RELEASED[done].format(number=number))


@click.command("confirm-release")
@NUMBER
@AS_JSON
@as_person
def confirm_release(services: Services, user: User, number: int, as_json: bool) -> None:
    """Release evidence, as the second person of your agency.

    Example: alpr-repository hold confirm-release --user rroe --hold 7
    """
    with acting(
        services, user, "hold.confirm_release", {"hold": number}, Power.RELEASE_HOLD
    ) as connection:
        holds_ending.confirm_release(
            connection, number, actor=user.actor, origin=COMMAND_LINE, now=services.clock()
        )
    say(as_json, {"hold": number, "done": "released"}, f"hold {number} released")


@click.command("withdraw-release")
@NUMBER
@click.option("--reason", required=True, help="Why the hold goes on, in words.")
@AS_JSON
@as_person
def withdraw_release(
    services: Services,
    user: User,
    number: int,
    reason: str,
    as_json: bool,
) -> None:
    """Take back or refuse a proposed release: the hold stands as before.

    Example: alpr-repository hold withdraw-release --user rroe --hold 7 --reason "Appeal is pending"
    """
    asked: dict[str, JSON] = {"hold": number, "reason_given": as_typed(reason)}
    with acting(services, user, "hold.withdraw_release", asked, Power.RELEASE_HOLD) as connection:
        holds_ending.withdraw_release(
            connection,
            number,
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    say(as_json, {"hold": number, "done": "stands"}, f"hold {number} stands as before")


@click.command("review")
@NUMBER
@click.option("--until", "next_due", type=DAY, required=True, help="Day of the next review.")
@click.option("--reason", required=True, help="Why it is still needed, in words.")
@AS_JSON
@as_person
def review(
    services: Services,
    user: User,
    number: int,
    next_due: datetime,
    reason: str,
    as_json: bool,
) -> None:
    """Say that a hold is still needed, and when it is looked at the next time.

    Example: alpr-repository hold review --user jdoe --hold 7 --until 2027-03-01 --reason "The
    civil action is set down for trial"
    """
    asked: dict[str, JSON] = {
        "hold": number,
        "reason_given": as_typed(reason),
        "next_due": next_due.date().isoformat(),
    }
    with acting(services, user, "hold.review", asked, Power.HOLD) as connection:
        holds_review.review(
            connection,
            number,
            next_due=next_due.date(),
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
            others_days=services.settings.holds.others_days,
        )
    day = next_due.date().isoformat()
    say(as_json, {"hold": number, "review_due": day}, f"hold {number} stands; review by {day}")


@click.command("assign")
@NUMBER
@click.option("--case", "case_number", required=True, help="Number of the case it is for.")
@click.option("--reason", required=True, help="Why, in words.")
@AS_JSON
@as_person
def assign(
    services: Services,
    user: User,
    number: int,
    case_number: str,
    reason: str,
    as_json: bool,
) -> None:
    """Put a hold under its case; a hit that was acted on has its own id for one until then.

    Example: alpr-repository hold assign --user jdoe --hold 7 --case 24-1187 --reason "The citation
    of 3 March"
    """
    asked: dict[str, JSON] = {
        "hold": number,
        "case_number": as_typed(case_number),
        "reason_given": as_typed(reason),
    }
    with acting(services, user, "hold.assign", asked, Power.HOLD) as connection:
        holds_review.assign(
            connection,
            number,
            case_number_of("case", case_number),
            reason=reason,
            actor=user.actor,
            origin=COMMAND_LINE,
            now=services.clock(),
        )
    said = {"hold": number, "case_number": case_number}
    say(as_json, said, f"hold {number} is for case {case_number}")
