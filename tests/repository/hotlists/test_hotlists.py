"""A list from CSV to a signed version that a unit would take, or refused by line and column."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from edge.contract.hotlist import decode_list, verify_list, verify_manifest
from repository.hotlists import versions
from repository.hotlists.table import HotlistError, read_table
from repository.ledger import log
from repository.ledger.entry import SYSTEM
from repository.store.engine import reading
from tests.repository.sender import AGENCY, Sender

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CSV = b"""entry,plate,state,kind,priority,expires,note
A1,1abc 23,MA,stolen_vehicle,1,2026-04-01,Blue sedan
A2,XYZ-9,,,,2026-04-01T09:00:00-05:00,
"""


def issue(engine: Engine, key: Ed25519PrivateKey, csv: bytes = CSV) -> int:
    with engine.begin() as connection:
        manifest = versions.issue(
            connection,
            agency=AGENCY,
            name="stolen",
            entries=read_table(csv),
            private_key=key,
            actor=SYSTEM,
            origin="test",
            now=NOW,
        )
    return manifest.list.version


def test_a_table_gives_its_entries() -> None:
    first, second = read_table(CSV)
    assert (first.plate, first.state, first.kind, first.priority) == (
        "1ABC23", "MA", "stolen_vehicle", 1,
    )  # fmt: skip
    assert first.expires == datetime(2026, 4, 1, 23, 59, 59, 999999, tzinfo=UTC)
    assert (second.plate, second.state, second.kind, second.priority) == ("XYZ9", None, "other", 3)
    assert second.expires == datetime(2026, 4, 1, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("csv", "said"),
    [
        (b"", "line 1: has no column 'entry'"),
        (b"entry\n", "line 1: has no column 'plate'"),
        (b"entry,plate,colour\n", "line 1: column 'colour' is none"),
        (b"entry,plate,plate\n", "line 1: has column 'plate' twice"),
        (b"entry,plate\na,ABC\nb\n", "line 3: has more or fewer columns"),
        (b"entry,plate\na,ABC,x\n", "line 2: has more or fewer columns"),
        (b"entry,plate\na,---\n", r"line 2: .*plate"),
        (b"entry,plate,kind\na,ABC,nice\n", r"line 2: .*kind"),
        (b"entry,plate,state\na,ABC,Mass\n", r"line 2: .*state"),
        (b"entry,plate,priority\na,ABC,9\n", r"line 2: .*priority"),
        (b"entry,plate,priority\na,ABC,-1\n", "line 2: priority: needs 1"),
        (b"entry,plate,expires\na,ABC,soon\n", "line 2: expires: needs a date"),
        (b"entry,plate,expires\na,ABC,2026-03-01T09:00:00\n", "line 2: expires: needs a date"),
        (b"entry,plate,entered,expires\na,ABC,2026-03-02,2026-03-01\n", "line 2: .*expires"),
        (b'entry,plate\na,"ABC\n', "line 2: not CSV"),
        (b"entry,plate\na,\xff\n", "byte 14: not UTF-8"),
    ],
)
def test_a_line_that_makes_no_entry_refuses_the_file(csv: bytes, said: str) -> None:
    with pytest.raises(HotlistError, match=said):
        read_table(csv)


def test_versions_rise_and_units_can_verify_them(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    key = Ed25519PrivateKey.generate()
    assert [issue(engine, key), issue(engine, key, CSV + b"A3,NEW1,,,,,\n")] == [1, 2]
    with reading(engine) as connection:
        newest = versions.newest(connection, AGENCY, "stolen")
        body = b"".join(newest.file(connection))
        recorded = [row.action for row in log.rows(connection)]
    manifest = verify_manifest(newest.manifest, key.public_key())
    assert (manifest.list.version, manifest.previous_version) == (2, 1)
    assert verify_list(body, manifest.list) == decode_list(body)
    assert [each.entry for each in decode_list(body)] == ["A1", "A2", "A3"]
    assert recorded == ["hotlist.issue", "hotlist.issue"]


def test_an_id_twice_or_an_unknown_agency_issues_nothing(engine: Engine) -> None:
    key = Ed25519PrivateKey.generate()
    with pytest.raises(HotlistError, match="agency northfield-pd: not known"):
        issue(engine, key)
    Sender().enrol(engine, NOW)
    with pytest.raises(HotlistError, match="'A1': is in the list twice"):
        issue(engine, key, CSV + b"A1,NEW1,,,,,\n")
    with reading(engine) as connection, pytest.raises(HotlistError, match="not known"):
        versions.newest(connection, AGENCY, "stolen")
