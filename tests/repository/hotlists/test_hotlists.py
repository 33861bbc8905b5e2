"""A list from CSV to a signed version that a unit would take, or refused by line and column."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from alembic import command
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, text

from edge.contract.hotlist import (
    apply_delta,
    decode_delta,
    decode_list,
    encode_list,
    verify_list,
    verify_manifest,
)
from repository.hotlists import files, versions
from repository.hotlists.table import HotlistError, read_table
from repository.ledger import log
from repository.ledger.entry import SYSTEM
from repository.store import migrate
from repository.store.engine import open_engine, reading
from repository.units.requests import KnownUnit
from tests.repository import listing
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


def test_a_file_of_many_parts_and_the_delta_to_it_are_handed_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 1000)
    Sender().enrol(engine, NOW)
    old, new = listing.entries(40), listing.entries(41, first=3)
    for some in (old, new):
        listing.issue(engine, some, NOW, AGENCY)
    lists = listing.Rooms.over(engine, lambda: NOW).hotlists
    unit = KnownUnit(AGENCY, "car-12")
    whole, issued = encode_list(new), lists.find(unit, listing.LIST, 2)
    assert (issued.size_bytes, issued.entries) == (len(whole), 41)
    for start, end in ((0, len(whole)), (999, 1001), (1000, 2000), (1500, len(whole))):
        pieces = list(lists.pieces(unit, listing.LIST, issued, start, end))
        assert b"".join(pieces) == whole[start:end]
    delta = decode_delta(lists.delta(unit, listing.LIST, 2))
    assert apply_delta(old, listing.LIST, 1, delta) == tuple(new)
    for wrong in ((KnownUnit("boston-pd", "car-1"), 2), (unit, 3)):
        with pytest.raises(versions.UnknownListError):
            lists.find(wrong[0], listing.LIST, wrong[1])
    with pytest.raises(versions.UnknownListError, match="no delta to version 1"):
        lists.delta(unit, listing.LIST, 1)


def test_files_of_before_are_cut_into_parts_and_read_as_they_were(dsn: str) -> None:
    opened = open_engine(dsn)
    body = encode_list(listing.entries(9000))
    with opened.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement, values in (
            ("INSERT INTO agencies (id, name, title, created_at) VALUES (1, :a, 'A', :at)", {}),
            ("INSERT INTO hotlists (id, agency_id, name, created_at) VALUES (1, 1, 'l', :at)", {}),
            (
                "INSERT INTO hotlist_versions (hotlist_id, version, issued_at, imported_at, "
                "entries, sha256, body, manifest) VALUES (1, 7, :at, :at, 9000, '', :body, '')",
                {"body": body},
            ),
        ):
            connection.execute(text(statement), {"a": AGENCY, "at": NOW, **values})
    migrate.upgrade(opened)
    with reading(opened) as connection:
        assert b"".join(files.read(connection, 1, 7, len(body))) == body
        with pytest.raises(HotlistError, match="part 2 of its file is missing"):
            files.read_part(connection, 1, 7, 2)
    opened.dispose()
