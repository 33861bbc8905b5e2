"""How far each unit's batches are forwarded to another repository, and what is kept from it.

`repository.forwarding` says what they mean and is the only room that writes here.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text

from repository.store.tables.base import RowId, UtcDateTime, metadata

forwarded_units = Table(
    "forwarded_units",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("through", BigInteger, nullable=False),
    Column("root", String(64), nullable=False),
    Column("gap_through", BigInteger),
    Column("gap_reason", String(200)),
    Column("refused", String(500)),
    Column("updated_at", UtcDateTime, nullable=False),
)
"""The last sequence that the other repository said it has, and the root of the batch that ends
there. ``gap_through``: the batches after ``through`` up to that sequence are not forwarded."""

forwarded_pictures = Table(
    "forwarded_pictures",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("sha256", String(64), primary_key=True),
)
"""Pictures that the other repository said it misses."""

forward_filters = Table(
    "forward_filters",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("unit_id", RowId, ForeignKey("units.id")),
    Column("camera", String(63)),
    Column("since", UtcDateTime, nullable=False),
    Column("until", UtcDateTime),
    Column("reason", Text, nullable=False),
    Column("set_by_name", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
    Column("ended_by_name", String(200)),
    Column("ended_at", UtcDateTime),
    Index(None, "agency_id"),
)
"""What an agency keeps from the other repository: what its units (or one, or one camera) captured
from ``since``, before ``until`` where that is set."""
