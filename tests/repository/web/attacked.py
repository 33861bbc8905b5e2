"""A whole repository behind its real server, with people of two agencies, for those who attack."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert

from repository.bootstrap import Services
from repository.ledger import log
from repository.store.tables.fleet import agencies
from tests.repository.people import AGENCY_ROLES, CHEAP, hire, open_session
from tests.repository.sightings import add_units, sight
from tests.repository.web.test_app import Visitor, serving
from tests.repository.whole import Clock, services

FACTS = "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"


@dataclass
class Site:
    """``jdoe`` and ``sroe`` are of Salem, ``eve`` of Boston, each with every role of an agency."""

    rooms: Services
    client: Visitor
    clock: Clock
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, login: str) -> str:
        if login not in self.tokens:
            self.tokens[login] = open_session(self.rooms.accounts, login).token
        return self.tokens[login]

    def ask(self, login: str | None, method: str, path: str, body: Any = None) -> httpx.Response:
        """What the API answers that person."""
        headers = {} if login is None else {"Authorization": f"Bearer {self.token(login)}"}
        return self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    def made(self, login: str, path: str, body: Any) -> Any:
        """What a POST that must succeed answers."""
        answer = self.ask(login, "POST", path, body)
        assert answer.status_code in (200, 201, 204), (path, answer.text)
        return answer.json() if answer.content else None

    def question(self, **changes: Any) -> dict[str, Any]:
        """A search that is in order."""
        now = self.clock()
        return {
            "plate": "1ABC20",
            "from": (now - timedelta(days=1)).isoformat(),
            "to": now.isoformat(),
            "purpose": "criminal_investigation",
            "facts": FACTS,
            "case": "24-1187",
            "affirmed": True,
        } | changes

    def last(self) -> Mapping[str, Any]:
        """The newest entry of a ledger that verifies."""
        return self.recorded()[-1]

    def recorded(self) -> list[dict[str, Any]]:
        """The bodies of all its entries."""
        assert self.rooms.ledger.verify().ok
        return list(bodies(self.rooms))


def bodies(rooms: Services) -> Iterator[dict[str, Any]]:
    """What the entries of the ledger say."""
    with rooms.engine.begin() as connection:
        for row in log.rows(connection):
            yield json.loads(row.body)


@contextmanager
def attacked(folder: Path, database: str | Path) -> Iterator[Site]:
    """The site, its server running."""
    clock = Clock()
    rooms = services(folder, database, clock)
    vars(rooms)["accounts"] = replace(rooms.accounts, passwords=CHEAP)
    rows = [
        {"id": 1, "name": "salem-pd", "title": "Salem Police", "created_at": clock()},
        {"id": 2, "name": "boston-pd", "title": "Boston Police", "created_at": clock()},
    ]
    with rooms.engine.begin() as connection:
        connection.execute(insert(agencies), rows)
    add_units(rooms.engine, clock())
    sight(rooms.engine, "1ABC20", clock() - timedelta(hours=1))
    for login, agency in (("jdoe", "salem-pd"), ("sroe", "salem-pd"), ("eve", "boston-pd")):
        hire(rooms.accounts, login, agency, AGENCY_ROLES)
    rooms.signer.sign_checkpoint()
    try:
        with serving(rooms) as client:
            yield Site(rooms, client, clock)
    finally:
        rooms.close()
