"""Who may do what to the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, text

from repository.store.checks.result import CheckResult
from repository.store.roles import ROLES

_OF_ONE_PART = text(
    "SELECT EXISTS (SELECT FROM pg_roles r JOIN pg_class c ON c.relname = 'units' "
    "AND c.relnamespace = CAST(current_schema() AS regnamespace) "
    "WHERE r.rolname ~ :roles AND pg_has_role(current_user, r.oid, 'MEMBER') "
    "AND NOT pg_has_role(current_user, c.relowner, 'MEMBER'))"
)
# Row-level policies, triggers and rules, and functions of another owner than the tables', that
# belong to no extension; the guards of the ledger are on tables which no part owns. Asked with the
# system's own schema alone in reach, since operators may be laid over these questions too.
_LAID_OVER = text(
    "WITH own AS (SELECT c.oid, relname, relowner FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = :schema) "
    "SELECT 'policy ' || polname || ' on ' || relname "
    "FROM pg_policy JOIN own ON own.oid = polrelid "
    "UNION ALL "
    "SELECT 'trigger ' || tgname || ' on ' || relname "
    "FROM pg_trigger JOIN own ON own.oid = tgrelid "
    "WHERE NOT tgisinternal AND tgparentid = 0 AND NOT starts_with(relname, 'ledger_') "
    "UNION ALL "
    "SELECT 'rule ' || rulename || ' on ' || relname "
    "FROM pg_rewrite JOIN own ON own.oid = ev_class "
    "WHERE rulename <> '_RETURN' "
    "UNION ALL "
    "SELECT 'function ' || proname "
    "FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace AND nspname = :schema "
    "WHERE proowner <> (SELECT relowner FROM own WHERE relname = 'units') "
    "AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = p.oid AND deptype = 'e') "
    "ORDER BY 1"
)
_REACH = text("SELECT current_schema(), current_setting('search_path')")
_SET_REACH = text("SELECT set_config('search_path', :path, true)")
_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")


def check_laid_over(connection: Connection) -> Iterator[CheckResult]:
    """Whether somebody put into the database what others would run as themselves."""
    if connection.dialect.name != "postgresql":
        return
    schema, path = connection.execute(_REACH).one()
    connection.execute(_SET_REACH, {"path": "pg_catalog"})
    names = connection.scalars(_LAID_OVER, {"schema": schema}).all()
    connection.execute(_SET_REACH, {"path": path})
    for name in names:
        yield CheckResult(
            "permissions.nothing_laid_over",
            f"{name}: it is not the repository's, and others would run it with their own rights",
            "find out who made it; as the tables' owner DROP it, then run this again",
        )


def check_permissions(connection: Connection) -> Iterator[CheckResult]:
    """Whether the repository may do what it needs to, and nobody else anything."""
    if connection.dialect.name == "postgresql":
        yield from _rights(connection)
    else:
        yield from _modes(Path(str(connection.engine.url.database)))


def _rights(connection: Connection) -> Iterator[CheckResult]:
    if connection.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")):
        yield CheckResult(
            "permissions.no_superuser",
            "the repository's database user is a superuser",
            "give it a user of its own that owns the database and has no more rights: "
            "see deploy/README.md",
            severity="advice",
        )
    to_all = text(
        "SELECT DISTINCT c.relname FROM pg_class c CROSS JOIN aclexplode(c.relacl) AS a "
        "WHERE c.relnamespace = CAST(current_schema() AS regnamespace) "
        "AND c.relkind IN ('r', 'p', 'S') AND a.grantee = 0 ORDER BY 1"
    )
    for name in connection.scalars(to_all):
        yield CheckResult(
            "permissions.not_public",
            f"every user of the server may use {name}",
            f"run: REVOKE ALL ON {name} FROM PUBLIC",
        )
    if connection.scalar(_OF_ONE_PART, {"roles": f"_({'|'.join(ROLES)})$"}):
        yield CheckResult(
            "permissions.by_owner",
            "the repository's database user has the role of one part alone: what it lacks is meant",
            "run this as the tables' owner to have everything looked at",
            severity="advice",
        )
        return
    tables = text(
        "SELECT c.relname, r.right_name FROM pg_class c "
        "CROSS JOIN unnest(CAST(:rights AS text[])) AS r(right_name) "
        "WHERE c.relkind IN ('r', 'p') "
        "AND c.relnamespace = CAST(current_schema() AS regnamespace) "
        "AND NOT has_table_privilege(c.oid, r.right_name) ORDER BY 1, 2"
    )
    for name, right in connection.execute(tables, {"rights": list(_RIGHTS)}):
        yield CheckResult(
            "permissions.enough",
            f"the repository's database user may not {right} in {name}",
            f"as the owner run: GRANT {right} ON {name} TO the repository's user",
        )


def _modes(database: Path) -> Iterator[CheckResult]:
    for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm"))):
        if path.exists() and path.stat().st_mode & 0o077:
            yield CheckResult(
                "permissions.file_modes",
                f"other users of this machine can read {path}",
                f"run: chmod 600 {path}",
            )
    if database.parent.stat().st_mode & 0o022:
        yield CheckResult(
            "permissions.file_modes",
            f"other users of this machine can change what lies in {database.parent}",
            f"run: chmod 700 {database.parent}",
        )
