"""The repository as an administrator has it: commands, one process, one clear sentence each."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from edge.contract.hotlist import verify_manifest
from repository.accounts.acting import write_session
from repository.accounts.roles import Role
from repository.bootstrap import build
from repository.cli import main
from repository.settings import load_settings
from repository.store import keyfiles
from repository.store.engine import reading
from repository.store.tables.reads import reads
from tests.repository.ingest.consuming import WAIT_S, Link
from tests.repository.people import CHEAP, hire, open_session
from tests.repository.sender import AGENCY, Sender
from tests.servers import Broker, PostgresServer, free_port
from tests.whole_lists import verify_list

PROGRAM = Path(sys.executable).with_name("alpr-repository")


class Site:
    """A settings file and the program under it."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.settings = folder / "repository.toml"
        self.settings.write_text(settings)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, "--settings", self.settings, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        """What it prints: on success its output, else its error, or its output if it has none.

        Run in this process, which spares importing everything once for each command.
        """
        chosen = ("--settings", str(self.settings), *arguments)
        done = CliRunner().invoke(main, chosen, prog_name=PROGRAM.name)
        assert done.exit_code == code, done.output
        return (done.stderr or done.stdout) if code else done.stdout


@pytest.fixture(params=["sqlite", "postgresql"])
def site(
    request: pytest.FixtureRequest, tmp_path: Path, mosquitto_broker: Callable[..., Broker]
) -> Site:
    broker = mosquitto_broker()
    database = ""
    if request.param == "postgresql":
        database = f"database = '{request.getfixturevalue('postgres_dsn')}'\n"
    made = Site(
        tmp_path,
        f"data = 'data'\n{database}[broker]\nport = {broker.port}\n[web]\nport = {free_port()}\n",
    )
    made.run("init")
    return made


def enrol(site: Site, sender: Sender) -> Any:
    key = site.folder / f"{sender.unit}.pub"
    key.write_bytes(keyfiles.public_pem(sender.key.public_key()))
    site.run("agencies", "add", "--name", AGENCY, "--title", "Northfield Police")
    return json.loads(
        site.run(
            "units", "add", "--agency", AGENCY, "--unit", sender.unit,
            "--public-key", str(key), "--json",
        )
    )  # fmt: skip


def test_from_nothing_to_a_receipted_read(site: Site) -> None:
    settings = load_settings(site.settings)
    sender = Sender()
    shown = enrol(site, sender)
    receipts_key = keyfiles.load_signing_key(settings.keys_folder / "receipts.pem")
    assert keyfiles.load_public_key(Path(shown["repository_public_key"])) == (
        receipts_key.public_key()
    )
    process = site.start("run")
    try:
        assert process.stderr is not None
        awaited = {"taking messages", "running", "serving the web"}
        while awaited:
            line = process.stderr.readline()
            assert line, "the repository ended"
            said = json.loads(line)
            awaited.discard(said["event"])
            if said["event"] == "serving the web":
                assert said["address"] == f"http://127.0.0.1:{settings.web.port}"
        link = Link(settings.broker.port, sender, receipts_key)
        message = sender.message(sender.read(datetime.now(UTC)))
        link.send(sender.topic(), message)
        answer = link.receipt_for(message)
        assert (answer.committed_through, answer.refused) == (1, ())
        link.close()
        health = f"http://127.0.0.1:{settings.web.port}/healthz"
        with urllib.request.urlopen(health) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    (unit,) = json.loads(site.run("units", "list", "--json"))
    assert unit["committed_through"] == 1
    assert json.loads(site.run("ledger", "verify", "--json"))["ok"] is True


def test_init_again_changes_nothing(site: Site) -> None:
    assert json.loads(site.run("init", "--json"))["keys_made"] == []
    data = site.folder / "data"
    assert data.stat().st_mode & 0o777 == 0o700
    for name in ("receipts.pem", "ledger.pem", "pictures.key"):
        assert (data / "keys" / name).stat().st_mode & 0o777 == 0o600


def test_a_hot_list_goes_from_csv_to_a_stick(site: Site) -> None:
    enrol(site, Sender())
    table = site.folder / "stolen.csv"
    table.write_text("entry,plate,state,kind\nA1,1ABC23,MA,stolen_vehicle\n")
    common = ("--agency", AGENCY, "--list", "stolen")
    imported = json.loads(site.run("hotlists", "import", *common, "--file", str(table), "--json"))
    assert (imported["version"], imported["entries"]) == (1, 1)
    stick = site.folder / "stick"
    stick.mkdir()
    site.run("hotlists", "export", *common, "--to", str(stick))
    key = keyfiles.load_public_key(site.folder / "data" / "keys" / "receipts.pub")
    manifest = verify_manifest((stick / "stolen.manifest.json").read_bytes(), key)
    (entry,) = verify_list((stick / "stolen.jsonl").read_bytes(), manifest.list)
    assert entry.plate == "1ABC23"
    table.write_text("entry,plate\nA1,---\n")
    said = site.run("hotlists", "import", *common, "--file", str(table), code=1)
    assert f"Error: {table}: line 2:" in said


def test_a_hold_by_a_named_user_spares_a_read_from_the_purge(site: Site) -> None:
    sender = Sender()
    enrol(site, sender)
    services = build(load_settings(site.settings))
    nearly_a_year = datetime.now(UTC) - timedelta(days=364)
    held, other = sender.read(nearly_a_year), sender.read(nearly_a_year)
    services.ingest.take(sender.topic(), sender.message(held, other))
    accounts = replace(services.accounts, passwords=CHEAP)
    hire(accounts, "jdoe", AGENCY, {Role.SUPERVISOR}, "Jane Doe")
    session = site.folder / "session"
    write_session(session, open_session(accounts).token)
    added = json.loads(
        site.run(
            "hold", "add", "--session-file", str(session), "--case", "24-1187",
            "--kind", "arrest", "--reason", "Clerk saw the driver leave the burglary", "--affirm",
            "--read", str(held.id), "--json",
        )
    )  # fmt: skip
    assert added == {"hold": 1, "reads": 1, "not_held": {}}
    counted = json.loads(site.run("purge", "--dry-run", "--json"))
    assert (counted["reads_purged"], counted["days"]) == (0, [])
    assert "say either --dry-run or --now" in site.run("purge", code=2)
    purged = json.loads(site.run("purge", "--now", "--json"))
    assert (purged["reads_purged"], purged["certificates"]) == (0, [])
    (listed,) = json.loads(site.run("hold", "list", "--json"))
    assert (listed["placed_by_name"], listed["case_number"]) == ("Jane Doe", "24-1187")
    site.run(
        "hold", "release", "--session-file", str(session), "--hold", "1",
        "--reason", "closed",
    )  # fmt: skip
    with reading(services.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(reads)) == 2
    services.close()
    assert json.loads(site.run("ledger", "verify", "--json"))["ok"] is True


def test_what_is_missing_is_one_sentence(tmp_path: Path, postgres_server: PostgresServer) -> None:
    site = Site(tmp_path, "data = 'data'\n")
    said = site.run("units", "list", code=1)
    assert said == (
        f"Error: database: the folder {tmp_path}/data does not exist; to bring back a backup: "
        "`alpr-repository restore`; to begin anew: `alpr-repository init`\n"
    )
    site.run("init")
    (tmp_path / "data" / "keys" / "receipts.pem").unlink()
    key = tmp_path / "k.pub"
    key.write_bytes(keyfiles.public_pem(Ed25519PrivateKey.generate().public_key()))
    said = site.run(
        "units", "add", "--agency", "a", "--unit", "u", "--public-key", str(key), code=1
    )
    assert said.startswith(f"Error: key {tmp_path}/data/keys/receipts.pem: does not exist; ")
    site.settings.write_text(f"database = 'postgresql+psycopg://u@127.0.0.1:{free_port()}/d'\n")
    said = site.run("units", "list", code=1)
    assert said.startswith("Error: the database does not answer: ")
    assert said.count("\n") == 1
    empty = postgres_server.create_database()
    site.settings.write_text(f"database = '{postgres_server.dsn(empty)}'\n")
    assert "alpr-repository db upgrade" in site.run("db", "check", code=1)
    site.run("init")
    site.run("db", "check")
    postgres_server.drop_database(empty)
    site.settings.write_text("[web]\nprot = 1\n")
    assert "web.prot: not a setting" in site.run("units", "list", code=1)


def test_the_program_itself_prints_and_ends_as_its_commands_do(tmp_path: Path) -> None:
    site = Site(tmp_path, "data = 'data'\n")
    for arguments, code in ((("init", "--json"), 0), (("units", "list"), 0), (("purge",), 2)):
        process = site.start(*arguments)
        out, err = process.communicate(timeout=WAIT_S)
        assert process.returncode == code, err
        assert bool(out) == (arguments[0] != "purge")
    assert err.endswith("Error: say either --dry-run or --now\n")


def test_a_repository_whose_pictures_key_is_gone_or_another_does_not_start(tmp_path: Path) -> None:
    site = Site(tmp_path, "data = 'data'\n")
    site.run("init")
    key = tmp_path / "data" / "keys" / "pictures.key"
    services = build(load_settings(site.settings))
    with services.engine.begin() as connection:
        day = datetime(2026, 3, 1, tzinfo=UTC)
        services.pictures.put(connection, day.date(), "ab" * 32, b"a picture", day)
    services.close()
    key.unlink()
    said = site.run("run", code=1)
    assert said.startswith(f"Error: key {key}: does not exist; ")
    keyfiles.make_secret(key, secrets.token_bytes)
    said = site.run("run", code=1)
    assert said.startswith("Error: pictures of 2026-03-01: the master key is not the one")
