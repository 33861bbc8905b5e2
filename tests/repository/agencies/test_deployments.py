"""A unit runs under an approval by the agency's head or a designee (M-C5, M-B1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies import deployments
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.deployments import Deployments, Wanted
from repository.agencies.errors import AgencyError
from repository.agencies.representatives import Post
from tests.repository.agencies.office import ON_SQLITE, captured, employ, open_findings, person
from tests.repository.people import PAPERS, Clock, recorded
from tests.repository.sightings import add_units

MARCH = datetime(2026, 3, 1, 8, tzinfo=UTC)
WANTED = Wanted(
    unit="car-7",
    purpose="Patrol",
    area="City of Salem",
    from_at=MARCH,
    until_at=MARCH + timedelta(days=30),
    approver="Ruth Roe",
    title="Chief of Police",
)
Run = Callable[[int, datetime], list[str]]


@pytest.fixture
def desk(engine: Engine, clock: Clock, accounts: Accounts) -> Deployments:
    """A unit of each agency, and a head of Salem on record."""
    add_units(engine, clock())
    acts = Acts(engine, clock)
    head = AgreementDesk(acts, PAPERS)
    head.name(None, "salem-pd", Post.HEAD, person(), date(2026, 1, 5), "here")
    return Deployments(acts)


@pytest.fixture
def run(engine: Engine, clock: Clock) -> Run:
    """Have a unit capture something, and give what runs unapproved then."""

    def run_unit(unit_id: int, at: datetime) -> list[str]:
        with engine.begin() as connection:
            captured(connection, unit_id, at)
            deployments.remind(connection, clock())
        return open_findings(engine, "unit_unapproved")

    return run_unit


@pytest.mark.policy("M-C5")
def test_a_unit_that_captures_without_an_approval_is_a_finding(
    desk: Deployments, engine: Engine, clock: Clock, run: Run
) -> None:
    assert run(1, MARCH) == ["salem-pd/car-7"]
    number = desk.approve(None, "salem-pd", WANTED, "here")
    assert run(1, MARCH) == []
    assert run(2, MARCH) == ["boston-pd/pole-3"]  # another unit's approval is none
    assert run(1, WANTED.until_at - timedelta(seconds=1)) == ["boston-pd/pole-3"]
    assert run(1, WANTED.until_at) == ["boston-pd/pole-3", "salem-pd/car-7"]
    assert run(1, MARCH - timedelta(seconds=1)) == ["boston-pd/pole-3", "salem-pd/car-7"]
    clock.time = MARCH + timedelta(days=3)
    desk.end(None, "salem-pd", number, "One stolen vehicle recovered", "here")
    assert run(1, MARCH + timedelta(days=2)) == ["boston-pd/pole-3"]
    assert run(1, MARCH + timedelta(days=4)) == ["boston-pd/pole-3", "salem-pd/car-7"]


@ON_SQLITE
@pytest.mark.policy("M-B1")
def test_deployments_and_what_came_of_them_are_listed(
    desk: Deployments, engine: Engine, clock: Clock
) -> None:
    number = desk.approve(None, "salem-pd", WANTED, "here")
    clock.time = WANTED.until_at - timedelta(days=6)
    with engine.begin() as connection:
        deployments.remind(connection, clock())
    assert open_findings(engine, "approval_ending") == ["salem-pd/car-7"]
    desk.end(None, "salem-pd", number, "One stolen vehicle recovered", "here")
    with engine.begin() as connection:
        deployments.remind(connection, clock())
    assert open_findings(engine, "approval_ending") == []
    (shown,) = desk.show(None, "salem-pd", "here")
    assert (shown.unit, shown.area, shown.approved_by_name) == (
        "car-7", "City of Salem", "Ruth Roe",
    )  # fmt: skip
    assert (shown.result, shown.ended_at) == ("One stolen vehicle recovered", clock())
    assert desk.show(None, "boston-pd", "here") == []
    with pytest.raises(AgencyError, match="none of that number"):
        desk.end(None, "salem-pd", number, "Again", "here")
    with pytest.raises(AgencyError, match="none of that number"):
        desk.end(None, "boston-pd", number, "Not theirs", "here")


@ON_SQLITE
@pytest.mark.policy("M-C5")
def test_the_head_or_a_designee_approves_and_nobody_else(desk: Deployments, engine: Engine) -> None:
    administrator = employ(engine, "admin", Role.ALPR_ADMINISTRATOR)
    designee = replace(WANTED, approver="Lt. Poe", title="Lieutenant", designation="Order 12")
    desk.approve(administrator, None, designee, "here")
    (shown,) = desk.show(administrator, None, "here")
    assert shown.approved_as == "Lieutenant, designee: Order 12"
    late = datetime(9999, 12, 31, tzinfo=UTC)
    for wrong, said in (
        (replace(designee, designation=" "), "not on record as the agency's head"),
        (replace(WANTED, unit="pole-3"), "unit salem-pd/pole-3: not enrolled"),
        (replace(WANTED, until_at=MARCH), "later than its beginning"),
        (replace(WANTED, until_at=MARCH + timedelta(days=367)), "366 days at most"),
        (replace(WANTED, from_at=late, until_at=late), "from now at the latest"),
        (replace(WANTED, from_at=datetime(1, 1, 1, tzinfo=UTC)), "from now at the latest"),
        (replace(WANTED, purpose=" "), "purpose: needs"),
    ):
        with pytest.raises(AgencyError, match=said):
            desk.approve(administrator, None, wrong, "here")
    with pytest.raises(AgencyError, match="not on record"):
        desk.approve(None, "boston-pd", replace(WANTED, unit="pole-3"), "here")
    with pytest.raises(NotAllowedError):
        desk.approve(employ(engine, "jdoe", Role.SUPERVISOR), None, WANTED, "here")
    outcomes = [each["outcome"] for each in recorded(engine) if "approve" in each["action"]]
    assert outcomes == ["done"] + ["refused"] * 9
