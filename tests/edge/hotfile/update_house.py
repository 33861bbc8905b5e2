"""A repository over real HTTPS, a unit enrolled there, and the lists that it issues."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from edge.contract.hotlist import HotlistEntry
from repository.hotlists import files
from repository.store.engine import open_engine
from tests.edge.hotfile.update_site import AGENCY, NOON, Car, Link, car
from tests.repository.listing import LIST, Rooms, entries, issue, serving
from tests.repository.sender import Sender

OLD = entries(60)
NEW = [*OLD[3:], *entries(2, first=9000)]
NEWER = [*NEW[2:], *entries(1, first=9100)]


@dataclass
class Site:
    """The repository, a unit enrolled there, and the link between them."""

    engine: Engine
    link: Link
    ca_file: Path
    sender: Sender
    folder: Path

    def issue(self, some: list[HotlistEntry], **more: Any) -> None:
        issue(self.engine, some, NOON, more.pop("agency", AGENCY), **more)

    def change(self, statement: str, *values: str) -> None:
        """Change what the repository would hand out behind its back."""
        with self.engine.begin() as connection:
            assert connection.exec_driver_sql(statement, values).rowcount == 1

    def car(self, **more: Any) -> AbstractContextManager[Car]:
        return car(self.folder / "unit", self.link.port, self.ca_file, self.sender.key, **more)


@pytest.fixture
def site(tmp_path: Path, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(files, "PART_BYTES", 2048)
    database = tmp_path / "repository.sqlite"
    shutil.copy(migrated_sqlite, database)
    engine = open_engine(f"sqlite:///{database}")
    sender = Sender(agency=AGENCY)
    sender.enrol(engine, NOON)
    with serving(Rooms.over(engine, lambda: NOON), tmp_path) as (port, ca_file):
        link = Link(port)
        yield Site(engine, link, ca_file, sender, tmp_path)
        link.close()
    engine.dispose()


def require_in_use(unit: Car, some: list[HotlistEntry], version: int) -> None:
    assert list(unit.folder.entries(LIST)) == some
    facts = unit.folder.current(LIST)
    assert facts is not None
    assert (facts.version, facts.number, facts.entries) == (str(version), version, len(some))
