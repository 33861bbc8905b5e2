"""A unit keeps its list up to date from the real web over real HTTPS, whatever breaks or lies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Engine

from edge.bootstrap import daemon as bootstrap
from edge.bootstrap.hotlists import build_folder
from edge.contract.hotlist import HotlistEntry
from edge.contract.plates import load_confusables
from edge.enrolment import enrol, load_keys
from edge.health.health import Health
from edge.hotfile.build import build_here
from edge.hotfile.installation import INSTALLED
from edge.hotfile.layout import MAGIC
from edge.hotfile.open import HotlistFiles
from edge.hotfile.partial import PIECE_BYTES
from edge.hotfile.settings import MatchRule
from edge.position.clock import UnitClock
from edge.settings import load_settings
from edge.supervision.hearts import Hearts
from repository.hotlists import files
from repository.store.engine import open_engine
from repository.units import enrolment
from tests.edge.hotfile.update_site import AGENCY, NOON, Car, Link, car
from tests.repository.listing import LIST, SIGNER, Rooms, entries, issue, serving
from tests.repository.sender import Sender

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


_T = TypeVar("_T")


def wait_for(look: Callable[[], _T | None]) -> _T:
    """What ``look`` finds once it finds something."""
    for _ in range(1000):
        if (found := look()) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("nothing came")


def require_in_use(unit: Car, some: list[HotlistEntry], version: int) -> None:
    assert list(unit.folder.entries(LIST)) == some
    facts = unit.folder.current(LIST)
    assert facts is not None
    assert (facts.version, facts.number, facts.entries) == (str(version), version, len(some))


@pytest.mark.policy("M-D1")
def test_the_first_list_comes_whole_and_says_where_from_and_when(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)
        facts = unit.folder.current(LIST)
        assert facts is not None
        assert (facts.source, facts.issued_at) == ("repository", NOON)
        assert unit.web.fetched_from == [0]
        assert unit.partials() == []
        assert unit.trouble is None


def test_from_then_on_deltas_are_enough_also_over_versions_that_were_missed(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW)
        unit.look()
        require_in_use(unit, NEW, 2)
        assert unit.web.deltas == [2]
        site.issue(OLD)
        site.issue(NEWER)
        unit.look()
        require_in_use(unit, NEWER, 4)
        assert unit.web.deltas == [2, 4, 3]
        assert unit.web.fetched_from == [0]


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize(
    "delta",
    [
        "UPDATE hotlist_versions SET delta = NULL WHERE version = 2",
        "UPDATE hotlist_versions SET delta = x'7b7d' WHERE version = 2",
        "UPDATE hotlist_versions SET delta = CAST(replace(CAST(delta AS TEXT), '009000X', "
        "'009000Y') AS BLOB) WHERE version = 2",
        "UPDATE hotlist_versions SET delta = CAST(replace(CAST(delta AS TEXT), 'E0000001', "
        "'E0008888') AS BLOB) WHERE version = 2",
    ],
    ids=["missing", "none", "altered", "misfit"],
)
def test_a_delta_that_does_not_yield_the_signed_list_is_not_used(site: Site, delta: str) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW)
        site.change(delta)
        unit.look()
        require_in_use(unit, NEW, 2)
        assert unit.web.fetched_from == [0, 0]
        assert unit.trouble is None


def test_what_broke_off_is_gone_on_with(site: Site) -> None:
    many = entries(4000)
    site.issue(many)
    size = len(many) * 160
    with site.car() as unit:
        site.link.break_after = size // 2
        unit.look()
        assert site.link.broken == 1
        assert unit.folder.current(LIST) is None
        assert "broke off" in (unit.trouble or "")
    with site.car() as unit:
        unit.look()
        require_in_use(unit, many, 1)
        (start,) = unit.web.fetched_from
        assert PIECE_BYTES < start <= size // 2, "and what was no whole piece yet"
        assert unit.trouble is None


def test_a_newer_version_makes_an_older_download_pointless(site: Site) -> None:
    site.issue(entries(4000))
    with site.car() as unit:
        site.link.break_after = 200_000
        unit.look()
        (first,) = unit.partials()
        site.issue(OLD)
        unit.look()
        require_in_use(unit, OLD, 2)
        assert not first.exists()
        assert unit.web.fetched_from == [0, 0]


@pytest.mark.policy("M-C7")
def test_a_list_that_is_not_the_signed_one_is_refused_and_the_one_in_use_stays(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW, name=LIST)
        site.change("UPDATE hotlist_versions SET delta = NULL WHERE version = 2")
        site.change(
            "UPDATE hotlist_parts SET content = CAST(replace(CAST(content AS TEXT), '000004X', "
            "'000004Y') AS BLOB) WHERE version = 2 AND part = 0"
        )
        for _ in range(2):
            unit.look()
            require_in_use(unit, OLD, 1)
            assert "is not version 2: list: its SHA-256" in (unit.trouble or "")
        assert unit.web.fetched_from == [0, 0, 0]


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize(
    ("field", "other"), [('"entries":59', '"entries":58'), (f'"{AGENCY}"', '"northfield-pe"')]
)
def test_an_altered_manifest_is_refused(site: Site, field: str, other: str) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW)
        site.change(
            "UPDATE hotlist_versions SET manifest = CAST(replace(CAST(manifest AS TEXT), ?, ?) "
            "AS BLOB) WHERE version = 2",
            field,
            other,
        )
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "the manifest is not the repository's: signature" in (unit.trouble or "")


@pytest.mark.policy("M-C7")
def test_a_manifest_that_another_key_signed_is_refused(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW, key=Ed25519PrivateKey.generate())
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "compare the key in uplink.repository_public_key" in (unit.trouble or "")


def cut(path: Path) -> None:
    """Take a list's last byte away."""
    path.write_bytes(path.read_bytes()[:-1])


def make_former(path: Path) -> None:
    """Make a list one of a former version of its format."""
    content = path.read_bytes()
    path.write_bytes(MAGIC[:-1] + bytes([MAGIC[-1] - 1]) + content[len(MAGIC) :])


@pytest.mark.policy("M-D1")
@pytest.mark.parametrize("spoil", [lambda _: None, cut, make_former])
def test_an_older_version_is_refused_also_after_a_restart(
    site: Site, spoil: Callable[[Path], None]
) -> None:
    site.issue(OLD)
    site.issue(NEW)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, NEW, 2)
        path = unit.folder.in_use(LIST)
        assert path is not None
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM hotlist_parts WHERE version = 2")
        connection.exec_driver_sql("DELETE FROM hotlist_versions WHERE version = 2")
    spoil(path)
    with site.car() as unit:
        unit.look()
        assert "version 1 is older than version 2" in (unit.trouble or "")
        assert unit.folder.in_use(LIST) == path
        assert unit.web.fetched_from == []


@pytest.mark.parametrize("spoil", [cut, make_former])
def test_a_damaged_list_is_mended_by_the_same_version(
    site: Site, spoil: Callable[[Path], None]
) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        path = unit.folder.in_use(LIST)
        assert path is not None
    spoil(path)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)


def test_a_list_that_shrinks_or_grows_too_much_is_refused_before_it_is_fetched(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        for some, said in ((OLD[:20], "has 20 entries"), (entries(200), "has 200 entries")):
            site.issue(some)
            unit.look()
            require_in_use(unit, OLD, 1)
            assert said in (unit.trouble or "")
        assert unit.web.fetched_from == [0]
        site.issue(NEW)
        unit.look()
        require_in_use(unit, NEW, 4)
        assert unit.trouble is None


def test_an_empty_list_is_a_list(site: Site) -> None:
    site.issue([])
    with site.car() as unit:
        unit.look()
        require_in_use(unit, [], 1)


def test_a_list_dated_ahead_of_the_units_clock_is_refused(site: Site) -> None:
    issue(site.engine, OLD, NOON + timedelta(minutes=10), AGENCY)
    with site.car() as unit:
        unit.look()
        assert unit.folder.current(LIST) is None
        assert "ahead of this unit's clock" in (unit.trouble or "")


def test_a_unit_that_is_revoked_or_has_another_clock_keeps_its_list_and_says_so(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
    site.issue(NEW)
    with site.car(now=lambda: NOON + timedelta(minutes=6)) as unit:
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "set its clock" in (unit.trouble or "")
    with site.engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOON)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "enrol the unit" in (unit.trouble or "")


@pytest.mark.policy("M-C7")
def test_another_agencys_list_is_not_had(site: Site) -> None:
    Sender(agency="salem-pd").enrol(site.engine, NOON)
    site.issue(OLD, agency="salem-pd")
    with site.car() as unit:
        unit.look()
        assert unit.folder.current(LIST) is None
        assert "no such list for this unit's agency" in (unit.trouble or "")


@pytest.mark.policy("M-C7")
def test_a_server_that_the_units_authority_did_not_vouch_for_is_not_asked(
    site: Site, tmp_path: Path
) -> None:
    site.issue(OLD)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other-ca.pem"))
    site.ca_file = tmp_path / "other-ca.pem"
    with site.car() as unit:
        unit.look()
        assert unit.folder.current(LIST) is None
        assert "shows a certificate that hotlist_updates.ca did not sign" in (unit.trouble or "")


@pytest.mark.policy("M-D1")
def test_lists_that_cannot_be_had_for_long_are_a_trouble_and_no_hiccup_is(site: Site) -> None:
    with site.car(alarm_after_s=2 * 86_400.0) as unit:
        unit.look()
        unit.look()
        assert unit.trouble is None
        unit.look()
        assert "import it there" in (unit.trouble or "")
        site.issue(OLD)
        unit.look()
        assert unit.trouble is None
        require_in_use(unit, OLD, 1)


def test_after_a_failure_it_tries_again_soon_and_after_a_success_at_the_interval(
    site: Site,
) -> None:
    asked: list[float] = []
    with site.car() as unit:
        real = unit.web.manifest

        def noting(name: str, known: str | None) -> tuple[bytes, str] | None:
            asked.append(unit.passed_s[0])
            return real(name, known)

        unit.web.manifest = noting  # type: ignore[method-assign]
        for _ in range(40):
            unit.updater.look()
            unit.passed_s[0] += 1.0
        assert asked == [0.0, 4.0, 12.0, 27.0]
        site.issue(OLD)
        asked.clear()
        unit.look()
        first = unit.passed_s[0]
        for _ in range(301):
            unit.updater.look()
            unit.passed_s[0] += 1.0
        assert asked == [first, first + 300.0]


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
        pid = int(wait_for(lambda: pid_file.read_text() if pid_file.exists() else None))
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
    (in_use,) = wait_for(lambda: lists.current.lists or None)  # though nobody polls
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
