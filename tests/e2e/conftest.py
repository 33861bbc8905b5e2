"""Sites for tests of the whole line: the installed programs over real servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import TypeAlias

import pytest

from demo_site import site as sites
from demo_site.processes import end, start, wait_for_line
from tests.servers import Broker
from tests.street import write_pictures

STARTS_WITHIN_S = 60.0
CopySite: TypeAlias = Callable[[Path, int], sites.Site]
Ingesting: TypeAlias = Callable[[sites.Site], AbstractContextManager[Popen[str]]]


@pytest.fixture(scope="module")
def lax_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A mosquitto that lets anyone say anything of any size, shared by a module's tests."""
    broker = Broker(tmp_path_factory.mktemp("broker") / "mosquitto", ["message_size_limit 0"])
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def copy_site(tmp_path_factory: pytest.TempPathFactory) -> CopySite:
    """Lays out one site on SQLite whose camera sees one plate, and copies it into new folders.

    A copy expects its broker on the port that is given.
    """
    folder = tmp_path_factory.mktemp("template")
    write_pictures(folder / "pictures", 1)
    template = sites.lay_out(folder / "site", str(folder / "pictures"), None, None)

    def copy(into: Path, broker_port: int) -> sites.Site:
        shutil.copytree(template.folder, into)
        site = sites.Site(into, broker_port, template.web_port)
        for settings in (site.edge_settings, site.repository_settings):
            text = settings.read_text(encoding="utf-8")
            assert text.count(f"port = {template.broker_port}\n") == 1
            settings.write_text(
                text.replace(f"port = {template.broker_port}\n", f"port = {broker_port}\n")
            )
        return site

    return copy


@pytest.fixture(scope="session")
def ingesting() -> Ingesting:
    """Runs ``alpr-repository run --only ingest`` over a site while the context lasts."""

    @contextmanager
    def run(site: sites.Site) -> Iterator[Popen[str]]:
        log: Path = site.logs / "repository.log"
        process = start(site.repository("run", "--only", "ingest"), log)
        try:
            wait_for_line(log, "taking messages", process, STARTS_WITHIN_S)
            assert process.poll() is None, log.read_text()
            yield process
        finally:
            end(process)

    return run
