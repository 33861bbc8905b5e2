"""Samples drawn from a real ledger, by a checkpoint that comes after the audit was opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from repository.accounts.roles import Role
from repository.audits import drawing, records
from repository.audits.errors import AuditError
from repository.audits.sampling import draw, seed_of
from repository.store.engine import reading
from repository.store.tables.audits import audits
from repository.store.tables.ledger import ledger_checkpoints, ledger_entries
from repository.units.findings import list_findings
from tests.repository.audits.office import FEBRUARY, Office
from tests.repository.people import recorded

MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def started(office: Office) -> tuple[int, list[int]]:
    """An audit of February over eight searches, and the indexes of these."""
    officer = office.hire("jdoe", Role.OFFICER)
    other = office.hire("roe", Role.OFFICER, agency="boston-pd")
    head = office.hire("chief", Role.AGENCY_HEAD)
    office.search(officer, MARCH)  # after the period
    found = []
    for number in range(8):
        office.search(other, FEBRUARY)
        found.append(office.search(officer, FEBRUARY + timedelta(hours=number)))
        office.search(officer, FEBRUARY, outcome="refused")
    office.record("picture.show", officer, FEBRUARY, {})
    start, end = datetime(2026, 2, 1, tzinfo=UTC), MARCH
    number = office.desk.start(head, "salem-pd", start, end, "a complaint", "here")
    return number, found


@pytest.mark.policy("F-audit")
def test_a_sample_is_drawn_by_the_first_checkpoint_that_covers_the_opening(
    office: Office,
) -> None:
    office.record("jobs.tick", office.hire("moe"), FEBRUARY, {})
    office.signer.sign_checkpoint()  # known to whoever opens the audit: not this one
    number, searched = started(office)
    assert drawing.draw_due(office.engine, 3, office.clock()) == []
    office.signer.sign_checkpoint()
    office.search(office.hire("late"), FEBRUARY)  # of that time, but not covered
    assert drawing.draw_due(office.engine, 3, office.clock()) == [number]
    with reading(office.engine) as connection:
        audit = records.find(connection, number)
        assert audit is not None
        samples = records.samples(connection, number)
        counts = {
            (each.name, each.action): each.number
            for each in records.whole(connection, audit).counts
        }
        query = select(ledger_checkpoints.c.size, ledger_checkpoints.c.root)
        _known, (size, root) = connection.execute(query.order_by("size")).all()
    assert audit.opened_index is not None
    assert size > audit.opened_index
    seed = seed_of(number, size, root.hex())
    assert (audit.seed, audit.checkpoint_size, audit.searches) == (seed, size, 8)
    assert [each.ledger_index for each in samples] == draw(seed, searched, 3)
    assert counts == {
        ("Officer jdoe", "search.run"): 16,
        ("Officer jdoe", "picture.show"): 1,
        ("Officer moe", "jobs.tick"): 1,
    }
    entry = recorded(office.engine)[-1]
    assert (entry["action"], entry["count"]) == ("audits.draw", 3)
    assert entry["request"]["seed"] == seed
    office.signer.sign_checkpoint()
    assert drawing.draw_due(office.engine, 3, office.clock()) == []


def test_the_same_searches_give_another_sample_under_another_checkpoint(
    small_office: Office,
) -> None:
    number, searched = started(small_office)
    small_office.sign_and_draw()
    with reading(small_office.engine) as connection:
        audit = records.find(connection, number)
    assert audit is not None
    assert audit.seed is not None
    others = {tuple(draw(seed_of(number, each, "00" * 32), searched, 3)) for each in range(40)}
    assert len(others) > 20


@pytest.mark.policy("F-audit")
@pytest.mark.policy("C-4c")
def test_drawing_again_finds_a_search_that_somebody_took_out_and_a_seed_that_was_chosen(
    small_office: Office,
) -> None:
    office = small_office
    auditor = office.hire("kmiles", Role.AUDITOR)
    number, _searched = started(office)
    with pytest.raises(AuditError, match="drawn once"):
        office.desk.drawn_again(auditor, number, "here")
    office.sign_and_draw()
    assert office.desk.drawn_again(auditor, number, "here")
    with reading(office.engine) as connection:
        first = records.samples(connection, number)[0].ledger_index
    with office.engine.begin() as connection:
        kept = connection.execute(
            select(ledger_entries).where(ledger_entries.c.entry_index == first)
        ).one()
        connection.execute(delete(ledger_entries).where(ledger_entries.c.entry_index == first))
    assert not office.desk.drawn_again(auditor, number, "here")
    with office.engine.begin() as connection:
        connection.execute(ledger_entries.insert().values(kept._asdict()))
        connection.execute(update(audits).values(seed="0" * 64))
    with pytest.raises(AuditError, match="not what the ledger's checkpoint gives"):
        office.desk.drawn_again(auditor, number, "here")


def test_a_changed_entry_is_not_audited_as_if_it_were_true(small_office: Office) -> None:
    number, searched = started(small_office)
    other = small_office.hire("poe", Role.AGENCY_HEAD, agency="boston-pd")
    start, end = datetime(2026, 2, 1, tzinfo=UTC), MARCH
    sound = small_office.desk.start(other, "boston-pd", start, end, "a tip", "here")
    with small_office.engine.begin() as connection:
        connection.execute(
            update(ledger_entries)
            .where(ledger_entries.c.entry_index == searched[0])
            .values(body=b"{}")
        )
    with small_office.engine.begin() as connection:  # past the checkpoint's own refusal
        row = {"size": 900, "root": b"r" * 32, "frontier": b"", "note": "", "issued_at": MARCH}
        connection.execute(ledger_checkpoints.insert().values(row))
    assert drawing.draw_due(small_office.engine, 3, small_office.clock()) == [sound]
    with reading(small_office.engine) as connection:
        (said,) = list_findings(connection)
    assert said.kind == "audit_not_drawn"
    assert f"audit {number}: no sample" in said.detail
    assert f"entry {searched[0]} of the ledger is not what was recorded" in said.detail
