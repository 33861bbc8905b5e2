"""Every route against the API's own description: what fits it, and what does not, in the thousands.

A person of every role in full standing asks, over the database that production runs on, whose types
are the stricter ones. No answer is a failure of the server, and each is as described.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks
from sqlalchemy import insert

from repository.accounts.roles import Role
from repository.accounts.sessions_settings import SessionSettings
from repository.accounts.settings import AccountSettings
from repository.accounts.standing import Step
from repository.bootstrap import Services
from repository.store.tables.fleet import agencies
from repository.web.app import create_app
from tests.repository.people import CHEAP, hire, open_session
from tests.repository.sightings import add_units, sight
from tests.repository.whole import Clock, services
from tests.servers import PostgresServer

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
UNBOUNDED = AccountSettings(
    sessions=SessionSettings(
        requests_per_min=100_000, searches_per_min=10_000, requests_per_min_and_address=1_000_000
    )
)
EXAMPLES = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 3}


@dataclass
class Attacker:
    rooms: Services
    token: str = ""

    def headers(self) -> Mapping[str, str]:
        if not self.token:
            self.token = open_session(self.rooms.accounts).token
        return {"Authorization": f"Bearer {self.token}"}

    def recover(self, answer: Any) -> None:
        """Open the way again for the next route, where this answer shows that it closed."""
        if "bulletins_unread" in answer.text or answer.status_code == 201:
            user = self.rooms.accounts.user_of(self.token, "here", before=Step.BULLETINS)
            for each in self.rooms.people.unread_bulletins(user, "here"):
                self.rooms.people.acknowledge_bulletin(user, each.id, "here")
        if answer.status_code in (204, 401):
            self.token = ""


@pytest.fixture(scope="module")
def attacker(
    postgres_server: PostgresServer, migrated_postgres: str, tmp_path_factory: Any
) -> Iterator[Attacker]:
    name = postgres_server.create_database(template=migrated_postgres)
    clock = Clock()
    rooms = services(tmp_path_factory.mktemp("site"), postgres_server.dsn(name), clock)
    vars(rooms)["accounts"] = replace(rooms.accounts, passwords=CHEAP, settings=UNBOUNDED)
    rows = [
        {"id": 1, "name": "salem-pd", "title": "Salem Police", "created_at": clock()},
        {"id": 2, "name": "boston-pd", "title": "Boston Police", "created_at": clock()},
    ]
    with rooms.engine.begin() as connection:
        connection.execute(insert(agencies), rows)
    add_units(rooms.engine, clock())
    sight(rooms.engine, "1ABC20", clock() - timedelta(hours=1))
    hire(rooms.accounts, "jdoe", roles=frozenset(Role))
    rooms.signer.sign_checkpoint()
    yield Attacker(rooms)
    rooms.close()
    postgres_server.drop_database(name)


def test_no_input_makes_the_server_fail_and_every_answer_is_as_described(
    attacker: Attacker,
) -> None:
    app = create_app(attacker.rooms)
    # A token and a cookie at once are refused before anything else is looked at.
    shown = schemathesis.Config.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_dict(app.openapi(), config=shown)
    schema.app = app
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode, examples in EXAMPLES.items():
            # What takes nothing cannot be asked wrongly.
            with suppress(Unsatisfiable):
                asked += _ask(attacker, operation, mode, examples)
    assert asked > 500


def _ask(attacker: Attacker, operation: Any, mode: GenerationMode, examples: int) -> int:
    """Ask one route so often; how often it was."""
    count = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        nonlocal count
        count += 1
        answer = case.call(headers=attacker.headers())
        case.validate_response(answer, checks=CHECKS)
        attacker.recover(answer)

    ask()
    return count
