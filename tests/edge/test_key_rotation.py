"""The spool key is replaced at a word, and a rotation that breaks off anywhere goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from edge.cli import main
from edge.contract.plates import load_confusables
from edge.contract.records import Malfunction, decode_record
from edge.enrolment import (
    FORMER_SPOOL_KEY,
    SIGNING_KEY,
    SPOOL_KEY,
    EnrolledKeys,
    EnrolmentError,
    credentials_folder,
    enrol,
    load_keys,
)
from edge.hotfile.keys import hotfile_key
from edge.hotfile.local import LocalList
from edge.hotfile.settings import LOCAL_LIST
from edge.key_rotation import begin_rotation, finish_rotation
from edge.spool.errors import SpoolError, WrongKeyError
from edge.spool.store import Spool
from tests.edge.hotfile.test_local import enter
from tests.edge.spool.samples import UNIT_KEY, by_digest, malfunction, picture_bytes, read_with

AGENCY, UNIT = "boston-pd", "car-7"
SETTINGS = """
[unit]
agency = "boston-pd"
name = "car-7"

[[cameras]]
name = "front"
source = "pictures"

[position]
kind = "none"

[uplink]
host = "127.0.0.1"
repository_public_key = "keys/unit.pub"
"""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit's folder: its keys, a filled spool, a plate that was entered by hand."""
    keys = enrol(tmp_path / "keys")
    (tmp_path / "edge.toml").write_text(SETTINGS)
    content = picture_bytes(1)
    with open_with(tmp_path, keys.spool_key) as spool:
        spool.add([read_with(content), malfunction], by_digest(content))
    return tmp_path


def open_with(unit: Path, key: bytes, former: bytes | None = None) -> Spool:
    return Spool.open(
        unit / "data" / "spool", key, agency=AGENCY, unit=UNIT, reserve_bytes=0, former_key=former
    )


def own_list(unit: Path, key: bytes) -> LocalList:
    path = unit / "data" / "hotlists" / LOCAL_LIST / "entries"
    return LocalList(path, hotfile_key(key), load_confusables())


def rotate(unit: Path) -> str:
    done = CliRunner().invoke(main, ["keys", "rotate", "--settings", str(unit / "edge.toml")])
    assert done.exit_code == 0, done.output
    return done.output


def require_whole(unit: Path) -> EnrolledKeys:
    keys = load_keys(unit / "keys")
    with open_with(unit, keys.spool_key, keys.former_spool_key) as spool:
        assert spool.counts().waiting == 2
        batch = spool.seal(UNIT_KEY) or spool.unreceipted_batches(1)[0]
        last = decode_record(bytes(batch.records[-1]))
        assert isinstance(last, Malfunction)
        assert last.component == "gps"
        assert spool.salvages == ()
    return keys


@pytest.mark.policy("M-C7")
def test_a_rotation_leaves_nothing_that_the_former_key_opens(unit: Path) -> None:
    before = load_keys(unit / "keys")
    former_file = (unit / "keys" / SPOOL_KEY).stat().st_ino
    said = rotate(unit)
    assert "the former one is destroyed" in said
    after = require_whole(unit)
    assert after.spool_key != before.spool_key
    assert after.former_spool_key is None
    assert sorted(path.name for path in (unit / "keys").iterdir()) == [
        SPOOL_KEY,
        SIGNING_KEY,
        "unit.pub",
    ]
    assert (unit / "keys" / SPOOL_KEY).stat().st_ino != former_file
    assert (unit / "keys" / SPOOL_KEY).stat().st_mode & 0o777 == 0o600
    with pytest.raises(WrongKeyError):
        open_with(unit, before.spool_key)


def test_a_plate_entered_by_hand_is_kept_through_a_rotation(unit: Path) -> None:
    before = load_keys(unit / "keys").spool_key
    own = own_list(unit, before)
    own.apply(enter(own))
    rotate(unit)
    after = own_list(unit, load_keys(unit / "keys").spool_key)
    after.poll()
    assert [entry.plate for entry in after.entries] == ["1ABC23"]


class PowerCut(Exception):  # noqa: N818 - what happens, not what is wrong
    """The machine stops here."""


@pytest.mark.parametrize("step", range(1, 12))
def test_a_rotation_that_breaks_off_anywhere_loses_nothing_and_goes_on(
    unit: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Cut before each change that a rotation makes to names and bytes of key files."""
    calls = 0

    def cut(real: Callable[..., object]) -> Callable[..., object]:
        def cutting(*arguments: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls == step:
                raise PowerCut
            return real(*arguments, **named)

        return cutting

    with monkeypatch.context() as cutter:
        for module in ("edge.key_rotation", "edge.enrolment"):
            cutter.setattr(f"{module}.sync_folder", cut(lambda _: None))
        cutter.setattr("edge.key_rotation.write_new", cut(_write_new))
        cutter.setattr("edge.key_rotation.os.link", cut(os.link))
        cutter.setattr(Path, "replace", cut(Path.replace))
        cutter.setattr(Path, "unlink", cut(Path.unlink))
        CliRunner().invoke(main, ["keys", "rotate", "--settings", str(unit / "edge.toml")])
    require_whole(unit)
    rotate(unit)
    assert require_whole(unit).former_spool_key is None


def _write_new(path: Path, content: bytes, mode: int, made: list[Path]) -> None:
    path.write_bytes(content)
    path.chmod(mode)
    made.append(path)


def test_the_daemon_goes_on_with_a_rotation_that_was_begun(unit: Path) -> None:
    before = load_keys(unit / "keys").spool_key
    begin_rotation(unit / "keys")
    begin_rotation(unit / "keys")
    keys = load_keys(unit / "keys")
    assert keys.former_spool_key == before
    assert (unit / "keys" / FORMER_SPOOL_KEY).stat().st_mode & 0o777 == 0o600
    require_whole(unit)
    with open_with(unit, keys.spool_key):
        finish_rotation(unit / "keys")
    finish_rotation(unit / "keys")
    require_whole(unit)


def test_a_rotation_cut_between_the_two_names_begins_anew(unit: Path) -> None:
    folder = unit / "keys"
    before = load_keys(folder).spool_key
    os.link(folder / SPOOL_KEY, folder / FORMER_SPOOL_KEY)
    begin_rotation(folder)
    keys = load_keys(folder)
    assert (keys.spool_key != before, keys.former_spool_key) == (True, before)


def test_a_running_daemon_stops_a_rotation_before_it_begins(unit: Path) -> None:
    before = load_keys(unit / "keys").spool_key
    with open_with(unit, before):
        done = CliRunner().invoke(main, ["keys", "rotate", "--settings", str(unit / "edge.toml")])
    assert done.exit_code == 1
    assert "another daemon is using this spool" in done.output
    assert load_keys(unit / "keys").spool_key == before


def test_neither_key_opens_another_units_spool(unit: Path) -> None:
    with pytest.raises(SpoolError, match="another key"):
        open_with(unit, b"x" * 32, b"y" * 32)


@pytest.mark.policy("M-C7")
def test_keys_come_from_credentials_before_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, credentials = tmp_path / "keys", tmp_path / "credentials"
    enrol(folder)
    given = enrol(credentials)
    (folder / SPOOL_KEY).unlink()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    (credentials / SPOOL_KEY).chmod(0o440)  # how an access list for one user shows
    loaded = load_keys(folder, credentials_folder(os.environ))
    assert loaded.spool_key == given.spool_key
    assert loaded.public_pem == given.public_pem
    assert credentials_folder({}) is None
    with pytest.raises(EnrolmentError, match=SPOOL_KEY):
        load_keys(folder, credentials_folder({}))
    (credentials / SPOOL_KEY).chmod(0o644)
    with pytest.raises(EnrolmentError, match=r"others can use this key \(mode 0644\)"):
        load_keys(folder, credentials)
