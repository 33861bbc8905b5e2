"""The ledger's tree in tiles, so that proofs need not read every entry; what witnesses have."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_WIDTH = 256
_TILES_AT_ONCE = 64
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, and the tiles of the entries that are there."""
    tiles = op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("tile_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "tile_index", name=op.f("pk_ledger_tiles")),
    )
    op.create_table(
        "ledger_witnesses",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("pushed_at", _TIME),
        sa.Column("failing_since", _TIME),
        sa.Column("problem", sa.String(500)),
        sa.Column("forked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_witnesses")),
    )
    _fill(tiles)


def _fill(tiles: sa.Table) -> None:
    connection = op.get_bind()
    query = sa.text(
        "SELECT leaf FROM ledger_entries WHERE entry_index >= :first AND entry_index < :last "
        "ORDER BY entry_index"
    )
    first, level, roots = 0, 0, list[bytes]()
    while True:
        last = first + _TILES_AT_ONCE * _WIDTH
        leaves = connection.scalars(query, {"first": first, "last": last}).all()
        whole = len(leaves) // _WIDTH
        rows = []
        for number in range(whole):
            some = leaves[number * _WIDTH : (number + 1) * _WIDTH]
            hashes = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in some]
            roots.append(_root(hashes))
            index = first // _WIDTH + number
            rows.append({"level": 0, "tile_index": index, "hashes": b"".join(hashes)})
        if rows:
            connection.execute(tiles.insert(), rows)
        if whole < _TILES_AT_ONCE:
            break
        first = last
    while roots:
        level += 1
        parts = [roots[at : at + _WIDTH] for at in range(0, len(roots), _WIDTH)]
        connection.execute(
            tiles.insert(),
            [
                {"level": level, "tile_index": index, "hashes": b"".join(part)}
                for index, part in enumerate(parts)
            ],
        )
        roots = [_root(part) for part in parts if len(part) == _WIDTH]


def _root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return hashes[0]
