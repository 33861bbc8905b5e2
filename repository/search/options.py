"""The options of commands that search, or propose to: what is asked for, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from repository.moments import moment
from repository.search.asking import SearchRequest, TogetherRequest
from repository.search.criteria import DEFAULT_RESULTS
from repository.search.purpose import AFFIRMATION, PurposeKind

Command = Callable[..., Any]

_WHY = (
    click.option("--purpose", required=True, help=f"One of: {', '.join(PurposeKind)}."),
    click.option("--facts", default="", help="What makes this search necessary, in words."),
    click.option("--offence", help="The suspected crime, where there is one."),
    click.option("--case", "case_number", default="", help="Number of the case it belongs to."),
    click.option("--court-order", help="Court and number of the order, for that purpose."),
    click.option("--affirm", "affirmed", is_flag=True, help=f"Your word: {AFFIRMATION}"),
    click.option(
        "--request",
        "on_request",
        type=click.IntRange(1, 2**31 - 1),
        help="Number of the request that it is made for.",
    ),
)
_EMERGENCY = click.option(
    "--emergency",
    help="What makes it impossible to wait for an approval, in words; a supervisor reviews it.",
)
_WINDOW = (
    click.option("--from", "start", type=moment, help="First moment (UTC)."),
    click.option("--to", "end", type=moment, help="Moment after the last (UTC)."),
)
_SEARCH = (
    click.option("--plate", help="The plate; ? stands for any one character, * for any number."),
    click.option("--folded", is_flag=True, help="Also find what is easily taken for it (0 and O)."),
    click.option(
        "--second-guesses",
        is_flag=True,
        help="Also find reads of which this plate was the machine's second guess.",
    ),
    *_WINDOW,
    click.option("--near", help="Only around this point: LATITUDE,LONGITUDE in degrees."),
    click.option("--radius", "radius_m", type=float, help="How far around it, in metres."),
    click.option("--within", help="Only within these corners: LATITUDE,LONGITUDE, blanks between."),
    click.option("--state", help="Only plates read as of this state, such as MA."),
    click.option(
        "--state-or-unknown",
        is_flag=True,
        help="With --state: also reads whose state could not be told, which are left out "
        "otherwise.",
    ),
    click.option("--agency", help="Only reads of this agency."),
    click.option("--unit", help="Only reads of the unit of this name."),
    click.option("--camera", help="Only reads of the camera of this name."),
    click.option("--hits-only", is_flag=True, help="Only what was on a hot list."),
)
_PAGE = (
    click.option(
        "--limit",
        type=click.IntRange(1, 2**31 - 1),
        default=DEFAULT_RESULTS,
        show_default=True,
        help="Most reads.",
    ),
    click.option("--after", help="The next page: what the page before gave as its next."),
)
_TOGETHER = (
    click.option("--plate", required=True, help="The whole plate."),
    *_WINDOW,
    click.option(
        "--distance", "distance_m", type=float, default=200.0, show_default=True,
        help="How far apart in metres counts as together.",
    ),
    click.option(
        "--seconds", "within_s", type=float, default=60.0, show_default=True,
        help="How long before or after counts as together.",
    ),
    click.option(
        "--times",
        type=click.IntRange(1, 2**31 - 1),
        default=3,
        show_default=True,
        help="How often they were together.",
    ),
)  # fmt: skip


def of_search(command: Command) -> Command:
    """Give a command what is searched for, and why."""
    return _all(command, (*_SEARCH, *_PAGE, *_WHY, _EMERGENCY))


def of_proposed_search(command: Command) -> Command:
    """Give a command what an approval of a search is for, which has no pages and can wait."""
    return _all(command, (*_SEARCH, *_WHY))


def of_together(command: Command) -> Command:
    """Give a command what a question of association needs, and why."""
    return _all(command, (*_TOGETHER, *_WHY, _EMERGENCY))


def of_proposed_together(command: Command) -> Command:
    """Give a command what an approval of a question of association is for."""
    return _all(command, (*_TOGETHER, *_WHY))


def search_request(asked: dict[str, Any]) -> SearchRequest:
    """The search that these options ask for."""
    within = asked.pop("within")
    return SearchRequest(
        within=None if within is None else within.split(), **_moments(asked, missing=None)
    )


def together_request(asked: dict[str, Any]) -> TogetherRequest:
    """The question that these options ask."""
    return TogetherRequest(**_moments(asked, missing=""))


def _moments(asked: dict[str, Any], missing: str | None) -> dict[str, Any]:
    for name in ("start", "end"):
        typed: datetime | None = asked[name]
        asked[name] = missing if typed is None else typed.isoformat()
    return asked


def _all(command: Command, options: tuple[Callable[[Command], Command], ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
