"""The database's own roles: the web's does what people do here, and no signature is changed."""

from __future__ import annotations

import secrets
from datetime import date

import pytest

from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.deployments import Deployments
from repository.agencies.misuse_desk import MisuseDesk
from repository.agencies.policies import Adopted, Policies
from repository.agencies.representatives import Post
from repository.agencies.upkeep import Work
from repository.agencies.upkeep_desk import UpkeepDesk
from repository.bootstrap import Services
from repository.jobs import remind_agencies
from repository.settings import Settings
from tests.repository.agencies.office import employ, locked, open_findings, person, signing
from tests.repository.agencies.test_deployments import WANTED
from tests.repository.agencies.test_misuse import ANSWER
from tests.repository.people import CHEAP, FACTORS_KEY, PAPERS
from tests.repository.sender import Sender
from tests.repository.store.roles_site import NOW, Site
from tests.repository.store.roles_site import site as site

CHANGES = (
    "UPDATE papers SET size_bytes = 0",
    "DELETE FROM papers",
    "UPDATE agreements SET signed_by = ''",
    "DELETE FROM agreements",
    "UPDATE policy_reviews SET outcome = ''",
    "DELETE FROM policy_reviews",
    "UPDATE unit_log SET detail = ''",
    "DELETE FROM unit_log",
)


@pytest.mark.policy("G-4")
@pytest.mark.policy("G-9")
def test_people_act_over_the_web_s_connections_and_nobody_changes_a_signature(site: Site) -> None:
    unit = Sender(agency="salem-pd", unit="car-7")
    unit.enrol(site.of("jobs"), NOW)
    operators, people = Acts(site.of("jobs"), lambda: NOW), Acts(site.of("web"), lambda: NOW)
    AgreementDesk(operators, PAPERS).sign(None, "salem-pd", signing(date(2026, 2, 2)), "here")
    adopted = Adopted("policy", "ALPR policy", "1", date(2026, 2, 2), b"Be fair.")
    policy = Policies(operators, PAPERS, 365).adopt(None, "salem-pd", adopted, "here")

    owner = site.of("owner")
    head = employ(owner, "head", Role.AGENCY_HEAD, Role.ALPR_ADMINISTRATOR)
    accused = employ(owner, "mroe", Role.OFFICER)
    security = employ(owner, "security", Role.SECURITY_OFFICER)
    posts = AgreementDesk(people, PAPERS)
    for name in ("Sam Poe", "Ruth Roe"):
        posts.name(head, None, Post.HEAD, person(name), date(2026, 3, 1), "here")
    Policies(people, PAPERS, 365).review(head, None, policy, "stands", "No change", "here")
    deployments, upkeep = Deployments(people), UpkeepDesk(people)
    deployments.end(
        head, None, deployments.approve(head, None, WANTED, "here"), "Nothing found", "here"
    )
    for _ in range(2):
        upkeep.plan(head, None, "car-7", "cleaning", 30, "Manual, page 14", "here")
    upkeep.authorize(head, None, "Bay Radio", "here")
    upkeep.record(head, None, "car-7", Work("repair", NOW, "New lens", "Bay Radio"), "here")
    upkeep.end_authorization(head, None, "Bay Radio", "here")

    accounts = Accounts(site.of("accounts"), lambda: NOW, FACTORS_KEY, CHEAP)
    misuse = MisuseDesk(people, lambda: accounts)
    number, _ = misuse.report(accused, "I did it", "here", against="mroe")
    misuse.measure(head, number, "revoke", "here")
    misuse.answer(head, number, ANSWER, "here")
    misuse.close(security, number, "Accepted", "here")
    assert locked(owner, accused) == (False, True)
    assert posts.show(head, None, "here").dues[0].cause == "head_changed"

    for role in ("web", "jobs", "accounts", "ingest"):
        for statement in CHANGES:
            assert "permission denied" in site.refused(role, statement)
    services = Services(Settings(), site.of("jobs"), lambda: NOW, secrets.token_bytes)
    remind_agencies(services)
    assert "agency salem-pd" in open_findings(owner, "post_vacant")
