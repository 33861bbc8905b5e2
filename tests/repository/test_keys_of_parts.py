"""Which part needs which key: the one that signs the ledger is the jobs' and the command line's."""

from __future__ import annotations

import copy
import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from structlog.testing import capture_logs

from repository import jobs
from repository.bootstrap import build
from repository.hotlists import announce
from repository.hotlists.announce import News
from repository.ledger.errors import LedgerError
from repository.ledger.signing import LOOK_EVERY_S, Signer
from repository.settings import load_settings
from repository.store.engine import reading
from tests.repository.ingest.consuming import WAIT_S
from tests.repository.sender import AGENCY, Sender
from tests.repository.test_command_line import Site, enrol
from tests.servers import free_port

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


def wait_for(process: subprocess.Popen[str], event: str) -> None:
    assert process.stderr is not None
    while line := process.stderr.readline():
        if json.loads(line)["event"] == event:
            return
    raise AssertionError("the repository ended")


@pytest.mark.policy("C-4c")
def test_web_and_ingest_work_without_the_key_that_signs_the_ledger(tmp_path: Path) -> None:
    port = free_port()
    site = Site(tmp_path, f"data = 'data'\n[web]\nport = {port}\n")
    site.run("init")
    sender = Sender()
    enrol(site, sender)
    note = site.run("ledger", "checkpoint")
    ingest = build(load_settings(own(site, "ingest").settings))
    try:
        with reading(ingest.engine) as connection:
            ingest.pictures.check_master_key(connection)  # as each part does before it starts
        message = sender.message(sender.read(datetime.now(UTC)))
        assert ingest.ingest.take(sender.topic(), message).records_kept == 1
    finally:
        ingest.close()
    serving = own(site, "web")
    serving.settings.write_text(serving.settings.read_text() + provider_of(AGENCY))
    process = serving.start("run", "--only", "web")
    try:
        wait_for(process, "agencies whose people sign in by their own provider alone")
        wait_for(process, "serving the web")
        at = f"http://127.0.0.1:{port}/api/v1/ledger"
        assert httpx.get(f"{at}/checkpoint").text == note
        assert httpx.get(f"{at}/consistency/1").json()["checkpoint"] == note
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)
    web = own(site, "web")
    assert "the ledger is whole" in web.run("ledger", "verify")
    assert "proven under" in web.run("ledger", "prove", "0")
    for words in (("run", "--only", "jobs"), ("ledger", "checkpoint")):
        said = web.run(*words, code=1)
        assert "ledger.pem: does not exist" in said
        assert said.count("\n") == 1


def test_a_provider_of_an_agency_that_is_not_there_is_told_before_anybody_relies_on_it(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path, "data = 'data'\n" + provider_of("northfeild-pd"))
    site.run("init")
    site.run("agencies", "add", "--name", "northfield-pd", "--title", "Northfield Police")
    said = (
        "accounts.oidc: agency 'northfeild-pd' is not known (did you mean 'northfield-pd'?), so "
        "that section does nothing"
    )
    assert f"wrong: settings.oidc: {said}" in site.run("db", "check", code=1)
    assert said in site.run("run", "--only", "web", code=1)
    site.settings.write_text("data = 'data'\n" + provider_of("northfield-pd"))
    site.run("db", "check")


def provider_of(agency: str) -> str:
    """A section of the settings by which an agency's people sign in by its provider alone."""
    return (
        f"[[accounts.oidc]]\nagency = '{agency}'\nissuer = 'https://login.example.gov'\n"
        "client_id = 'plateward'\nclient_secret_file = 'oidc.secret'\nrequired_amr = ['mfa']\n"
        "alone = true\n"
    )


def test_a_job_that_is_still_at_work_is_told_by_its_name(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(tmp_path, "data = 'data'\n")
    site.run("init")
    services = build(load_settings(site.settings))
    scheduler = jobs.schedule(services)
    scheduler.start(paused=True)
    assert {"checkpoint", "purge"} < {each.id for each in scheduler.get_jobs()}
    scheduler.remove_all_jobs()
    end, left_out = threading.Event(), threading.Event()
    scheduler.add_job(end.wait, "interval", seconds=0.01, id="purge")
    scheduler.add_listener(lambda _: left_out.set(), EVENT_JOB_MAX_INSTANCES)
    with capture_logs() as told:
        scheduler.resume()
        assert left_out.wait(WAIT_S)
        end.set()
        scheduler.shutdown()
    services.close()
    assert told[0] == {
        "event": "a job is still at work, so this turn of it is left out",
        "job": "purge",
        "log_level": "info",
    }
    assert [each for each in caplog.records if each.name.startswith("apscheduler")] == []


def test_a_hot_list_is_announced_once_by_the_job_that_looks_every_15_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, "data = 'data'\n")
    site.run("init")
    services = build(load_settings(site.settings))
    announced: list[Sequence[News]] = []
    monkeypatch.setattr(announce, "_publish", lambda _link, _id, news: announced.append(news))
    news = News("northfield-pd", "state", 1, b"manifest")
    monkeypatch.setattr(
        announce,
        "find_news",
        lambda _, known: [] if ("northfield-pd", "state") in known else [news],
    )
    job = jobs.schedule(services).get_job("announcing hot lists")
    for _ in range(3):
        job.func()
    services.close()
    assert announced == [[news]]


def test_the_public_part_comes_back_with_init_and_fits_the_private_one(tmp_path: Path) -> None:
    site = Site(tmp_path, "data = 'data'\n")
    site.run("init")
    keys = load_settings(site.settings).keys_folder
    before = {name: (keys / name).read_bytes() for name in ("ledger.pub", "receipts.pub")}
    for name in before:
        (keys / name).unlink()
    assert "run `alpr-repository init`" in site.run("ledger", "verify", code=1)
    site.run("init")
    assert {name: (keys / name).read_bytes() for name in before} == before
    services = build(load_settings(site.settings))
    try:
        with pytest.raises(LedgerError, match="not of one pair"):
            Signer(services.ledger, services.receipts_key)
        due = [str(each.trigger) for each in jobs.schedule(services).get_jobs()]
        assert f"interval[0:00:{LOOK_EVERY_S:02}]" in due  # for who waits for a checkpoint
    finally:
        services.close()
