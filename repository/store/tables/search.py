"""What the law wants of searches: approvals, requests by others, reviews, confirmations.

`repository.search` says what they mean and is the only room that writes here. Search criteria name
plates: these rows are records of why somebody looked, kept with their case, and no reads.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

search_approvals = Table(
    "search_approvals",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("request", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("proposed_at", UtcDateTime, nullable=False),
    Column("decision", String(8)),
    Column("decision_reason", Text),
    Column("decided_by", Uuid, ForeignKey("users.id")),
    Column("decided_at", UtcDateTime),
    Column("valid_until", UtcDateTime),
    Column("runs_allowed", Integer),
    Column("runs_used", Integer, nullable=False),
    Index(None, "agency_id", "decision"),
    Index(None, "proposed_by", "digest"),
)
"""A broad search or a question of association (``kind`` ``search`` or ``together``) proposed to a
supervisor. ``digest`` is that of the criteria and purpose in ``request`` (JSON): it approves these
alone. ``why`` says what makes it broad, ``reason`` why it is needed. ``decision`` is null while it
waits, then ``approved`` or ``denied``."""

search_requests = Table(
    "search_requests",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("asker_kind", String(16), nullable=False),
    Column("asker_agency", String(200), nullable=False),
    Column("asker_ori", String(9)),
    Column("asker_name", String(200), nullable=False),
    Column("asker_position", String(200), nullable=False),
    Column("asker_phone", String(40), nullable=False),
    Column("asker_email", String(254), nullable=False),
    Column("asker_case", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("offence", String(200), nullable=False),
    Column("characteristics", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("received_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("decision", String(8)),
    Column("decision_reason", Text),
    Column("handled_by", Uuid, ForeignKey("users.id")),
    Column("handled_at", UtcDateTime),
    Column("answer", Text),
    Column("matches", Integer),
    Column("answered_by", Uuid, ForeignKey("users.id")),
    Column("answered_at", UtcDateTime),
    Index(None, "agency_id", "decision"),
)
"""A search that somebody without access asked for, as on the request form. ``agency_id`` is the
agency asked, ``asker_kind`` says whether the asker's agency is the same (``own``), another that
takes part (``contributing``) or none that does (``non_contributing``). ``source`` is where the
asker has the plate or description from. ``decision`` is null, ``accepted`` or ``denied``."""

search_runs = Table(
    "search_runs",
    metadata,
    Column("ledger_index", BigInteger, primary_key=True, autoincrement=False),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("user_name", String(200), nullable=False),
    Column("user_position", String(200), nullable=False),
    Column("searched_at", UtcDateTime, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("database", String(64), nullable=False),
    Column("characteristics", Text, nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("facts", Text, nullable=False),
    Column("offence", String(200)),
    Column("returned", Integer, nullable=False),
    Column("request_id", RowId, ForeignKey("search_requests.id")),
    Column("approval_id", RowId, ForeignKey("search_approvals.id")),
    Column("emergency", Text),
    Index(None, "user_id", "searched_at"),
    Index(None, "agency_id", "searched_at"),
    Index(None, "request_id"),
)
"""Every search that was answered, by its entry in the ledger, with what is reported of it each
quarter; name and position are those of that day. ``offence`` is the suspected crime where one was
named, ``emergency`` the factual basis of a search made without the approval that it needed."""

search_reviews = Table(
    "search_reviews",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("ledger_index", BigInteger, ForeignKey("search_runs.ledger_index"), nullable=False),
    Column("request_id", RowId, ForeignKey("search_requests.id")),
    Column("unit_id", RowId),
    Column("captured_at", UtcDateTime),
    Column("read_id", Uuid),
    Column("searched_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("raised_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime),
    Column("outcome", String(16)),
    Column("reason", Text),
    Column("reviewed_by", Uuid, ForeignKey("users.id")),
    Column("reviewed_at", UtcDateTime),
    Index(None, "agency_id", "outcome"),
    Index(None, "ledger_index"),
)
"""What a second person looks at after a search: an ``emergency`` (``justified`` or
``unjustified``, by ``due_at``), or a possible ``match`` with the read that it is about
(``match``, ``no_match``, or ``not_practicable`` with the reason). ``outcome`` is null until
then."""

read_confirmations = Table(
    "read_confirmations",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("unit_id", RowId, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("read_id", Uuid, nullable=False),
    Column("source_agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=False),
    Column("case_id", RowId, ForeignKey("cases.id"), nullable=False),
    Column("confirmed_by", Uuid, ForeignKey("users.id"), nullable=False),
    Column("confirmed_at", UtcDateTime, nullable=False),
    Column("spoke_with", String(200), nullable=False),
    Column("answer", String(16), nullable=False),
    Column("note", Text, nullable=False),
    Index(None, "unit_id", "captured_at", "read_id"),
    Index(None, "case_id"),
)
"""What the source agency answered when it was asked whether a read is right: ``confirmed``,
``wrong`` or ``no_answer``."""

agency_search_rules = Table(
    "agency_search_rules",
    metadata,
    Column("agency_id", RowId, ForeignKey("agencies.id"), primary_key=True, autoincrement=False),
    Column("rule", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("set_by", String(64), nullable=False),
    Column("set_by_name", String(200), nullable=False),
    Column("set_at", UtcDateTime, nullable=False),
)
"""An agency's own, stricter rule of searching, as JSON; it is for its people and for its reads."""
