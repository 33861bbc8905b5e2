"""Hot lists' files in parts, so that none is ever held whole, and deltas between versions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_PART_BYTES = 1024 * 1024
_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table of parts, cut up the files that are there, and drop their column."""
    parts = op.create_table(
        "hotlist_parts",
        sa.Column("hotlist_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hotlist_id", "version"],
            ["hotlist_versions.hotlist_id", "hotlist_versions.version"],
            name=op.f("fk_hotlist_parts_hotlist_id_version_hotlist_versions"),
        ),
        sa.PrimaryKeyConstraint("hotlist_id", "version", "part", name=op.f("pk_hotlist_parts")),
    )
    versions = sa.table(
        "hotlist_versions",
        sa.column("hotlist_id", sa.BigInteger()),
        sa.column("version", sa.BigInteger()),
        sa.column("body", sa.LargeBinary()),
    )
    connection = op.get_bind()
    keys = connection.execute(sa.select(versions.c.hotlist_id, versions.c.version)).all()
    for hotlist_id, version in keys:
        body = connection.execute(
            sa.select(versions.c.body).where(
                versions.c.hotlist_id == hotlist_id, versions.c.version == version
            )
        ).scalar_one()
        for number, start in enumerate(range(0, len(body), _PART_BYTES)):
            connection.execute(
                sa.insert(parts).values(
                    hotlist_id=hotlist_id,
                    version=version,
                    part=number,
                    content=body[start : start + _PART_BYTES],
                )
            )
    op.drop_column("hotlist_versions", "body")
    op.add_column("hotlist_versions", sa.Column("delta", sa.LargeBinary()))
