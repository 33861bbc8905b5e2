"""Tables of the people who sign in: users and their failed sign-ins.

`repository.accounts` says what they mean and is the only room that writes here.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    String,
    Table,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

users = Table(
    "users",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("login", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("locked_at", UtcDateTime),
    Column("roles", String(255), nullable=False),
    Column("position", String(100), nullable=False),
    Column("email", String(254)),
    Column("phone", String(32)),
    Column("last_used_at", UtcDateTime),
    Column("disabled_why", String(200)),
)
"""A row is one person and is never deleted: the ledger speaks of it. ``password_hash`` is
argon2id in PHC form; ``roles`` are names joined by commas, kept in the row so
that whoever locks it sees them as they are; ``last_used_at`` is the last good sign-in."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "user_id", "at"),
)
"""What counts towards the lock, and no more: a good sign-in or a release empties it."""
