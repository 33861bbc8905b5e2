"""Tables of what agencies sign, adopt and answer for; `repository.agencies` says what they mean.

Names of those who did something are kept as they were then, beside the id in the ledger.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata


def _agency(*, nullable: bool = False) -> Column[int]:
    return Column("agency_id", RowId, ForeignKey("agencies.id"), nullable=nullable)


def _unit() -> Column[int]:
    return Column("unit_id", RowId, ForeignKey("units.id"), nullable=False)


papers = Table(
    "papers",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("media_type", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_at", UtcDateTime, nullable=False),
)
"""Texts and signed copies as they were given, sealed with AES-256-GCM under a key derived from the
master key. A paper is never changed or dropped."""

agreements = Table(
    "agreements",
    metadata,
    Column("id", RowId, primary_key=True),
    _agency(),
    Column("version", String(100), nullable=False),
    Column("text_sha256", String(64), ForeignKey("papers.sha256"), nullable=False),
    Column("copy_sha256", String(64), ForeignKey("papers.sha256"), nullable=False),
    Column("signed_by", String(200), nullable=False),
    Column("signed_as", String(200), nullable=False),
    Column("signed_on", Date, nullable=False),
    Column("recorded_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "agency_id", "signed_on"),
)
"""Every signing of an agency's head; the newest counts, the older ones stay."""

agreement_dues = Table(
    "agreement_dues",
    metadata,
    Column("id", RowId, primary_key=True),
    _agency(),
    Column("cause", String(30), nullable=False),
    Column("detail", String(500), nullable=False),
    Column("arose_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("settled_by", RowId, ForeignKey("agreements.id")),
    Index(None, "agency_id"),
)
"""Why an agency's head must sign, and by when; settled by a signing on the day it arose or later.
``cause`` is ``not_on_file`` for an agency that took part before agreements were kept here."""

representatives = Table(
    "representatives",
    metadata,
    Column("id", RowId, primary_key=True),
    _agency(),
    Column("post", String(30), nullable=False),
    Column("name", String(200), nullable=False),
    Column("title", String(200), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("email", String(254), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id")),
    Column("from_on", Date, nullable=False),
    Column("until_on", Date),
    Column("recorded_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "agency_id", "post"),
)
"""Who holds an agency's post, and who held it: ``until_on`` is the first day they do not."""

policies = Table(
    "policies",
    metadata,
    Column("id", RowId, primary_key=True),
    _agency(nullable=True),
    Column("kind", String(20), nullable=False),
    Column("title", String(200), nullable=False),
    Column("version", String(100), nullable=False),
    Column("party", String(200)),
    Column("text_sha256", String(64), ForeignKey("papers.sha256"), nullable=False),
    Column("adopted_on", Date, nullable=False),
    Column("ended_on", Date),
    Column("recorded_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "agency_id"),
)
"""What an agency adopted, or with no agency the repository itself. ``kind`` is ``policy``,
``protocol`` or ``memorandum``, the last with the ``party`` that data is shared with."""

policy_reviews = Table(
    "policy_reviews",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("policy_id", RowId, ForeignKey("policies.id"), nullable=False),
    Column("reviewed_on", Date, nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("recommendation", Text, nullable=False),
    Column("reviewed_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "policy_id"),
)
"""A yearly look at a policy: ``outcome`` is ``stands`` or ``amend``."""

deployments = Table(
    "deployments",
    metadata,
    Column("id", RowId, primary_key=True),
    _unit(),
    Column("purpose", String(500), nullable=False),
    Column("area", String(500), nullable=False),
    Column("from_at", UtcDateTime, nullable=False),
    Column("until_at", UtcDateTime, nullable=False),
    Column("approved_by_name", String(200), nullable=False),
    Column("approved_as", String(200), nullable=False),
    Column("recorded_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("ended_by_name", String(200)),
    Column("result", Text),
    Index(None, "unit_id", "from_at"),
)
"""An approval to run a unit, by the agency's head or who the head designated. ``ended_at`` is when
it ended before its time; ``result`` is what came of it."""

unit_log = Table(
    "unit_log",
    metadata,
    Column("id", RowId, primary_key=True),
    _unit(),
    Column("kind", String(20), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("detail", String(2000), nullable=False),
    Column("done_by", String(200), nullable=False),
    Column("authorized", Boolean),
    Column("recorded_by_name", String(200), nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Index(None, "unit_id", "kind", "at"),
)
"""What was done with a unit's equipment. ``authorized`` says of a repair whether its source was."""

upkeep_plans = Table(
    "upkeep_plans",
    metadata,
    Column("unit_id", RowId, ForeignKey("units.id"), primary_key=True, autoincrement=False),
    Column("kind", String(20), primary_key=True),
    Column("every_days", Integer, nullable=False),
    Column("advice", String(500), nullable=False),
    Column("since", UtcDateTime, nullable=False),
)
"""How often the maker advises something, and where it says so."""

repair_sources = Table(
    "repair_sources",
    metadata,
    Column("id", RowId, primary_key=True),
    _agency(),
    Column("name", String(200), nullable=False),
    Column("authorized_by_name", String(200), nullable=False),
    Column("from_at", UtcDateTime, nullable=False),
    Column("until_at", UtcDateTime),
    Index(None, "agency_id"),
)
"""Who an agency lets repair its equipment."""

misuse_reports = Table(
    "misuse_reports",
    metadata,
    Column("id", RowId, primary_key=True),
    _agency(),
    Column("found_by", String(10), nullable=False),
    Column("reported_by", String(64), nullable=False),
    Column("reported_by_name", String(200), nullable=False),
    Column("reported_at", UtcDateTime, nullable=False),
    Column("against_user_id", Uuid, ForeignKey("users.id")),
    Column("what", Text, nullable=False),
    Column("to_operator", Boolean, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("misused", Boolean),
    Column("circumstances", Text),
    Column("actions", Text),
    Column("prevention", Text),
    Column("answered_by_name", String(200)),
    Column("answered_at", UtcDateTime),
    Column("closed_by_name", String(200)),
    Column("closed_at", UtcDateTime),
    Column("close_reason", Text),
    Index(None, "agency_id"),
)
"""Misuse that was alleged (policy G-9). ``to_operator`` where the agency's head must not look into
it; ``misused`` is what the investigation determined, null while it goes on."""
