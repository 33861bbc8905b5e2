"""Hits that officers acted on are held at once, with what was said of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from edge.contract.records import Disposition, encode_record
from repository.retention import holds
from repository.retention.holds_listing import show
from repository.store import locks
from repository.store.engine import reading
from repository.store.locks import Turn
from repository.store.tables.reads import unit_records
from tests.repository.retention.desk import (
    HOUR,
    NOW,
    Desk,
    hit_on,
)
from tests.repository.sender import Sender
from tests.repository.sightings import sight


def disposition(hit_id: uuid.UUID, **more: Any) -> dict[str, Any]:
    """What an officer said of a hit, as ingest has it in ``unit_records``."""
    fields: dict[str, Any] = {"hit": hit_id, "officer": "badge 7", "note": "", "case_number": None}
    common = Sender(unit="car-7", agency="salem-pd").common(NOW + HOUR)
    said = Disposition(**common | fields | more)
    return {
        "unit_id": 1,
        "captured_at": said.captured_at,
        "record_id": said.id,
        "agency_id": 1,
        "seq": said.seq,
        "type": "disposition",
        "hit_id": hit_id,
        "record": encode_record(said),
        "received_at": NOW + HOUR,
    }


def preserve(desk: Desk, *rows: Mapping[str, Any]) -> list[int]:
    with desk.engine.begin() as connection:
        locks.share(connection, Turn.RETENTION)
        return holds.preserve_acted_on(connection, 1, 1, rows, NOW + HOUR)


@pytest.mark.policy("M-C6")
@pytest.mark.policy("C-7b-i")
def test_a_hit_that_was_acted_on_is_preserved_at_once(desk: Desk) -> None:
    for outcome, case, kind in (
        ("arrest", "26-77", "arrest"),
        ("citation", None, "enforcement_action"),
        ("warning", None, "enforcement_action"),
        ("recovered", None, "enforcement_action"),
        ("no_action", "26-77", "enforcement_action"),
        ("misread", "26-77", "enforcement_action"),
        ("no_action", None, None),
        ("misread", None, None),
        ("not_current", None, None),
        ("other", None, None),
    ):
        read = sight(desk.engine, "1ABC20", NOW)
        hit_id = hit_on(desk.engine, read, NOW + timedelta(seconds=1))
        hit_on(desk.engine, sight(desk.engine, "1ABC20", NOW + HOUR), NOW + HOUR)
        said = disposition(hit_id, outcome=outcome, case_number=case)
        before = desk.held()
        placed = preserve(desk, said)
        assert preserve(desk, said) == []  # the same record once more
        if kind is None:
            assert (placed, desk.held()) == ([], before)
            continue
        assert desk.held() - before == {read}
        listed = desk.listed()[-1]
        assert (listed.id, listed.kind, listed.agency) == (placed[0], kind, "salem-pd")
        assert listed.case_number == (case or str(hit_id))
        assert listed.reason == f"outcome of the hit: {outcome}, said by badge 7"
        entry = desk.entry()
        assert (entry["action"], entry["actor"]["user_id"]) == ("hold.add", "system")
        later = disposition(hit_id, outcome="arrest", case_number="26-78")  # a second word on it
        assert len(preserve(desk, later)) == 1


def test_what_speaks_of_a_hit_that_is_not_here_holds_nothing(desk: Desk) -> None:
    assert preserve(desk, disposition(uuid.uuid4(), outcome="arrest")) == []


def test_what_officers_said_of_a_held_hit_is_found_by_its_hit(desk: Desk) -> None:
    read = sight(desk.engine, "1ABC20", NOW)
    hit_id = hit_on(desk.engine, read, NOW)
    said = disposition(hit_id, outcome="arrest")
    with desk.engine.begin() as connection:
        connection.execute(insert(unit_records).values(**said))
    (number,) = preserve(desk, said)
    with reading(desk.engine) as connection:
        found, _, held = show(connection, number)
    assert (found.hit_id, [each.read_id for each in held]) == (hit_id, [read])
