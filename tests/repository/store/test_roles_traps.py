"""What a part that was taken over could leave in the database for others to run as themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from repository.store.checks.check import check
from tests.repository.sightings import FOLD
from tests.repository.store.roles_site import NOW, Site
from tests.repository.store.roles_site import own_site as own_site

TRAP = (
    "CREATE TABLE caught (name text)",
    "GRANT INSERT ON caught TO public",
    "CREATE FUNCTION trap() RETURNS boolean LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO caught VALUES (current_user); RETURN true; END $$",
    "CREATE FUNCTION join_trap(text, name) RETURNS text LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO caught VALUES (current_user); RETURN $1; END $$",
    "CREATE OPERATOR || (LEFTARG = text, RIGHTARG = name, FUNCTION = join_trap)",
    "CREATE POLICY trap ON reads USING (trap())",
    "ALTER TABLE reads ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE reads FORCE ROW LEVEL SECURITY",
)


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("reader", ["web", "jobs", "owner"])
def test_nobody_who_reads_runs_what_another_part_laid_over_the_reads(
    own_site: Site, reader: str
) -> None:
    """Ingest owns the tables of reads, since it makes their days; so it may lay policies there."""
    with own_site.of("ingest").begin() as connection:
        for statement in TRAP:
            connection.execute(text(statement))
    assert "row-level security" in own_site.refused(reader, "SELECT count(*) FROM reads")
    found = check(own_site.of("owner"), today=NOW.date(), fold=FOLD, everything=False)
    assert [each.detail.partition(":")[0] for each in found] == [
        "function join_trap", "function trap", "policy trap on reads"
    ]  # fmt: skip
    with own_site.of("ingest").begin() as connection:
        connection.execute(text("ALTER TABLE reads NO FORCE ROW LEVEL SECURITY"))
        assert connection.execute(text("SELECT name FROM caught")).all() == []
