"""Hot lists, clock and models."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest

from edge.bootstrap.hotlists import build_folder
from edge.contract.plates import load_confusables
from edge.doctor.daemon_check import judge_daemon
from edge.doctor.data_checks import (
    check_clock,
    check_hotlists,
    check_models,
    judge_age,
    judge_clock,
)
from edge.doctor.findings import Finding
from edge.enrolment import SPOOL_KEY, load_keys
from edge.health.status import Status, TroubleFact
from edge.hotfile.build import build_hotfile
from edge.settings import Settings
from edge.spool.store import Spool
from edge.uplink.messages import Refused
from edge.uplink.refusals import Refusals
from edge.vision.manifest import find_model, known_models, manifest_file
from edge.vision.settings import EngineSettings
from tests.edge.doctor.units import settings_of
from tests.edge.health.test_status import AT, make
from tests.edge.hotfile.lists import facts_of
from tests.edge.nobody import NOBODY, as_nobody

LIST = """
[[hotlists]]
name = "state"
path = "state.csv"
"""
DAY = timedelta(days=1)


def lists(settings: Settings, status: Status | None) -> list[Finding]:
    return list(check_hotlists(settings, status, AT))


@pytest.mark.policy("M-D1")
@pytest.mark.parametrize(
    ("age", "verdict"),
    [
        (timedelta(hours=1), "ok"),
        (0.79 * DAY, "ok"),
        (0.81 * DAY, "warning"),
        (1.01 * DAY, "fail"),
        (-timedelta(minutes=1), "ok"),
        (-timedelta(hours=1), "fail"),
    ],
)
def test_a_list_is_judged_by_its_age(age: timedelta, verdict: str) -> None:
    finding = judge_age("state", "version 3", age, DAY, "fetch it")
    assert (finding.verdict, bool(finding.do)) == (verdict, verdict != "ok")


def test_a_list_dated_ahead_is_told_from_an_old_one() -> None:
    ahead, old = (
        judge_age("state", "version 3", age, DAY, "fetch it") for age in (-1.5 * DAY, 2 * DAY)
    )
    assert "dated 36.0 hours ahead of the unit's clock" in ahead.found
    never_set = judge_age("state", "version 3", -20_000 * DAY, DAY, "fetch it")
    assert "dated 20,000 days ahead of the unit's clock" in never_set.found
    assert "STALE" not in ahead.found
    assert ahead.do.startswith("check the unit's clock, which says")
    assert "publisher" in ahead.do
    assert "it is 48.0 hours old and counts as STALE" in old.found
    assert "0.2 hours" in judge_age("state", "version 3", DAY / 120, DAY / 1440, "fetch it").found
    assert "clock" not in old.do


def test_lists_are_judged_by_what_the_daemon_says(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LIST)
    (finding,) = lists(settings, make())
    assert finding.verdict == "ok"
    (old,) = make().hotlists
    old = msgspec.structs.replace(old, age_s=2 * 86_400.0)
    (finding,) = lists(settings, make(hotlists=[old]))
    assert "STALE" in finding.found
    (finding,) = lists(settings, make(hotlists=[]))
    assert "not in use" in finding.found
    refused = TroubleFact(sentence="a wrong signature: fetch it again", since=AT)
    found = lists(settings, make(troubles={"hot list file state": refused}))
    assert [one.verdict for one in found] == ["fail", "ok"]


def test_how_a_list_is_had_is_said_by_where_it_comes_from(tmp_path: Path) -> None:
    from_there = '[[hotlists]]\nname = "state"\nfrom = "repository"\n'
    updates = '[hotlist_updates]\nurl = "https://alpr.example.gov"\n'
    gone = TroubleFact(sentence="hot list state: x cannot be read: No such file", since=AT)
    troubles = {"hot list file state": gone}
    for settings, do in (
        (LIST, f"have a new list written to {tmp_path / 'state.csv'}"),
        (from_there, "bring it on a stick: alpr-edge hotfile import; or set [hotlist_updates]"),
        (from_there + updates, "check the way to https://alpr.example.gov"),
    ):
        refused, unused = lists(
            settings_of(tmp_path, settings), make(troubles=troubles, hotlists=[])
        )
        assert refused.found == "x cannot be read: No such file"
        assert refused.do.startswith(do)
        assert (unused.verdict, unused.do) == ("fail", refused.do)


def test_without_a_daemon_the_lists_themselves_are_opened(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, LIST)
    (finding,) = lists(settings, None)
    assert (finding.verdict, "not in use" in finding.found) == ("fail", True)
    assert finding.do.startswith(f"put the department's file at {tmp_path / 'state.csv'}")
    (tmp_path / "state.csv").write_text("plate\n1ABC23\n")
    (finding,) = lists(settings, None)
    assert finding.do.startswith("start the daemon, which builds it from")
    assert f"'alpr-edge hotfile import {tmp_path / 'state.csv'}'" in finding.do
    pointer = tmp_path / "data" / "hotlists" / "state" / "current"
    pointer.parent.mkdir(parents=True)
    pointer.write_text("none\n")
    (finding,) = lists(settings, None)
    assert (finding.found, finding.do) == (f"{pointer} names no list", "remove it")
    (finding,) = lists(settings_of(tmp_path), None)
    assert finding.verdict == "warning"


def test_a_list_that_another_user_put_there_is_told_to_be_the_daemons() -> None:
    with TemporaryDirectory() as made:  # where nobody else may look, nobody may look for it
        folder = Path(made)
        settings = settings_of(folder, LIST)
        pointer = settings.unit.data / "hotlists" / "state" / "current"
        pointer.parent.mkdir(parents=True)
        pointer.write_text("7.hotfile\n")
        for one in (folder, *folder.rglob("*")):
            if os.geteuid() == 0 and one != pointer:
                os.chown(one, NOBODY, -1)
        pointer.chmod(0)
        with as_nobody():
            (finding,) = lists(settings, None)
    assert "Permission denied" in finding.found
    assert f"chown -R plateward {settings.unit.data}" in finding.do
    told = TroubleFact(sentence=f"{finding.found}; bring it on a USB stick", since=AT)
    refused, _ = lists(settings, make(troubles={"hot list state": told}))
    assert refused.do == finding.do


@pytest.mark.parametrize(
    ("source", "error_ms", "verdict"),
    [
        ("ntp", 20.0, "ok"),
        ("gps", 1000.0, "ok"),
        ("ntp", 3000.0, "warning"),
        ("system", None, "warning"),
        ("unset", None, "fail"),
    ],
)
def test_a_clock_is_judged_by_what_keeps_it(
    source: str, error_ms: float | None, verdict: str
) -> None:
    assert judge_clock(source, error_ms).verdict == verdict


def test_a_clock_in_another_century_is_told_first() -> None:
    for year in (1970, 2024, 2045, 2100):
        now = datetime(year, 6, 1, tzinfo=UTC)
        (finding,) = check_clock(None, lambda: 1.0, now)
        assert finding.verdict == "fail"
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert [one.verdict for one in check_clock(None, lambda: 1.0, now)] == ["ok"]
    assert [one.verdict for one in check_clock(None, lambda: None, now)] == ["warning"]
    assert [one.verdict for one in check_clock(make(), lambda: None, now)] == ["ok"]


def test_models_are_loaded_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    found = list(check_models(settings))
    assert {one.verdict for one in found} == {"ok"}
    assert len(found) == 3
    assert found[1].found == "it loads and reads a plate"  # and not which
    wrong = '[engine]\ndetector = "nobody"\n'
    unknown, *_ = check_models(settings_of(tmp_path, wrong))
    assert (unknown.verdict, "named 'nobody'" in unknown.found) == ("fail", True)
    assert unknown.do.startswith("correct [engine] in the settings")
    provided = '[engine]\nproviders = ["openvino", "cpu"]\n'
    *_, lacking = check_models(settings_of(tmp_path, provided))
    assert (lacking.check, lacking.verdict) == ("engine providers", "warning")
    assert "openvino is not in the installed onnxruntime" in lacking.found
    assert lacking.do.startswith("install onnxruntime-openvino in its place")
    gone = f'[engine]\nmodels = "{tmp_path / "gone.toml"}"\n'
    (manifest,) = check_models(settings_of(tmp_path, gone))
    assert "gone.toml is no manifest" in manifest.found
    assert manifest.do.startswith("install the product anew; if it is a model of your own")


def test_a_model_file_that_was_changed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = manifest_file().parent
    for file in shipped.glob("*"):
        if file.is_file():
            (tmp_path / file.name).symlink_to(file)
    changed = tmp_path / find_model(known_models(None), EngineSettings().reader).path.name
    content = changed.read_bytes()
    changed.unlink()
    changed.write_bytes(content + b"x")
    monkeypatch.setattr("edge.vision.manifest._CHECKOUT", tmp_path)
    found = list(check_models(settings_of(tmp_path)))
    assert [one.verdict for one in found] == ["ok", "fail", "ok"]
    assert "SHA-256" in found[1].found
    assert found[1].do.startswith("install")


def test_a_list_that_does_not_open_where_the_spool_does_not_either_is_blamed_on_the_key(
    tmp_path: Path,
) -> None:
    settings = settings_of(tmp_path, LIST)
    keys = load_keys(settings.unit.keys)
    folder = build_folder(settings, keys, load_confusables())
    built = folder.path_for("state", "1")
    built.parent.mkdir(parents=True)
    build_hotfile(
        [], facts=facts_of(0), confusables=folder.confusables, key=folder.key, target=built
    )
    folder.install("state", built)
    Spool.open(settings.unit.data / "spool", keys.spool_key, agency="a", unit="u").close()
    assert "version 1" in lists(settings, None)[0].found
    (settings.unit.keys / SPOOL_KEY).write_text("0f" * 32)
    (finding,) = lists(settings, None)
    assert (finding.verdict, "another key" in finding.found) == ("fail", True)
    assert "put back the spool.key" in finding.do
    # With no spool to ask, the list may as well be altered.
    (settings.unit.data / "spool" / "spool.sqlite").unlink()
    (finding,) = lists(settings, None)
    assert (finding.verdict, "was altered" in finding.found) == ("fail", True)


def test_what_the_repository_refuses_is_shown_from_the_daemons_status() -> None:
    refusals = Refusals()
    refusals.note(Refused("records", "bad_signature", "", 1, 2))
    trouble = TroubleFact(sentence=str(refusals.sentence), since=AT)
    found = {one.check: one for one in judge_daemon(make(troubles={"uplink refused": trouble}), ())}
    shown = found["daemon: uplink refused"]
    assert (shown.verdict, "bad_signature" in shown.found) == ("fail", True)
    assert shown.do.startswith("put the unit.key made at enrolment back")
