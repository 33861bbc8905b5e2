"""A store that was filled before rules of agencies and wider holds were kept goes on as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from alembic import command
from sqlalchemy import text

from repository.retention.duties import Duties
from repository.retention.holds_listing import Filter, list_holds, naming
from repository.retention.rules import shipped_rule
from repository.store import migrate
from repository.store.engine import open_engine, reading
from tests.repository.sightings import RULE, add_units

PLACED = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ = UUID("0195f3a2-7c1b-7def-8a01-23456789abcd")


def test_a_hold_of_before_stands_as_one_on_single_reads(dsn: str) -> None:
    engine = open_engine(dsn)
    with engine.begin() as connection:
        config = migrate._config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        at, read = "2026-03-01 12:00:00+00", str(READ)
        if connection.dialect.name == "sqlite":
            at, read = "2026-03-01 12:00:00.000000", READ.hex
        values = {"at": at, "read": read}
        for statement in (
            "INSERT INTO agencies (id, name, title, created_at) VALUES (1, 'salem-pd', 'S', :at)",
            "INSERT INTO holds (id, agency_id, case_number, kind, reason, placed_by, "
            "placed_by_name, placed_at) VALUES (1, 1, '24-1', 'arrest', 'why', 'u', 'Jane', :at)",
            "INSERT INTO hold_reads (hold_id, unit_id, captured_at, read_id) "
            "VALUES (1, 1, :at, :read)",
        ):
            connection.execute(text(statement), values)
    migrate.upgrade(engine)
    add_units(engine, PLACED, agencies=[1])
    with reading(engine) as connection:
        (hold,) = list_holds(connection, Filter())
        assert (hold.scope, hold.reads, hold.released_at) == ("reads", 1, None)
        assert [each.hold for each in naming(connection, READ, PLACED)] == [hold]
        assert Duties.load(connection, RULE, shipped_rule).rule_of(1) is RULE
    engine.dispose()
