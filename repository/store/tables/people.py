"""What is kept of people beside their accounts: requests, training, reviews, bulletins.

`repository.accounts` says what they mean and is the only room that writes here.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

login_requests = Table(
    "login_requests",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("position", String(100), nullable=False),
    Column("phone", String(32), nullable=False),
    Column("email", String(254), nullable=False),
    Column("reason", Text, nullable=False),
    Column("origin", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("decision", String(7)),
    Column("decided_by", String(64)),
    Column("decided_by_name", String(200)),
    Column("decided_at", UtcDateTime),
    Column("decision_reason", Text),
    Column("user_id", Uuid, ForeignKey("users.id")),
    Index(None, "agency_id", "decided_at"),
)
"""``decision`` is ``granted`` or ``denied``, null while the request waits; ``user_id`` is the
account that was made of it."""

trainings = Table(
    "trainings",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("course", String(200), nullable=False),
    Column("taught_by", String(200), nullable=False),
    Column("taken_on", Date, nullable=False),
    Column("good_until", Date, nullable=False),
    Column("recorded_by", String(64), nullable=False),
    Column("recorded_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("struck_by_name", String(200)),
    Column("struck_at", UtcDateTime),
    Column("strike_reason", Text),
    Index(None, "user_id", "good_until"),
)
"""A course that a person took, good through the day ``good_until``; one that was recorded by
mistake is struck and counts no more."""

user_reviews = Table(
    "user_reviews",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("opened_by_name", String(200), nullable=False),
    Column("digest", String(64)),
    Column("representative_id", Uuid, ForeignKey("users.id")),
    Column("representative_name", String(200)),
    Column("representative_at", UtcDateTime),
    Column("head_id", Uuid, ForeignKey("users.id")),
    Column("head_name", String(200)),
    Column("head_at", UtcDateTime),
    Index(None, "agency_id", "head_at"),
)
"""A review of an agency's list of users. ``digest`` is of the list as its representative signed
it; the review is done when the head has signed the same."""

user_review_lines = Table(
    "user_review_lines",
    metadata,
    Column(
        "review_id", RowId, ForeignKey("user_reviews.id"), primary_key=True, autoincrement=False
    ),
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("login", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("position", String(100), nullable=False),
    Column("roles", String(255), nullable=False),
    Column("confirmed", Boolean, nullable=False),
)
"""The people on the list as they were when the review was opened."""

bulletins = Table(
    "bulletins",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id")),
    Column("about", String(8), nullable=False),
    Column("title", String(200), nullable=False),
    Column("body", Text, nullable=False),
    Column("published_by", String(64), nullable=False),
    Column("published_by_name", String(200), nullable=False),
    Column("published_at", UtcDateTime, nullable=False),
    Column("withdrawn_by_name", String(200)),
    Column("withdrawn_at", UtcDateTime),
)
"""``agency_id`` is null where it is for everybody; ``about`` is hardware, software, law or
policy."""

bulletin_readings = Table(
    "bulletin_readings",
    metadata,
    Column("bulletin_id", RowId, ForeignKey("bulletins.id"), primary_key=True, autoincrement=False),
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("read_at", UtcDateTime, nullable=False),
)
"""Who has acknowledged which bulletin, and when."""
