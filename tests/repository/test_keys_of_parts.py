"""Which part needs which key: the one that signs the ledger is the jobs' and the command line's."""

from __future__ import annotations

import copy
import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from repository import jobs
from repository.bootstrap import build
from repository.ledger.errors import LedgerError
from repository.ledger.signing import Signer
from repository.settings import load_settings
from repository.store import keyfiles
from tests.repository.ingest.test_consumer import WAIT_S, Link
from tests.repository.sender import Sender
from tests.repository.test_command_line import Site, enrol
from tests.servers import Broker, free_port

KEYS = {
    "web": ("ledger.pub", "receipts.pem", "pictures.key", "factors.key"),
    "ingest": ("receipts.pem", "pictures.key"),
}
"""What deploy/README.md gives each."""


def own(site: Site, part: str) -> Site:
    """The same repository with the keys of that part alone."""
    kept, folder = site.folder / "data" / "keys", site.folder / f"keys-{part}"
    folder.mkdir(exist_ok=True)
    for name in KEYS[part]:
        shutil.copy(kept / name, folder / name)
    made = copy.copy(site)
    made.settings = site.folder / f"{part}.toml"
    made.settings.write_text(f"keys = 'keys-{part}'\n{site.settings.read_text()}")
    return made


@pytest.fixture
def site(tmp_path: Path, mosquitto_broker: Callable[..., Broker]) -> Site:
    port = mosquitto_broker().port
    made = Site(tmp_path, f"data = 'data'\n[broker]\nport = {port}\n[web]\nport = {free_port()}\n")
    made.run("init")
    return made


def wait_for(process: subprocess.Popen[str], event: str) -> None:
    assert process.stderr is not None
    while line := process.stderr.readline():
        if json.loads(line)["event"] == event:
            return
    raise AssertionError("the repository ended")


@pytest.mark.policy("C-4c")
def test_web_and_ingest_work_without_the_key_that_signs_the_ledger(site: Site) -> None:
    sender = Sender()
    enrol(site, sender)
    note = site.run("ledger", "checkpoint")
    settings = load_settings(site.settings)
    receipts_key = keyfiles.load_signing_key(settings.keys_folder / "receipts.pem")
    processes = [own(site, part).start("run", "--only", part) for part in KEYS]
    try:
        for process, event in zip(processes, ("serving the web", "taking messages"), strict=True):
            wait_for(process, event)
        link = Link(settings.broker.port, sender, receipts_key)
        message = sender.message(sender.read(datetime.now(UTC)))
        link.send(sender.topic(), message)
        assert link.receipt_for(message).committed_through == 1
        link.close()
        at = f"http://127.0.0.1:{settings.web.port}/api/v1/ledger"
        assert httpx.get(f"{at}/checkpoint").text == note
        assert httpx.get(f"{at}/consistency/1").json()["checkpoint"] == note
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=WAIT_S)
    web = own(site, "web")
    assert "the ledger is whole" in web.run("ledger", "verify")
    assert "proven under" in web.run("ledger", "prove", "0")
    for words in (("run", "--only", "jobs"), ("ledger", "checkpoint")):
        said = web.run(*words, code=1)
        assert "ledger.pem: does not exist" in said
        assert said.count("\n") == 1


def test_the_public_part_of_a_key_comes_back_with_init(site: Site) -> None:
    keys = load_settings(site.settings).keys_folder
    before = {name: (keys / name).read_bytes() for name in ("ledger.pub", "receipts.pub")}
    for name in before:
        (keys / name).unlink()
    assert "run `alpr-repository init`" in site.run("ledger", "verify", code=1)
    site.run("init")
    assert {name: (keys / name).read_bytes() for name in before} == before


def test_a_key_of_another_pair_signs_nothing(site: Site) -> None:
    services = build(load_settings(site.settings))
    try:
        with pytest.raises(LedgerError, match="not of one pair"):
            Signer(services.ledger, services.receipts_key)
    finally:
        services.close()


def test_the_jobs_sign_for_who_makes_a_package(site: Site) -> None:
    services = build(load_settings(site.settings))
    try:
        due = [str(each.trigger) for each in jobs.schedule(services).get_jobs()]
        assert "interval[0:00:02]" in due
    finally:
        services.close()
