"""Tables of audits: what is audited, its sample, findings and papers; face requests on paper.

`repository.audits` says what they mean and is the only room that writes here. No foreign key leads
to the ledger: an entry is named by its index.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

audits = Table(
    "audits",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("agency_id", RowId, ForeignKey("agencies.id")),
    Column("once_key", String(64), unique=True),
    Column("period_start", UtcDateTime, nullable=False),
    Column("period_end", UtcDateTime, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_by", String(64), nullable=False),
    Column("opened_by_name", String(200), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("opened_index", BigInteger),
    Column("due_at", UtcDateTime, nullable=False),
    Column("checkpoint_size", BigInteger),
    Column("checkpoint_root", String(64)),
    Column("seed", String(64)),
    Column("searches", BigInteger, nullable=False),
    Column("outcome", String(16)),
    Column("summary", Text),
    Column("signed_by", String(64)),
    Column("signed_by_name", String(200)),
    Column("signed_at", UtcDateTime),
    Column("keep_until", UtcDateTime),
    Index(None, "agency_id", "kind", "period_end"),
    Index(None, "signed_at", "due_at"),
)
"""``agency_id`` is null where the repository itself is audited. ``once_key`` is what there is one
audit of, such as an agency's month; null for those at will. ``opened_index`` is the entry of its
opening. ``seed`` is what the sample was drawn with, and follows from the checkpoint, the first that
covers that entry; the three are null until then. ``searches`` is
the number that it was drawn from. ``keep_until`` is null until it may be purged at all."""

audit_counts = Table(
    "audit_counts",
    metadata,
    Column("audit_id", RowId, ForeignKey("audits.id"), primary_key=True, autoincrement=False),
    Column("user_id", String(64), primary_key=True),
    Column("action", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("number", BigInteger, nullable=False),
)
"""How many entries each person left in the period, by action."""

audit_samples = Table(
    "audit_samples",
    metadata,
    Column("audit_id", RowId, ForeignKey("audits.id"), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("ledger_index", BigInteger, nullable=False),
    Column("user_id", String(64), nullable=False),
    Column("purpose_lawful", String(8)),
    Column("facts_specific", String(8)),
    Column("case_exists", String(8)),
    Column("result_used", String(8)),
    Column("aimed_at_protected", String(8)),
    Column("note", Text),
    Column("answered_by", String(64)),
    Column("answered_by_name", String(200)),
    Column("answered_at", UtcDateTime),
)
"""The searches that were drawn, in the order drawn, and what the auditor answered of each."""

audit_findings = Table(
    "audit_findings",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("audit_id", RowId, ForeignKey("audits.id"), nullable=False),
    Column("text", Text, nullable=False),
    Column("raised_by", String(64), nullable=False),
    Column("raised_by_name", String(200), nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("follow_up", Text),
    Column("closed_by", String(64)),
    Column("closed_by_name", String(200)),
    Column("closed_at", UtcDateTime),
    Index(None, "audit_id"),
    Index(None, "closed_at", "due_on"),
)
"""What an audit found, by when it is mended, and what was done about it."""

audit_papers = Table(
    "audit_papers",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("audit_id", RowId, ForeignKey("audits.id"), nullable=False),
    Column("title", String(64), nullable=False),
    Column("content", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("attached_by", String(64), nullable=False),
    Column("attached_by_name", String(200), nullable=False),
    Column("attached_at", UtcDateTime, nullable=False),
    Index(None, "audit_id"),
)
"""What stands with an audit as it was then: JSON that the repository made of its own state."""

private_plates = Table(
    "private_plates",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("plate_digest", String(64), primary_key=True),
    Column("registered_at", UtcDateTime, nullable=False),
    Index(None, "plate_digest"),
)
"""Plates that people said are their own, as HMAC-SHA-256 under a key that is not in the
database: they are recognised when searched for, and cannot be read."""

face_requests = Table(
    "face_requests",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("requester_name", String(200), nullable=False),
    Column("requester_position", String(200), nullable=False),
    Column("entity", String(16), nullable=False),
    Column("database_searched", String(200), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("court_order", String(200)),
    Column("emergency_facts", Text),
    Column("case_number", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("suspected_crime", String(200), nullable=False),
    Column("characteristics", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("request_sha256", String(64), nullable=False),
    Column("matches", Integer),
    Column("matches_recorded_at", UtcDateTime),
    Column("recorded_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "agency_id", "requested_at"),
)
"""Requests on paper to others who search faces: ``request`` is what was written to them, and
``matches`` how many they said there were, null until they did. No face is kept here."""

face_request_bans = Table(
    "face_request_bans",
    metadata,
    Column("agency_id", RowId, ForeignKey("agencies.id"), primary_key=True, autoincrement=False),
    Column("ordinance", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("set_by", String(64), nullable=False),
    Column("set_by_name", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)
"""Agencies whose ordinance forbids them to ask, and which ordinance it is."""
