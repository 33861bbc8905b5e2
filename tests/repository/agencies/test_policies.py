"""What agencies adopt is on record, and reviewed once a year (G-18, C-review, M-VII, M-V-B3)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies.acts import Acts
from repository.agencies.errors import AgencyError
from repository.agencies.policies import REPOSITORY, Adopted, Policies
from tests.repository.agencies.office import ON_SQLITE, employ, open_findings
from tests.repository.people import PAPERS, Clock, recorded

JANUARY = date(2026, 1, 5)


@pytest.fixture
def policies(engine: Engine, clock: Clock, accounts: Accounts) -> Policies:
    return Policies(Acts(engine, clock), PAPERS, 365)


def adopted(version: str = "1", **changed: Any) -> Adopted:
    fields = {"kind": "policy", "title": "ALPR policy", "adopted_on": JANUARY, "text": b"Be fair."}
    return Adopted(**{**fields, "version": version, **changed})


def remind(policies: Policies) -> None:
    with policies.acts.engine.begin() as connection:
        policies.remind(connection, policies.acts.now())


@pytest.mark.policy("G-18")
@pytest.mark.policy("C-review")
def test_what_is_not_adopted_is_a_finding_until_it_is(policies: Policies, engine: Engine) -> None:
    remind(policies)
    assert open_findings(engine, "policy_missing") == [
        "agency boston-pd", "agency salem-pd", REPOSITORY,
    ]  # fmt: skip
    number = policies.adopt(None, "salem-pd", adopted(), "here")
    policies.adopt(None, REPOSITORY, adopted(title="Companion policy"), "here")
    remind(policies)
    assert open_findings(engine, "policy_missing") == ["agency boston-pd"]
    (shown,) = policies.show(None, "salem-pd", "here")
    assert (shown.id, shown.version, shown.adopted_on) == (number, "1", JANUARY)
    assert policies.text(None, "salem-pd", number, "here") == b"Be fair."
    newer = policies.adopt(None, "salem-pd", adopted("2", adopted_on=date(2026, 2, 2)), "here")
    used = [each.id for each in policies.show(None, "salem-pd", "here") if each.ended_on is None]
    assert used == [newer]
    policies.end(None, "salem-pd", newer, date(2026, 3, 1), "here")
    remind(policies)
    assert "agency salem-pd" in open_findings(engine, "policy_missing")


@pytest.mark.policy("M-VII")
@pytest.mark.policy("C-review")
def test_each_is_to_be_reviewed_once_a_year_and_the_review_is_on_record(
    policies: Policies, engine: Engine, clock: Clock
) -> None:
    administrator = employ(engine, "admin", Role.ALPR_ADMINISTRATOR)
    own = policies.adopt(administrator, None, adopted(), "here")
    central = policies.adopt(None, REPOSITORY, adopted(title="Companion policy"), "here")
    clock.time = clock.time.replace(2027, 1, 5)  # the last day on which both are still in time
    remind(policies)
    assert open_findings(engine, "policy_review") == []
    clock.pass_(days=1)
    remind(policies)
    assert open_findings(engine, "policy_review") == [f"policy {own}", f"policy {central}"]
    next_by = policies.review(administrator, None, own, "amend", "Say who may share", "here")
    assert next_by == date(2028, 1, 6)
    remind(policies)
    assert open_findings(engine, "policy_review") == [f"policy {central}"]
    said = recorded(engine)[-1]
    assert (said["action"], said["actor"]["login"]) == ("policy.review", "admin")
    assert said["request"]["recommendation"] == "Say who may share"
    policies.review(None, REPOSITORY, central, "stands", "No change", "here")
    remind(policies)
    assert open_findings(engine, "policy_review") == []
    assert policies.show(None, "salem-pd", "here")[0].reviewed_on == date(2027, 1, 6)


@ON_SQLITE
@pytest.mark.policy("M-V-B3")
def test_a_memorandum_names_with_whom_an_agency_shares(policies: Policies, engine: Engine) -> None:
    both = [
        policies.adopt(
            None, "salem-pd", adopted(kind="memorandum", title="Sharing", party=party), "here"
        )
        for party in ("Lynn Police", "Essex Sheriff")
    ]
    shown = policies.show(None, "salem-pd", "here")
    assert [(each.id, each.party, each.ended_on) for each in shown] == [
        (both[0], "Lynn Police", None),
        (both[1], "Essex Sheriff", None),
    ]
    for wrong in ({"kind": "memorandum"}, {"party": "Lynn Police"}):
        with pytest.raises(AgencyError, match="a memorandum names with whom"):
            policies.adopt(None, "salem-pd", adopted(**wrong), "here")
    remind(policies)
    assert "agency salem-pd" in open_findings(engine, "policy_missing")


@ON_SQLITE
@pytest.mark.policy("G-18")
def test_an_agency_adopts_for_itself_alone(policies: Policies, engine: Engine) -> None:
    administrator = employ(engine, "admin", Role.ALPR_ADMINISTRATOR)
    theirs = policies.adopt(None, "boston-pd", adopted(), "here")
    central = policies.adopt(None, REPOSITORY, adopted(), "here")
    assert policies.show(administrator, REPOSITORY, "here")[0].id == central
    for refused in (
        lambda: policies.adopt(administrator, "boston-pd", adopted(), "here"),
        lambda: policies.adopt(administrator, REPOSITORY, adopted(), "here"),
        lambda: policies.review(administrator, None, theirs, "stands", "Fine", "here"),
        lambda: policies.text(administrator, None, theirs, "here"),
        lambda: policies.adopt(None, "salem-pd", adopted(adopted_on=date(2026, 3, 2)), "here"),
        lambda: policies.end(None, "boston-pd", theirs, date(2026, 1, 4), "here"),
        lambda: policies.review(None, "boston-pd", theirs, "stands", " ", "here"),
    ):
        with pytest.raises(AgencyError):
            refused()
    with pytest.raises(NotAllowedError):
        policies.adopt(employ(engine, "jdoe", Role.OFFICER), None, adopted(), "here")
    assert [each["outcome"] for each in recorded(engine)[-8:]] == ["refused"] * 8
