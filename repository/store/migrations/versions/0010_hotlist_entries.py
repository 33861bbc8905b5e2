"""Hot lists kept entry by entry at the centre.

What a list held until now becomes what its one source last brought: the source of the list's name.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and a source of each list from its newest version."""
    op.add_column("hotlist_versions", sa.Column("pruned_at", _moment, nullable=True))
    _make_sources()
    _make_entries()
    _make_fetches()
    _fill_sources()


def _make_sources() -> None:
    op.create_table(
        "hotlist_sources",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("hotlist_id", _row_id, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("imported_at", _moment, nullable=False),
        sa.Column("imported_by_name", sa.String(length=200), nullable=False),
        sa.Column("ends_at", _moment, nullable=True),
        _to_hotlists("hotlist_sources"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotlist_sources")),
        sa.UniqueConstraint("hotlist_id", "name", name=op.f("uq_hotlist_sources_hotlist_id_name")),
    )
    op.create_table(
        "hotlist_source_parts",
        sa.Column("source_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["hotlist_sources.id"],
            name=op.f("fk_hotlist_source_parts_source_id_hotlist_sources"),
        ),
        sa.PrimaryKeyConstraint("source_id", "part", name=op.f("pk_hotlist_source_parts")),
    )


def _make_entries() -> None:
    op.create_table(
        "hotlist_entries",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("hotlist_id", _row_id, nullable=False),
        sa.Column("plate", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=2), nullable=True),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("authorized_by_name", sa.String(length=200), nullable=False),
        sa.Column("authorized_by_rank", sa.String(length=64), nullable=False),
        sa.Column("expires", _moment, nullable=False),
        sa.Column("review_due", _moment, nullable=False),
        sa.Column("replaces", _row_id, nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_by_name", sa.String(length=200), nullable=False),
        sa.Column("proposed_at", _moment, nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_by_name", sa.String(length=200), nullable=True),
        sa.Column("confirmed_at", _moment, nullable=True),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_by_name", sa.String(length=200), nullable=True),
        sa.Column("ended_at", _moment, nullable=True),
        sa.Column("end_reason", sa.Text(), nullable=True),
        _to_hotlists("hotlist_entries"),
        sa.ForeignKeyConstraint(
            ["replaces"],
            ["hotlist_entries.id"],
            name=op.f("fk_hotlist_entries_replaces_hotlist_entries"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotlist_entries")),
    )
    op.create_index(
        op.f("ix_hotlist_entries_hotlist_id_ended_at"),
        "hotlist_entries",
        ["hotlist_id", "ended_at"],
    )
    op.create_table(
        "hotlist_withdrawals",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("hotlist_id", _row_id, nullable=False),
        sa.Column("entry", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_by_name", sa.String(length=200), nullable=False),
        sa.Column("withdrawn_at", _moment, nullable=False),
        sa.Column("lifted_at", _moment, nullable=True),
        _to_hotlists("hotlist_withdrawals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotlist_withdrawals")),
    )
    op.create_index(
        op.f("ix_hotlist_withdrawals_hotlist_id_lifted_at"),
        "hotlist_withdrawals",
        ["hotlist_id", "lifted_at"],
    )


def _make_fetches() -> None:
    op.create_table(
        "hotlist_fetches",
        sa.Column("hotlist_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("fetched_at", _moment, nullable=False),
        _to_hotlists("hotlist_fetches"),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["units.id"], name=op.f("fk_hotlist_fetches_unit_id_units")
        ),
        sa.PrimaryKeyConstraint("hotlist_id", "unit_id", name=op.f("pk_hotlist_fetches")),
    )


def _fill_sources() -> None:
    op.execute(
        """
        INSERT INTO hotlist_sources (hotlist_id, name, owner, entries, rejected, size_bytes,
                                     imported_at, imported_by_name)
        SELECT newest.hotlist_id, lists.name, agencies.title, newest.entries, 0,
               (SELECT coalesce(sum(length(parts.content)), 0) FROM hotlist_parts AS parts
                WHERE parts.hotlist_id = newest.hotlist_id AND parts.version = newest.version),
               newest.imported_at, ''
        FROM hotlist_versions AS newest
        JOIN hotlists AS lists ON lists.id = newest.hotlist_id
        JOIN agencies ON agencies.id = lists.agency_id
        WHERE newest.version = (SELECT max(version) FROM hotlist_versions AS others
                                WHERE others.hotlist_id = newest.hotlist_id)
        """
    )
    op.execute(
        """
        INSERT INTO hotlist_source_parts (source_id, part, content)
        SELECT sources.id, parts.part, parts.content
        FROM hotlist_sources AS sources
        JOIN hotlist_parts AS parts ON parts.hotlist_id = sources.hotlist_id
        WHERE parts.version = (SELECT max(version) FROM hotlist_versions AS others
                               WHERE others.hotlist_id = sources.hotlist_id)
        """
    )


def _to_hotlists(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["hotlist_id"], ["hotlists.id"], name=op.f(f"fk_{table}_hotlist_id_hotlists")
    )
