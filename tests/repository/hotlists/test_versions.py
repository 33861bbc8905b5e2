"""Versions rise, units can verify them, deltas lead from one to the next, and old ones go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select, text, update

from edge.contract.hotlist import (
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    decode_delta,
    verify_manifest,
)
from repository.hotlists import fetches, files, lines, pruning, sources, versions
from repository.hotlists.deltas import Gathered
from repository.hotlists.errors import HotlistError, UnknownListError
from repository.hotlists.publish import Publisher
from repository.ledger import log
from repository.ledger.entry import SYSTEM
from repository.store import migrate
from repository.store.engine import open_engine, reading
from repository.store.tables.fleet import unit_status
from repository.store.tables.hotlists import hotlist_versions
from repository.units.requests import KnownUnit
from tests.repository import listing
from tests.repository.sender import AGENCY, Sender
from tests.whole_lists import apply_delta, decode_list, encode_list, verify_list

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def issue(engine: Engine, some: Sequence[HotlistEntry], at: datetime = NOW) -> HotlistManifest:
    return listing.issue(engine, some, at, AGENCY)


def test_versions_rise_and_units_can_verify_them(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    issue(engine, listing.entries(2))
    issue(engine, listing.entries(3))
    with reading(engine) as connection:
        newest = versions.newest(connection, AGENCY, listing.LIST)
        body = b"".join(newest.file(connection))
        recorded = [row.action for row in log.rows(connection)]
    manifest = verify_manifest(newest.manifest, listing.SIGNER.public_key())
    assert (manifest.list.version, manifest.previous_version) == (2, 1)
    assert verify_list(body, manifest.list) == tuple(listing.entries(3))
    assert recorded == ["hotlist.issue", "hotlist.issue"]


def test_an_id_twice_or_an_unknown_agency_issues_nothing(engine: Engine) -> None:
    with pytest.raises(HotlistError, match="agency northfield-pd: not known"):
        issue(engine, listing.entries(2))
    Sender().enrol(engine, NOW)
    with pytest.raises(HotlistError, match="'E0000000': is in the list twice"):
        issue(engine, listing.entries(2) + listing.entries(1))
    with reading(engine) as connection, pytest.raises(UnknownListError, match="not known"):
        versions.newest(connection, AGENCY, listing.LIST)


def test_a_file_of_many_parts_and_the_delta_to_it_are_handed_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 1000)
    Sender().enrol(engine, NOW)
    old, new = listing.entries(40), listing.entries(41, first=3)
    for some in (old, new):
        issue(engine, some)
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
        with pytest.raises(UnknownListError):
            lists.find(wrong[0], listing.LIST, wrong[1])
    with pytest.raises(UnknownListError, match="no delta to version 1"):
        lists.delta(unit, listing.LIST, 1)


_ids = st.sets(st.sampled_from([entry.entry for entry in listing.entries(30)]))


@given(before=_ids, after=_ids, changed=_ids, cut=st.integers(1, 400))
def test_a_delta_makes_the_newer_list_of_the_older_wherever_files_are_cut(
    before: set[str], after: set[str], changed: set[str], cut: int
) -> None:
    old = [each for each in listing.entries(30) if each.entry in before]
    new = [
        each
        for one, other in zip(listing.entries(30), listing.entries(30, note="new"), strict=True)
        for each in [other if one.entry in changed else one]
        if each.entry in after
    ]
    whole = encode_list(old)
    pieces = [whole[start : start + cut] for start in range(0, len(whole), cut)]
    gathered = Gathered(1 << 20)
    passed = b"".join(
        line.raw for line in gathered.compare(lines.split(pieces), lines.of_entries(new))
    )
    assert passed == encode_list(new)
    described = HotlistVersion(
        name="stolen",
        version=2,
        issued_at=NOW,
        entries=len(new),
        sha256="0" * 64,
        size_bytes=10 * len(passed) + 1000,
    )
    delta = gathered.delta(1, described)
    assert delta is not None
    assert encode_list(apply_delta(old, "stolen", 1, decode_delta(delta))) == passed
    added = {each.entry for each in decode_delta(delta).added}
    assert added == {each.entry for each in new if each not in old}


def test_a_version_is_never_dated_before_the_one_it_follows(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    issue(engine, listing.entries(1))
    earlier = issue(engine, listing.entries(2), NOW - timedelta(days=1))
    assert (earlier.list.version, earlier.list.issued_at) == (2, NOW)


def hears_of(engine: Engine, unit_id: int, version: str, at: datetime) -> None:
    """The unit's status, as ingest would have stored it."""
    health = {"hotlists": [{"name": listing.LIST, "version": version}]}
    with engine.begin() as connection:
        connection.execute(unit_status.delete().where(unit_status.c.unit_id == unit_id))
        connection.execute(
            insert(unit_status).values(
                unit_id=unit_id, state="online", at=at, software="x", waiting_records=0,
                received_at=at, health=health, health_at=at,
            )
        )  # fmt: skip


def kept(engine: Engine) -> list[int]:
    row = hotlist_versions.c
    with reading(engine) as connection:
        query = select(row.version).where(row.pruned_at.is_(None)).order_by(row.version)
        return list(connection.scalars(query))


def test_old_versions_are_pruned_save_those_that_units_use(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    Sender(unit="car-13").enrol(engine, NOW)
    Sender(unit="car-14").enrol(engine, NOW)
    hears_of(engine, 1, "2", NOW)
    with engine.begin() as connection:
        key = versions.lock_list(connection, AGENCY, listing.LIST, make_at=NOW)
    for number in range(1, 9):
        issue(engine, listing.entries(20 + number))
    with engine.begin() as connection:
        fetches.keep(connection, KnownUnit(AGENCY, "car-13"), listing.LIST, 4, NOW)
        pruning.prune(connection, key, 2, NOW)
    assert kept(engine) == [2, 4, 7, 8]
    with reading(engine) as connection:
        for version in (2, 4, 7, 8):
            found = versions.find(connection, AGENCY, listing.LIST, version)
            assert len(decode_list(b"".join(found.file(connection)))) == 20 + version
        with pytest.raises(UnknownListError, match="version 3 is no longer kept"):
            versions.find(connection, AGENCY, listing.LIST, 3)
        for version in range(3, 9):  # the way from the oldest in use to the newest
            assert versions.find_delta(connection, AGENCY, listing.LIST, version)
    with engine.begin() as connection:
        pruning.prune(connection, key, 2, NOW + pruning.IN_USE)
    assert kept(engine) == [7, 8]
    with reading(engine) as connection, pytest.raises(UnknownListError, match="no delta"):
        versions.find_delta(connection, AGENCY, listing.LIST, 5)


def test_files_of_before_are_cut_into_parts_and_become_the_lists_source(dsn: str) -> None:
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
    with opened.begin() as connection:
        assert b"".join(files.of_version(1, 7).read(connection, len(body))) == body
        with pytest.raises(HotlistError, match="part 2 of a hot list's file is missing"):
            files.of_version(1, 7).read_part(connection, 2)
        (source,) = sources.of_list(connection, 1)
        assert (source.name, source.owner, source.entries, source.size_bytes) == (
            "l", "A", 9000, len(body),
        )  # fmt: skip
        manifest = listing.manifest(AGENCY, "l", 7, body, NOW)
        connection.execute(update(hotlist_versions).values(manifest=manifest))
        key = versions.lock_list(connection, AGENCY, "l")
        issued = Publisher(listing.SIGNER, 5).publish(
            connection, key, actor=SYSTEM, origin="test", now=NOW + timedelta(days=1)
        )
    assert (issued.list.version, issued.list.entries, issued.list.issued_at) == (8, 9000, NOW)
    opened.dispose()
