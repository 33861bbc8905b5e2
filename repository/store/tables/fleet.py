"""Agencies, their units, and how far each unit's chain is committed."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

agencies = Table(
    "agencies",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", String(63), nullable=False, unique=True),
    Column("title", String(200), nullable=False),
    Column("ori", String(9)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retention_rule", String(63)),
    Column("access", String(9)),
    Column("access_changed_at", UtcDateTime),
    Column("kind", String(20)),
)
"""``name`` is the agency's place in topics; ``ori`` its identifier at the FBI's CJIS division.
``kind`` says what makes it a criminal-justice agency; null where nobody has recorded it yet.
``retention_rule`` names the shipped rule that its reads are kept under, null for the repository's.
``access`` is null for an agency that takes part, else ``suspended`` or ``ended``."""

units = Table(
    "units",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("name", String(63), nullable=False),
    Column("key_id", String(16), nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    UniqueConstraint("agency_id", "name"),
)
"""``public_key`` is the unit's raw Ed25519 key, 32 bytes; a key serves one unit only."""

former_unit_keys = Table(
    "former_unit_keys",
    metadata,
    Column("key_id", String(16), primary_key=True),
    Column("unit_id", RowId, ForeignKey("units.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("enrolled_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime, nullable=False),
)
"""Keys that a unit had before it was enrolled anew: what they signed is proven with them."""

chains = Table(
    "chains",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("committed_through", BigInteger, nullable=False),
    Column("chain_root", String(64), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("captured_through", UtcDateTime),
    Column("ahead_since", UtcDateTime),
)
"""The last committed sequence of each unit and the root of the batch that ends there.

``captured_through`` is not earlier than any moment of capture that was kept of the unit; null
where that is not known. ``ahead_since`` is when a batch first came, after the chain last moved,
that does not follow it."""

unit_status = Table(
    "unit_status",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("state", String(7), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("software", String(128), nullable=False),
    Column("waiting_records", BigInteger, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("health", JSON(none_as_null=True)),
    Column("health_at", UtcDateTime),
)
"""The last that each unit said of itself; ``health`` as in the contract, said at ``health_at``."""
