"""Updating beside other processes, in a process apart, and through stops and kills."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.bootstrap import daemon as bootstrap
from edge.bootstrap.hotlists import build_folder
from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import load_confusables
from edge.enrolment import enrol, load_keys
from edge.health.health import Health
from edge.hotfile.build import build_here
from edge.hotfile.installation import INSTALLED
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import MatchRule
from edge.position.clock import UnitClock
from edge.settings import load_settings
from edge.supervision.hearts import Hearts
from tests.edge.hotfile.update_house import NEW, OLD, Site, require_in_use
from tests.edge.hotfile.update_site import AGENCY, NOON
from tests.repository.listing import LIST, SIGNER, entries
from tests.repository.sender import Sender
from tests.waiting import until

ROOT = Path(__file__).parents[3]
SETTINGS = """
[unit]
agency = "{agency}"
name = "car-13"

[[cameras]]
name = "front"
source = "pictures"

[[hotlists]]
name = "{name}"
from = "repository"

[hotlist_updates]
url = "https://127.0.0.1:{port}"
ca = "{ca}"

[position]
kind = "none"

[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
"""


def test_while_another_process_changes_the_list_it_is_left_alone(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        with unit.folder.turn(LIST):
            unit.look()
            assert unit.folder.current(LIST) is None
            assert unit.trouble is None
        unit.look()
        require_in_use(unit, OLD, 1)


TAMPER = (
    "UPDATE hotlist_parts SET content = CAST(replace(CAST(content AS TEXT), '000009X', '000009Y') "
    "AS BLOB) WHERE version = 4 AND part = 0"
)


def test_a_long_list_is_put_in_use_by_a_process_apart_with_the_same_care(site: Site) -> None:
    # Deltas of more than a pipe takes at once.
    old, new, newer = entries(1200), entries(1200, first=500), entries(1200, first=1000)
    site.issue(old)
    with site.car(apart_from_entries=1) as unit:
        unit.look()
        require_in_use(unit, old, 1)
        site.issue(new)
        site.change(
            "UPDATE hotlist_versions SET delta = CAST(replace(CAST(delta AS TEXT), '001500X', "
            "'001500Y') AS BLOB) WHERE version = 2"
        )
        unit.look()
        require_in_use(unit, new, 2)
        assert unit.web.fetched_from == [0, 0], "the altered delta was not used"
        site.issue(newer)
        unit.look()
        require_in_use(unit, newer, 3)
        assert unit.web.fetched_from == [0, 0]
        site.issue(old)
        site.change("UPDATE hotlist_versions SET delta = NULL WHERE version = 4")
        site.change(TAMPER)
        unit.look()
        require_in_use(unit, newer, 3)
        assert "is not version 4: list: its SHA-256" in (unit.trouble or "")
        assert unit.partials() == []


def test_a_process_apart_ends_with_the_unit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.issue(OLD)
    endless, pid_file = site.folder / "endless", site.folder / "pid"
    endless.write_text(
        f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\nexec sleep 600\n"
    )
    endless.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(endless))
    with site.car(apart_from_entries=1) as unit:
        looking = threading.Thread(target=unit.look, name="looking")
        looking.start()
        pid = int(until(lambda: pid_file.read_text() if pid_file.exists() else None))
        unit.stop.set()
        looking.join()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert unit.trouble is None
        assert unit.folder.current(LIST) is None
        assert len(unit.partials()) == 1


def test_a_unit_that_stops_leaves_the_rest_for_its_next_start(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        real = unit.web.fetch

        def stopping(*arguments: Any) -> None:
            unit.stop.set()
            real(*arguments)

        unit.web.fetch = stopping  # type: ignore[method-assign]
        unit.look()
        assert unit.folder.current(LIST) is None
        assert unit.trouble is None
        assert len(unit.partials()) == 1
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)


def test_the_daemons_part_updates_by_the_settings_until_it_is_stopped(site: Site) -> None:
    folder = site.folder / "unit"
    enrol(folder / "keys")
    keys = load_keys(folder / "keys")
    other = Sender(agency=AGENCY, unit="car-13", key=keys.signing_key)
    other.enrol(site.engine, NOON)
    (folder / "receipts.pub").write_bytes(
        SIGNER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    (folder / "edge.toml").write_text(
        SETTINGS.format(agency=AGENCY, name=LIST, port=site.link.port, ca=site.ca_file)
    )
    settings, stop = load_settings(folder / "edge.toml"), threading.Event()
    clock = UnitClock(system=lambda: NOON, monotonic_s=lambda: 0.0, service_error_ms=lambda: None)
    health, hotlists = Health(), build_folder(settings, keys, load_confusables())
    lists = HotlistFiles(settings.hotlists, hotlists, MatchRule(), builder=build_here)
    (part,) = bootstrap._list_updates(
        settings, keys, hotlists, clock, health, Hearts(lambda: 0.0), stop, lists.take_in
    )
    site.issue(OLD)
    thread = threading.Thread(target=part.run, name=part.name)
    thread.start()
    (in_use,) = until(lambda: lists.current.lists or None)  # though nobody polls
    stop.set()
    thread.join()
    assert (in_use.version, in_use.entries) == ("1", len(OLD))
    assert dict(health.report().troubles) == {}
    assert [one.hotlist for one in lists.poll()] == [in_use]


@pytest.mark.parametrize(
    ("moment", "by_delta", "in_use"),
    [("build", False, OLD), ("install", True, OLD), ("swapped", False, NEW)],
    ids=["build", "install", "swapped"],
)
def test_a_unit_killed_on_the_way_has_one_whole_list(
    site: Site, moment: str, by_delta: bool, in_use: list[HotlistEntry]
) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
    site.issue(NEW)
    if not by_delta:
        site.change("UPDATE hotlist_versions SET delta = NULL WHERE version = 2")
    killed = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.edge.hotfile.update_site",
            str(site.folder / "unit"),
            str(site.link.port),
            str(site.ca_file),
            site.sender.key.private_bytes_raw().hex(),
            moment,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
        timeout=60,
    )
    assert killed.returncode == -signal.SIGKILL
    with site.car() as unit:
        assert list(unit.folder.entries(LIST)) == in_use
        unit.look()
        require_in_use(unit, NEW, 2)
        # What had come was not fetched again.
        assert unit.web.fetched_from == []
        assert (site.folder / "unit" / "hotlist-updates" / LIST / INSTALLED).exists()
        assert unit.partials() == []
