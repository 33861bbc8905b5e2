"""Searches that take long, on PostgreSQL: what they leave for everybody else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from repository.accounts import sessions_rates
from repository.accounts.sessions_rates import SEARCHES_AT_ONCE, SEARCHES_OF_ONE
from repository.store.engine import _POOL_SIZE
from tests.repository.search.desk import REASON
from tests.repository.web.attacked import Site, attacked
from tests.servers import PostgresServer

WAIT_S = 60.0


@pytest.fixture
def site(postgres_server: PostgresServer, migrated_postgres: str, tmp_path: Path) -> Iterator[Site]:
    name = postgres_server.create_database(template=migrated_postgres)
    with attacked(tmp_path / "site", postgres_server.dsn(name)) as opened:
        for login in ("jdoe", "sroe", "eve"):
            opened.token(login)
        yield opened
    postgres_server.drop_database(name)


def ask(site: Site, login: str, path: str = "/search", body: Any = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {site.token(login)}"}
    typed = body or site.question()
    url = f"{site.client.base_url}/api/v1{path}"
    return httpx.post(url, json=typed, headers=headers, trust_env=False, timeout=WAIT_S)


def until_running(site: Site, count: int) -> None:
    """Until so many statements wait in the database for the table that is locked."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        with site.rooms.engine.connect() as connection:
            if connection.scalar(waiting) == count:
                return
        time.sleep(0.02)
    raise AssertionError("they do not run")


def statuses(asked: list[Future[httpx.Response]]) -> list[int]:
    return sorted(each.result().status_code for each in asked)


def test_one_persons_searches_hold_up_nobody_else(site: Site) -> None:
    proposal = {"search": site.question(), "reason": REASON}
    with ThreadPoolExecutor(SEARCHES_OF_ONE) as person, site.rooms.engine.connect() as other:
        other.execute(text("LOCK TABLE reads IN ACCESS EXCLUSIVE MODE"))
        asked = [person.submit(ask, site, "jdoe") for _ in range(SEARCHES_OF_ONE)]
        until_running(site, SEARCHES_OF_ONE)
        for path, body in (("/search", None), ("/approvals/search", proposal)):
            refused = ask(site, "jdoe", path, body)
            assert refused.status_code == 429
            assert "searches of yours at once" in refused.json()["error"]["message"]
        assert site.ask("jdoe", "GET", "/cases").status_code == 200
        other.rollback()
        assert statuses(asked) == [200] * SEARCHES_OF_ONE
    assert ask(site, "jdoe").status_code == 200


def test_all_searches_together_leave_connections_for_the_rest(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_rates, "WAIT_S", 0.2)
    monkeypatch.setattr(sessions_rates, "SEARCHES_AT_ONCE", 2)
    assert SEARCHES_AT_ONCE < _POOL_SIZE
    with ThreadPoolExecutor(2) as people, site.rooms.engine.connect() as other:
        other.execute(text("LOCK TABLE reads IN ACCESS EXCLUSIVE MODE"))
        asked = [people.submit(ask, site, each) for each in ("jdoe", "eve")]
        until_running(site, 2)
        refused = ask(site, "sroe")
        assert refused.status_code == 429
        assert "too many searches at once" in refused.json()["error"]["message"]
        assert refused.headers["Retry-After"] == "5"
        monkeypatch.setattr(sessions_rates, "WAIT_S", WAIT_S)
        waiting = ThreadPoolExecutor(1)
        late = waiting.submit(ask, site, "sroe")
        other.rollback()
        assert statuses([*asked, late]) == [200] * 3
        waiting.shutdown()
