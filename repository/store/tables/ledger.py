"""Tables of the ledger: its entries, its tree, its signed checkpoints and who has them.

`repository.ledger` says what the bytes mean and is the only room that writes here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from repository.store.tables.base import UtcDateTime, metadata

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("action", String(64), nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("agency", String(63), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Index(None, "agency", "at"),
    Index(None, "user_id", "at"),
)
"""``body`` holds the whole entry; action, user, agency and time stand beside it to be found by.
``root`` is the tree's root with this entry as its last."""

ledger_state = Table(
    "ledger_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""One row: the number of entries and the hashes of the tree's perfect subtrees, largest first."""

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
)
"""``note`` is the C2SP checkpoint as signed; size and root stand beside it to be found by, and the
hashes of the tree's perfect subtrees, so that the next one need not begin at the first entry."""

ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("tile_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)
"""The tree's hashes in the tiles of C2SP ``tlog-tiles``: see `repository.ledger.tiles`."""

ledger_witnesses = Table(
    "ledger_witnesses",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("note", Text),
    Column("answer", Text),
    Column("pushed_at", UtcDateTime),
    Column("failing_since", UtcDateTime),
    Column("problem", String(500)),
    Column("forked", Boolean, nullable=False),
)
"""What each witness was last seen to have: a size, its note, and what it answered (a signature of
its own, where it gives one). Since when it fails and why is null where it does not."""
