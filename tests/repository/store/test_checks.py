"""``db check`` finds each fault that is planted, by its name, and nothing in a sound database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, Executable, delete, insert, text, update

from edge.contract import records as r
from repository.store import extensions, migrate
from repository.store.checks.check import check, examine
from repository.store.checks.result import CheckResult
from repository.store.engine import open_engine, reading
from repository.store.tables.fleet import chains
from repository.store.tables.plates import plates
from repository.store.tables.reads import batches, hits, pictures, reads
from repository.store.tables.retention import hold_reads, holds
from tests.repository.people import CommandLine
from tests.repository.store.filled import FOLD, NOW, fill

Reads = list[r.Read]


@pytest.fixture
def made(engine: Engine) -> Reads:
    return fill(engine)


def look(connection: Connection, *, everything: bool = True) -> list[CheckResult]:
    found = examine(connection, today=NOW.date(), fold=FOLD, everything=everything)
    return [each for each in found if each.check != "permissions.no_superuser"]


def named(found: list[CheckResult]) -> list[str]:
    return [each.check for each in found]


def find_planted(
    engine: Engine, faults: Mapping[str, Sequence[Executable]]
) -> dict[str, list[CheckResult]]:
    """What is found of each fault, planted alone."""
    found = {}
    with engine.connect() as connection:
        for fault, statements in faults.items():
            for statement in statements:
                connection.execute(statement)
            found[fault] = look(connection)
            connection.rollback()
    return found


def test_a_sound_database_has_nothing_to_be_found(engine: Engine, made: Reads) -> None:
    assert made
    with reading(engine) as connection:
        assert look(connection) == []
        assert look(connection, everything=False) == []


PLANTED: dict[str, tuple[Executable, list[str]]] = {
    "an unknown unit": (
        update(reads).where(reads.c.seq == 3).values(unit_id=9),
        ["rows.unit_known", "pictures.have_read"],
    ),
    "an unknown agency": (update(hits).values(agency_id=9), ["rows.unit_known"]),
    "a picture without its read": (
        delete(reads).where(reads.c.seq == 2),
        ["pictures.have_read"],
    ),
    "a held read that is gone": (
        delete(reads).where(reads.c.seq == 1),
        ["pictures.have_read", "holds.have_read"],
    ),
    "a read's plate that the dictionary lacks": (
        delete(plates).where(plates.c.plate == "8OB0"),
        ["plates.complete"],
    ),
    "a hit's plate that the dictionary lacks": (
        update(hits).values(plate="OTHER"),
        ["plates.complete"],
    ),
    "a batch that is gone": (
        delete(batches).where(batches.c.first_seq == 1),
        ["batches.gapless"],
    ),
    "a batch on another root": (
        update(batches).where(batches.c.first_seq == 3).values(previous_root="1" * 64),
        ["batches.gapless"],
    ),
    "a last batch that is gone": (
        delete(batches).where(batches.c.first_seq == 3),
        ["chains.at_last_batch"],
    ),
    "a chain with another root": (
        update(chains).values(chain_root="1" * 64),
        ["chains.at_last_batch"],
    ),
    "a chain that is ahead": (
        update(chains).values(committed_through=5),
        ["chains.at_last_batch"],
    ),
    "a unit without a chain": (delete(chains), ["chains.at_last_batch"]),
    "another folded plate": (
        update(reads).where(reads.c.seq == 3).values(plate_folded="8OB0"),
        ["plates.folded"],
    ),
    "another plate than the record's": (
        update(reads).where(reads.c.seq == 1).values(plate="7XYZ", plate_folded=FOLD("7XYZ")),
        ["records.as_columns"],
    ),
    "another place than the record's": (
        update(reads).where(reads.c.seq == 2).values(latitude_deg=42.0),
        ["records.as_columns"],
    ),
    "a record that is none": (
        update(reads).where(reads.c.seq == 2).values(record=b"{}"),
        ["records.as_columns"],
    ),
}


def test_each_fault_of_the_rows_is_found(engine: Engine, made: Reads) -> None:
    found = find_planted(engine, {fault: [statement] for fault, (statement, _) in PLANTED.items()})
    assert {fault: named(results) for fault, results in found.items()} == {
        fault: checks for fault, (_, checks) in PLANTED.items()
    }
    every = [each for results in found.values() for each in results]
    assert all(each.severity == "wrong" and each.remedy for each in every)
    told = " ".join(each.detail + each.remedy for each in every)
    assert not [read.plate for read in made if read.plate in told]


def test_a_released_or_lapsed_hold_needs_no_reads(engine: Engine, made: Reads) -> None:
    assert made
    gone = [delete(table).where(table.c.seq == 1) for table in (pictures, reads)]
    found = find_planted(
        engine,
        {
            "standing": gone,
            "released": [*gone, update(holds).values(released_at=NOW)],
            "lapsed": [*gone, update(hold_reads).values(lapsed_at=NOW)],
        },
    )
    assert {which: named(results) for which, results in found.items()} == {
        "standing": ["holds.have_read"],
        "released": [],
        "lapsed": [],
    }


SCHEMA = {
    "DROP INDEX ix_reads_plate_captured_at": ["indexes.present"],
    "DROP INDEX ix_hits_plate_captured_at": ["indexes.present"],
    "ALTER TABLE units ADD COLUMN colour TEXT": ["schema.as_known"],
    "ALTER TABLE unit_status RENAME COLUMN software TO firmware": ["schema.as_known"] * 2,
    "DROP TABLE forwarded_pictures": ["schema.as_known"],
}


def test_each_fault_of_the_schema_is_found(engine: Engine, made: Reads) -> None:
    assert made
    found = find_planted(engine, {statement: [text(statement)] for statement in SCHEMA})
    assert {fault: named(results) for fault, results in found.items()} == SCHEMA


def test_a_missing_index_can_be_made_as_the_check_says(engine: Engine, made: Reads) -> None:
    assert made
    with engine.connect() as connection:
        connection.execute(text("DROP INDEX ix_reads_on_hotlist"))
        (found,) = look(connection)
        connection.execute(text(found.remedy.removeprefix("run: ")))
        assert look(connection) == []
        connection.rollback()


@pytest.mark.parametrize(
    "statement", ["UPDATE alembic_version SET version_num = '0004'", "DELETE FROM alembic_version"]
)
def test_another_schema_is_found_before_anything_else(sqlite_dsn: str, statement: str) -> None:
    engine = open_engine(sqlite_dsn)
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(statement))
    found = check(engine, today=NOW.date(), fold=FOLD, everything=True)
    engine.dispose()
    assert named(found) == ["schema.at_head"]


@pytest.fixture
def on_postgres(engine: Engine) -> Engine:
    if engine.dialect.name != "postgresql":
        pytest.skip("of PostgreSQL alone")
    fill(engine)
    return engine


POSTGRES = {
    "DROP TABLE reads_20260302": ["partitions.ahead"],
    "DROP TABLE pictures_20260303": ["partitions.ahead"],
    "ALTER TABLE reads DETACH PARTITION reads_20260307": ["partitions.attached"],
    "CREATE TABLE reads_20260201_kept (LIKE reads)": ["partitions.attached"],
    "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pk_agencies'::regclass": [
        "indexes.valid"
    ],
    "DROP INDEX ix_plates_trigrams": ["extensions.indexed"],
    "DROP EXTENSION pg_trgm CASCADE": ["extensions.installed"],
    "GRANT SELECT ON ledger_entries TO PUBLIC": ["permissions.not_public"],
    "CREATE POLICY trap ON reads USING (true)": ["permissions.nothing_laid_over"],
    "CREATE RULE trap AS ON DELETE TO reads_20260301 DO INSTEAD NOTHING": [
        "permissions.nothing_laid_over"
    ],
    "CREATE TRIGGER ledger_guard BEFORE INSERT ON reads FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()": ["permissions.nothing_laid_over"],
}


def test_each_fault_of_postgresql_is_found(on_postgres: Engine) -> None:
    found = find_planted(on_postgres, {statement: [text(statement)] for statement in POSTGRES})
    assert {fault: named(results) for fault, results in found.items()} == POSTGRES
    every = [each for results in found.values() for each in results]
    advice = {each.check for each in every if each.severity == "advice"}
    assert advice == {"extensions.installed"}


def test_what_the_databases_user_may_not_do_is_found(on_postgres: Engine) -> None:
    """Under a user that owns nothing and lacks one right."""
    user = f"clerk_{os.getpid()}"
    with on_postgres.begin() as connection:
        connection.execute(text(f"CREATE ROLE {user} LOGIN"))
        connection.execute(
            text(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {user}")
        )
        connection.execute(text(f"REVOKE INSERT ON ledger_entries FROM {user}"))
    clerk = open_engine(on_postgres.url.set(username=user).render_as_string())
    found = check(clerk, today=NOW.date(), fold=FOLD, everything=True)
    with on_postgres.begin() as connection:
        connection.execute(text(f"CREATE ROLE {user}_jobs"))
        connection.execute(text(f"GRANT {user}_jobs TO {user}"))
    of_one_part = check(clerk, today=NOW.date(), fold=FOLD, everything=True)
    clerk.dispose()
    with on_postgres.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {user}"))
        connection.execute(text(f"DROP ROLE {user}, {user}_jobs"))
    assert named(found) == ["permissions.enough"]
    assert "INSERT in ledger_entries" in found[0].detail
    assert [(each.check, each.severity) for each in of_one_part] == [
        ("permissions.by_owner", "advice")
    ]


def test_an_extension_that_comes_later_serves_after_the_next_upgrade(on_postgres: Engine) -> None:
    trigrams = extensions.PLATE_TRIGRAMS
    with on_postgres.begin() as connection:
        connection.execute(text("DROP EXTENSION pg_trgm CASCADE"))
        assert not extensions.is_ready(connection, trigrams)
        connection.execute(text("CREATE EXTENSION pg_trgm"))
        assert not extensions.is_ready(connection, trigrams)
        extensions.prepare(connection)
        assert extensions.is_ready(connection, trigrams)


@pytest.fixture
def on_sqlite(sqlite_dsn: str) -> Iterator[Engine]:
    engine = open_engine(sqlite_dsn)
    migrate.upgrade(engine)
    fill(engine)
    yield engine
    engine.dispose()


def test_modes_that_let_others_in_are_found(on_sqlite: Engine) -> None:
    path = Path(str(on_sqlite.url.database))
    with reading(on_sqlite) as connection:
        assert look(connection) == []
        path.chmod(0o640)
        assert named(look(connection)) == ["permissions.file_modes"]
        path.chmod(0o600)
        path.parent.chmod(0o770)
        assert named(look(connection)) == ["permissions.file_modes"]
        path.parent.chmod(0o700)


def test_a_damaged_sqlite_file_is_found(on_sqlite: Engine) -> None:
    """An index whose entries are not those of its rows."""
    with on_sqlite.begin() as connection:
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.exec_driver_sql(
            "UPDATE sqlite_schema SET sql = replace(sql, 'plate,', 'camera,') "
            "WHERE name = 'ix_reads_plate_captured_at'"
        )
    on_sqlite.dispose()
    with reading(on_sqlite) as connection:
        assert "indexes.valid" in named(look(connection))


def test_the_command_says_what_is_wrong_and_ends_so(command_line: CommandLine) -> None:
    sound = json.loads(command_line.ok("db", "check", "--json"))
    assert (sound["ok"], sound["findings"]) == (True, [])
    assert "the database answers" in command_line.ok("db", "check", "--all")
    engine = command_line.engine
    with engine.begin() as connection:
        connection.execute(insert(plates).values(plate="1ABC23"))
        connection.execute(text("DROP INDEX ix_hits_plate_captured_at"))
    engine.dispose()
    done = command_line.run("db", "check", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["ok"] is False
    assert [each["check"] for each in told["findings"]] == ["indexes.present"]
    plain = command_line.run("db", "check")
    assert plain.exit_code == 1
    assert plain.stdout.startswith("wrong: indexes.present: index ix_hits_plate_captured_at")


def test_a_database_that_is_behind_is_told_what_to_do(command_line: CommandLine) -> None:
    engine = command_line.engine
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    engine.dispose()
    done = command_line.run("db", "check")
    assert done.exit_code == 1
    assert "schema.at_head" in done.stdout
    assert "run `alpr-repository db upgrade`" in done.stdout
