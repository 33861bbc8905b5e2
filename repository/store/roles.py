"""Roles of the database on PostgreSQL, each with what its part of the repository needs.

They are groups, without a password and without sign-in: a user of the database is made a member of
one. The owner of the tables migrates, and keeps every right:

- ``ingest`` writes what units send; ``jobs`` purges, signs the ledger and serves the command line;
  ``web`` answers people and units; ``ledger`` reads the ledger alone, and appends to it, since
  each report and proof that it gives is itself an entry.
- ``accounts`` alone reads and writes passwords and sessions, over a connection of its own
  (`accounts_database` in the settings): no query that a search makes can reach them.
- ``days`` owns the tables that have partitions, for who makes and drops these.

Whoever appends to the ledger must write its state and tiles too. What guards them are triggers
(`GUARDS`): for everybody but the owner, an entry stands where the state says, the state moves on by
that entry alone, and a tile holds what the entries give. Nobody else can turn the ledger back, and
neither entries nor checkpoints can be changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, Table

from repository.errors import RepositoryError
from repository.store.partitions import PARTITIONED, days, partition_name
from repository.store.roles_guards import GUARDS
from repository.store.tables import metadata, signing_in
from repository.store.tables.accounts import sign_in_failures, users
from repository.store.tables.sessions import (
    api_tokens,
    oidc_sign_ins,
    oidc_subjects,
    sessions,
    shared_uses,
)

DEFAULT_PREFIX = "plateward"
ROLES = ("accounts", "days", "ingest", "jobs", "ledger", "web")

_READ, _ADD, _CHANGE, _ALL = (
    "SELECT",
    "SELECT, INSERT",
    "SELECT, INSERT, UPDATE",
    "SELECT, INSERT, UPDATE, DELETE",
)
_SECRET_COLUMNS = ("password_hash",)
_ACCOUNTS = {
    table.name
    for table in (
        users, sessions, sign_in_failures, shared_uses, api_tokens, oidc_sign_ins,
        oidc_subjects, *signing_in.TABLES,
    )
}  # fmt: skip
_LEDGER = tuple(sorted(name for name in metadata.tables if name.startswith("ledger_")))
_APPEND = {
    "ledger_entries": _ADD,
    "ledger_state": "SELECT, UPDATE",
    "ledger_tiles": _CHANGE,
}
_KEEP = _APPEND | {"ledger_checkpoints": _ADD, "ledger_witnesses": _ALL}

_WRITES: Mapping[str, Mapping[str, str]] = {
    "accounts": _APPEND
    | dict.fromkeys(_ACCOUNTS, _ALL)
    | {"users": _CHANGE, "agencies": _READ, "units": _READ, "api_tokens": _CHANGE}
    | {"acknowledgements": _ADD, "acknowledgement_words": _ADD}
    | {"agreements": _READ, "agreement_dues": _READ}
    | dict.fromkeys(
        (
            "bulletins", "findings", "login_requests", "search_approvals", "trainings",
            "user_reviews", "user_review_lines",
        ),
        _CHANGE,
    )
    | {"bulletin_readings": _ADD},
    "ingest": _APPEND
    | dict.fromkeys(
        (
            "batches", "chains", "clock_watch", "error_reports", "findings", "former_unit_keys",
            "held_picture_keys", "hits", "hold_reads", "holds", "ingest_consumers",
            "monthly_counts", "picture_keys", "plates", "quarantine", "quarantine_budgets",
            "read_corrections", "unit_records", "unit_status", "units",
        ),
        _ALL,
    ),
    "web": _APPEND
    | dict.fromkeys(
        (
            "cases", "case_searches", "case_search_reads", "hotlists", "hotlist_entries",
            "hotlist_fetches", "hotlist_withdrawals", "findings",
            "agreement_dues", "deployments", "misuse_reports", "repair_sources",
            "representatives", "upkeep_plans",
            "search_approvals", "search_requests", "search_reviews",
            "audits", "audit_findings", "audit_samples", "face_requests",
        ),
        _CHANGE,
    )
    | dict.fromkeys(("search_runs", "read_confirmations"), _ADD)
    | dict.fromkeys(("policy_reviews", "unit_log"), _ADD)
    | {"case_events": _ADD, "holds": "SELECT, UPDATE"}
    | dict.fromkeys(
        ("hotlist_parts", "hotlist_source_parts", "hotlist_sources", "hotlist_versions"), _ALL
    )
    | dict.fromkeys(("audit_counts", "audit_papers"), _ADD)
    | {"private_plates": _ALL},
    "jobs": {
        name: _ALL
        for name in metadata.tables
        if name not in _ACCOUNTS and not name.startswith("ledger_")
    }
    | dict.fromkeys(("agreements", "case_events", "papers", "policy_reviews", "unit_log"), _ADD)
    | _KEEP
    | {"sessions": "SELECT, DELETE"},
    "ledger": _APPEND | {"agencies": _READ, "restores": _READ},
}  # fmt: skip


class RoleError(RepositoryError):
    """Roles are of PostgreSQL alone, or this name cannot be one."""


def statements(connection: Connection, prefix: str = DEFAULT_PREFIX) -> Iterator[str]:
    """The SQL that makes the roles and gives them what is listed here and no more.

    Run by the owner of the tables, who may make roles; running it again changes nothing, and is
    needed after every change of the schema.

    Raises:
        RoleError: if the database has no roles, or the prefix is none.
    """
    if connection.dialect.name != "postgresql":
        raise RoleError("database: SQLite has no roles; they are for PostgreSQL")
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", prefix):
        raise RoleError(f"prefix {prefix!r}: expected a small letter, then letters, digits and _")
    schema = connection.exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    for role in ROLES:
        name = f"{prefix}_{role}"
        yield (
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles "
            f"WHERE rolname = '{name}') THEN CREATE ROLE {name} NOLOGIN; END IF; END $$"
        )
        yield f"GRANT USAGE ON SCHEMA {schema} TO {name}"
        if role == "days":
            continue  # what it may do comes of owning, and could be taken from an owner too
        yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {name}"
        # A grant by column is not taken away with that of the table.
        yield f"REVOKE ALL ({', '.join(_columns(users))}) ON {schema}.users FROM {name}"
        yield f"GRANT SELECT ON {schema}.alembic_version TO {name}"
        if role != "ledger":
            yield f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name}"
    for role in ("ingest", "jobs", "web"):
        yield from _reads(schema, f"{prefix}_{role}")
    for table_name in _LEDGER:
        yield f"GRANT SELECT ON {schema}.{table_name} TO {prefix}_ledger"
    for role, tables in _WRITES.items():
        for table_name, verbs in sorted(tables.items()):
            yield f"GRANT {verbs} ON {schema}.{table_name} TO {prefix}_{role}"
    yield from _own_days(
        connection, schema, f"{prefix}_days", (f"{prefix}_ingest", f"{prefix}_jobs")
    )
    yield from (each.replace("{schema}", schema) for each in GUARDS)


def apply(connection: Connection, prefix: str = DEFAULT_PREFIX) -> None:
    """Run them, all or none, in the caller's transaction."""
    for statement in statements(connection, prefix):
        connection.exec_driver_sql(statement)


def _reads(schema: str, role: str) -> Iterator[str]:
    for table in metadata.sorted_tables:
        if table.name not in _ACCOUNTS:
            yield f"GRANT SELECT ON {schema}.{table.name} TO {role}"
    shown = ", ".join(name for name in _columns(users) if name not in _SECRET_COLUMNS)
    # To lock a row takes the right to change something in it: when the account was made.
    yield f"GRANT SELECT ({shown}), UPDATE (created_at) ON {schema}.users TO {role}"


def _own_days(
    connection: Connection, schema: str, owner: str, members: tuple[str, ...]
) -> Iterator[str]:
    yield f"GRANT CREATE ON SCHEMA {schema} TO {owner}"
    yield f"GRANT {owner} TO {', '.join(members)}"
    yield f"GRANT {owner} TO CURRENT_USER"
    for table in PARTITIONED:
        for name in (table.name, *_partitions(connection, table)):
            yield f"ALTER TABLE {schema}.{name} OWNER TO {owner}"


def _partitions(connection: Connection, table: Table) -> list[str]:
    return [partition_name(table, day) for day in days(connection, table)]


def _columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]
