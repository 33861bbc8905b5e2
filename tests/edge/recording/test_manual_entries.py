"""A plate entered by hand makes a record that travels."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.contract.plates import Confusables
from edge.contract.records import Engine, ManualEntry, decode_record, encode_record
from edge.hotfile.local import LocalList
from edge.pipeline import Identity
from edge.recording.manual_entries import manual_entry_draft
from tests.edge.instants import instant

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@pytest.mark.policy("M-E4")
def test_every_change_makes_a_record_of_who_did_what_and_why(tmp_path: Path) -> None:
    local = LocalList(tmp_path / "entries", b"k" * 32, Confusables.of(("0O",)))
    entered = local.enter(
        plate="1ABC23",
        state="MA",
        kind="amber_alert",
        priority=1,
        reason="child taken",
        officer="Reed",
        authorized_by="Sgt. Ames",
        expires=NOW.replace(day=2),
        now=NOW,
    )
    local.apply(entered)
    name = entered.entry.entry
    checked = local.check(name, checked_by="Stone")
    local.apply(checked)
    ended = local.end(name, officer="Hall", reason="child found")
    records = []
    for seq, change in enumerate((entered, checked, ended), start=1):
        draft = manual_entry_draft(
            change,
            identity=Identity("northampton-pd", "car-12", Engine(software="test", models=())),
            at=instant(NOW),
            random_bytes=os.urandom,
        )
        (build,) = draft.builders
        record = decode_record(encode_record(build(seq)))
        assert isinstance(record, ManualEntry)
        records.append(record)
    assert [one.action for one in records] == ["enter", "update", "end"]
    assert [one.officer for one in records] == ["Reed", "Reed", "Hall"]
    assert [one.checked_by for one in records] == [None, "Stone", None]
    assert [one.reason for one in records] == ["child taken", "child taken", "child found"]
    assert {(one.entry, one.plate, one.state, one.kind) for one in records} == {
        (name, "1ABC23", "MA", "amber_alert")
    }
    assert {one.authorized_by for one in records} == {"Sgt. Ames"}
    assert records[0].expires == NOW.replace(day=2)
