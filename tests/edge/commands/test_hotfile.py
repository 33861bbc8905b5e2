"""``alpr-edge hotfile``: lists from a USB stick that the repository wrote, and what is in use."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.bootstrap.hotlists import build_folder, build_installation
from edge.cli import main
from edge.commands.hotfile import _line
from edge.contract.hotlist import HotlistVersion, encode_manifest, sign_manifest
from edge.contract.plates import load_confusables
from edge.enrolment import enrol, load_keys
from edge.health.health import Health
from edge.hotfile.build import build_here
from edge.hotfile.install_process import InstallProcess
from edge.hotfile.open import HotlistFiles
from edge.hotfile.settings import MatchRule
from edge.hotfile.updater import HotlistUpdater
from edge.settings import load_settings
from tests.repository.people import CommandLine
from tests.whole_lists import encode_list

SETTINGS = """
[unit]
agency = "salem-pd"
name = "car-12"

[[cameras]]
name = "front"
source = "pictures"

[[hotlists]]
name = "stolen"
from = "repository"
change = { from_entries = 20 }

[[hotlists]]
name = "department"
path = "department.csv"
change = { from_entries = 20 }

[position]
kind = "none"

[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
"""
REASON = "the state took 2019 off its list"


def table(count: int) -> str:
    lines = [f"E{number:04},{number:05}X\n" for number in range(count)]
    return "".join(["entry,plate\n", *lines])


@dataclass
class Bench:
    """A repository's command line, a unit's, and a stick to carry between them."""

    repository: CommandLine
    unit: Path
    stick: Path

    def carry(self, count: int) -> None:
        """Issue the list with so many entries and export it."""
        file = self.repository.file("stolen.csv", table(count))
        named = ("--agency", "salem-pd", "--list", "stolen")
        self.repository.ok("hotlists", "import", *named, "--file", file)
        self.repository.ok("hotlists", "export", *named, "--to", str(self.stick))

    def hotfile(self, *words: str) -> Result:
        return CliRunner().invoke(
            main, ["hotfile", *words, "--settings", str(self.unit / "edge.toml")]
        )

    def ok(self, *words: str) -> list[dict[str, Any]]:
        done = self.hotfile(*words, "--json")
        assert done.exit_code == 0, done.output
        shown: list[dict[str, Any]] = json.loads(done.stdout)
        return shown

    def refused(self, *words: str) -> str:
        done = self.hotfile(*words)
        assert done.exit_code == 1, done.output
        assert done.stdout == ""
        return done.stderr

    def in_use(self, name: str = "stolen") -> tuple[str, int] | None:
        settings = load_settings(self.unit / "edge.toml")
        folder = build_folder(settings, load_keys(settings.unit.keys), load_confusables())
        facts = folder.current(name)
        assert facts is None or len(list(folder.entries(name))) == facts.entries
        return None if facts is None else (facts.version, facts.entries)


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository's site, a unit's, and a stick with the list, to be copied."""
    folder = tmp_path_factory.mktemp("furnished")
    for name in ("site", "unit", "stick"):
        (folder / name).mkdir()
    repository, unit = CommandLine(folder / "site"), folder / "unit"
    enrol(unit / "keys")
    (unit / "edge.toml").write_text(SETTINGS)
    shutil.copy(repository.folder / "data" / "keys" / "receipts.pub", unit)
    Bench(repository, unit, folder / "stick").carry(40)
    return folder


@pytest.fixture
def bench(furnished: Path, tmp_path: Path) -> Bench:
    shutil.copytree(furnished, tmp_path, dirs_exist_ok=True)
    repository = CommandLine.__new__(CommandLine)  # the copied site needs no making
    repository.folder = tmp_path / "site"
    repository.settings = repository.folder / "repository.toml"
    return Bench(repository, tmp_path / "unit", tmp_path / "stick")


@pytest.mark.policy("M-D1")
def test_a_stick_brings_a_list_and_the_status_says_which_and_how_old(bench: Bench) -> None:
    (taken,) = bench.ok("import", str(bench.stick))
    assert (taken["name"], taken["version"], taken["entries"]) == ("stolen", "1", 40)
    assert (taken["source"], taken["news"]) == ("usb", True)
    shown = bench.hotfile("status")
    assert "stolen: version 1 (usb), issued 20" in shown.stdout
    assert "40 entries, 0.0 h old\n" in shown.stdout
    assert "department: MISSING OR DAMAGED" in shown.stdout
    assert shown.exit_code == 1
    (bench.unit / "department.csv").write_text(table(3))
    bench.ok("import", str(bench.unit / "department.csv"))
    stolen, department = bench.ok("status")
    assert (stolen["number"], stolen["stale"], stolen["error"]) == (1, False, None)
    assert (department["source"], department["entries"]) == ("file", 3)


def test_a_manifest_that_names_escapes_cannot_steer_the_terminal(bench: Bench) -> None:
    (manifest,) = bench.stick.glob("*.manifest.json")
    hostile = {"type": "hotlist_manifest", "v": 1, "\x1b]2;PWNED\x07\x1b[2JALL UP TO DATE": 1}
    manifest.write_text(json.dumps(hostile))
    said = bench.refused("import", str(bench.stick))
    assert "unknown field `?]2;PWNED" in said
    assert said.strip().isprintable()


@pytest.mark.policy("M-D1")
def test_a_stale_list_is_said_with_an_exit_status(bench: Bench) -> None:
    bench.ok("import", str(bench.stick))
    settings = bench.unit / "edge.toml"
    settings.write_text(
        SETTINGS.replace('from = "repository"', 'from = "repository"\nmax_age_s = 1e-6')
    )
    shown = bench.hotfile("status")
    assert shown.exit_code == 1
    assert "h old, STALE" in shown.stdout


def test_a_list_dated_ahead_of_the_clock_is_not_said_to_be_old() -> None:
    said = _line(
        {
            "name": "stolen",
            "error": None,
            "version": "ab12",
            "source": "file",
            "issued_at": "2026-11-03T12:00:00+00:00",
            "entries": 7,
            "rejected": 0,
            "age_s": -90_000,
            "stale": True,
        }
    )
    assert "7 entries, dated 25.0 h AHEAD of this machine's clock" in said
    assert said.endswith("check the clock, then the list's date")
    assert "STALE" not in said


def test_the_same_stick_again_changes_nothing(bench: Bench) -> None:
    bench.ok("import", str(bench.stick))
    (again,) = bench.ok("import", str(bench.stick))
    assert again["news"] is False
    assert "was in use already" in bench.hotfile("import", str(bench.stick)).stdout


@pytest.mark.policy("M-D1")
def test_an_older_stick_is_refused_with_force_too(bench: Bench, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(bench.stick, older)
    bench.carry(41)
    bench.ok("import", str(bench.stick))
    for words in ((), ("--force", "--reason", REASON)):
        assert "version 1 is older than version 2" in bench.refused("import", str(older), *words)
        assert bench.in_use() == ("2", 41)


def cut_off(stick: Path) -> None:
    path = stick / "stolen.jsonl"
    path.write_bytes(path.read_bytes()[:-20])


def altered(stick: Path) -> None:
    path = stick / "stolen.jsonl"
    path.write_bytes(path.read_bytes().replace(b"00004X", b"00004Y"))


def gone(stick: Path) -> None:
    (stick / "stolen.jsonl").unlink()


def manifest_altered(stick: Path) -> None:
    path = stick / "stolen.manifest.json"
    path.write_bytes(path.read_bytes().replace(b'"entries":41', b'"entries":40'))


def manifest_cut_off(stick: Path) -> None:
    path = stick / "stolen.manifest.json"
    path.write_bytes(path.read_bytes()[:-9])


def signed_by_another(stick: Path) -> None:
    data = encode_list([])
    version = HotlistVersion(
        name="stolen",
        version=9,
        issued_at=datetime.now(UTC) - timedelta(hours=1),
        entries=0,
        sha256="0" * 64,
        size_bytes=len(data),
    )
    manifest = sign_manifest(
        agency="salem-pd",
        version=version,
        previous_version=None,
        delta_base=None,
        private_key=Ed25519PrivateKey.generate(),
    )
    (stick / "stolen.manifest.json").write_bytes(encode_manifest(manifest))


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (cut_off, "it was cut off"),
        (altered, "is not the list of the manifest"),
        (gone, "cannot be read"),
        (manifest_altered, "the manifest is not the repository's"),
        (manifest_cut_off, "the manifest is not the repository's"),
        (signed_by_another, "compare the key in uplink.repository_public_key"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_stick_that_is_not_as_the_repository_wrote_it_is_refused(
    bench: Bench, harm: Callable[[Path], None], said: str
) -> None:
    bench.ok("import", str(bench.stick))
    bench.carry(41)
    harm(bench.stick)
    for words in ((), ("--force", "--reason", REASON)):
        assert said in bench.refused("import", str(bench.stick), *words)
        assert bench.in_use() == ("1", 40)


def test_a_list_that_is_refused_keeps_no_other_on_the_stick_from_its_use(bench: Bench) -> None:
    second = '\n[[hotlists]]\nname = "{}"\nfrom = "repository"\n'
    (bench.unit / "edge.toml").write_text(
        SETTINGS + second.format("amber") + second.format("wanted")
    )
    file = bench.repository.file("three.csv", table(3))
    for name in ("amber", "wanted"):
        named = ("--agency", "salem-pd", "--list", name)
        bench.repository.ok("hotlists", "import", *named, "--file", file)
        bench.repository.ok("hotlists", "export", *named, "--to", str(bench.stick))
    cut_off(bench.stick)
    (bench.stick / "amber.jsonl").unlink()
    done = bench.hotfile("import", str(bench.stick))
    assert done.exit_code == 1
    assert done.stdout == "wanted: version 1, 3 entries, now in use\n"
    amber, stolen = done.stderr.splitlines()
    assert "hot list amber" in amber
    assert "hot list stolen" in stolen
    assert [bench.in_use(name) for name in ("amber", "stolen", "wanted")] == [None, None, ("1", 3)]
    again = bench.hotfile("import", str(bench.stick), "--json")
    assert again.exit_code == 1
    assert [(one["name"], one["news"]) for one in json.loads(again.stdout)] == [("wanted", False)]


def test_what_changes_too_much_is_taken_only_by_force_which_is_said_until_the_next(
    bench: Bench,
) -> None:
    bench.ok("import", str(bench.stick))
    bench.carry(5)
    assert "has 5 entries" in bench.refused("import", str(bench.stick))
    assert bench.in_use() == ("1", 40)
    bench.ok("import", str(bench.stick), "--force", "--reason", REASON)
    assert bench.in_use() == ("2", 5)

    settings = load_settings(bench.unit / "edge.toml")
    keys, health = load_keys(settings.unit.keys), Health()
    folder = build_folder(settings, keys, load_confusables())
    updater = HotlistUpdater(
        settings.hotlists,
        build_installation(settings, folder, lambda: datetime.now(UTC)),
        None,
        keys.spool_key,
        health,
        every_s=300.0,
        alarm_after_s=0.0,
        random=lambda: 0.5,
        stop=threading.Event(),
        process=InstallProcess(threading.Event()),
    )
    updater.look()
    said = health.report().troubles["hot list forced stolen"]
    assert "version 2 was put in use by hand" in said
    assert REASON in said
    bench.carry(6)
    bench.ok("import", str(bench.stick), "--force", "--reason", "not needed this time")
    updater.look()
    assert dict(health.report().troubles) == {}


def test_a_departments_file_is_taken_by_force_too(bench: Bench) -> None:
    file = bench.unit / "department.csv"
    file.write_text(table(40))
    bench.ok("import", str(file))
    file.write_text(table(5))
    os.utime(file, (2_000_000_000, 2_000_000_000))
    assert "has 5 entries" in bench.refused("import", str(file))
    (taken,) = bench.ok("import", str(file), "--force", "--reason", REASON)
    assert (taken["source"], taken["entries"]) == ("file", 5)
    note = json.loads((bench.unit / "data/hotlist-updates/department/forced.json").read_text())
    assert note["reason"] == REASON


def test_a_long_build_says_how_far_it_is_and_an_empty_one_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.hotfile.build.PROGRESS_EVERY", 10)
    monkeypatch.setattr("edge.commands.hotfile.SAID_EVERY", 20)
    file = bench.unit / "department.csv"
    file.write_text(table(45))
    assert bench.hotfile("import", str(file)).stderr == "20 entries\n40 entries\n"
    assert bench.hotfile("import", str(bench.stick)).stderr == "20 entries\n40 entries\n"
    shutil.rmtree(bench.unit / "data")
    file.write_text(table(0))
    assert bench.hotfile("import", str(file)).stderr == ""


@pytest.mark.policy("M-C7")
def test_a_departments_file_that_is_to_be_removed_is_removed_by_the_import(bench: Bench) -> None:
    file, path = bench.unit / "department.csv", 'path = "department.csv"'
    (bench.unit / "edge.toml").write_text(
        SETTINGS.replace(path, f"{path}\nremove_once_built = true")
    )
    file.write_text("plate\n--\n")
    bench.refused("import", str(file))
    assert file.exists()
    file.write_text(table(40))
    (taken,) = bench.ok("import", str(file))
    assert not file.exists()
    assert bench.in_use("department") == (taken["version"], 40)


def test_a_list_that_does_not_open_is_said_with_who_must_bring_what_and_bounds_an_import(
    bench: Bench,
) -> None:
    file = bench.unit / "department.csv"
    file.write_text(table(40))
    bench.ok("import", str(file))
    bench.ok("import", str(bench.stick))
    for built in (bench.unit / "data/hotlists").glob("*/*.hotfile"):
        built.write_bytes(b"PWHOTF\0\4" + built.read_bytes()[8:])
    file.unlink()
    shown = bench.hotfile("status")
    assert shown.exit_code == 1
    stolen, department = shown.stdout.splitlines()
    assert "bring it on a USB stick, from 'alpr-repository hotlists export'" in stolen
    assert f"put the department's file at {file} again" in department
    file.write_text(table(5))
    os.utime(file, (2_000_000_000, 2_000_000_000))
    assert "has 5 entries" in bench.refused("import", str(file))
    bench.ok("import", str(file), "--force", "--reason", REASON)
    (taken,) = bench.ok("import", str(bench.stick))
    assert (taken["entries"], taken["news"]) == (40, True)


def test_an_import_does_not_meddle_with_a_build_that_runs(bench: Bench) -> None:
    file = bench.unit / "department.csv"
    file.write_text(table(40))
    settings = load_settings(bench.unit / "edge.toml")
    folder = build_folder(settings, load_keys(settings.unit.keys), load_confusables())
    with folder.turn("department"):
        said = bench.refused("import", str(file))
    assert "is being changed by another process; try again in a minute" in said
    bench.ok("import", str(file))


def test_lines_of_a_departments_file_that_make_no_entry_are_said(bench: Bench) -> None:
    file = bench.unit / "department.csv"
    file.write_text("plate\n" + "1ABC23\n" * 30 + "=SECRET|x\n" * 25)
    said = bench.hotfile("import", str(file)).stdout
    assert "30 entries, now in use" in said
    assert "25 lines make no entry and were left out, the first 20:\n" in said
    assert "\n  line 32: plate: has a character that is none of a plate's" in said
    assert said.count("  line ") == 20
    assert "SECRET" not in said
    shown = bench.hotfile("status").stdout
    assert "30 entries (25 lines of its file make none), 0.0 h old" in shown
    (taken,) = bench.ok("import", str(file))
    assert (taken["entries"], taken["rejected"], len(taken["rejections"])) == (30, 25, 20)
    file.write_text(table(30))
    (taken,) = bench.ok("import", str(file))
    assert (taken["rejected"], taken["rejections"]) == (0, [])
    assert "no entry" not in bench.hotfile("import", str(file)).stdout


def test_force_wants_a_reason_and_a_reason_force(bench: Bench) -> None:
    for words in (("--force",), ("--reason", REASON), ("--force", "--reason", " ")):
        done = bench.hotfile("import", str(bench.stick), *words)
        assert done.exit_code == 2
        assert "go together" in done.stderr
    assert (
        bench.hotfile("import", str(bench.stick), "--force", "--reason", "x" * 201).exit_code == 2
    )
    assert bench.in_use() is None


def test_what_holds_no_list_of_the_units_is_said(bench: Bench, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "hotlists export" in bench.refused("import", str(empty))
    (empty / "wanted.manifest.json").write_text("{}")
    assert "none of this unit's lists from the repository: stolen" in bench.refused(
        "import", str(empty)
    )
    stray = tmp_path / "stray.csv"
    stray.write_text(table(1))
    assert "is the path of no list" in bench.refused("import", str(stray))


@pytest.mark.policy("M-C7")
def test_no_plate_of_a_stick_is_left_on_the_units_disk(bench: Bench) -> None:
    bench.ok("import", str(bench.stick))
    assert b"00007X" in (bench.stick / "stolen.jsonl").read_bytes()
    for path in (bench.unit / "data").rglob("*"):
        assert not path.is_file() or b"00007X" not in path.read_bytes(), path


@pytest.mark.policy("M-D1")
def test_a_daemon_that_runs_sees_an_import_at_its_next_look(bench: Bench) -> None:
    bench.ok("import", str(bench.stick))
    settings = load_settings(bench.unit / "edge.toml")
    folder = build_folder(settings, load_keys(settings.unit.keys), load_confusables())
    lists = HotlistFiles(settings.hotlists, folder, MatchRule(), builder=build_here)
    lists.poll()
    (before,) = lists.current.lists
    assert before.facts.version == "1"
    assert lists.poll() == []
    bench.carry(41)
    bench.ok("import", str(bench.stick))
    assert [outcome.error for outcome in lists.poll()] == [None]
    (after,) = lists.current.lists
    assert (after.facts.version, after.facts.source) == ("2", "usb")
