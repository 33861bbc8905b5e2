"""Audits with their samples, findings and papers; private plates; face requests on paper."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, empty."""
    _make_audits()
    _make_audit_counts()
    _make_audit_samples()
    _make_audit_findings()
    _make_audit_papers()
    _make_private_plates()
    _make_face_requests()
    _make_face_request_bans()


def _make_audits() -> None:
    op.create_table(
        "audits",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("agency_id", _row_id),
        sa.Column("once_key", sa.String(64)),
        sa.Column("period_start", _moment, nullable=False),
        sa.Column("period_end", _moment, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_by", sa.String(64), nullable=False),
        sa.Column("opened_by_name", sa.String(200), nullable=False),
        sa.Column("opened_at", _moment, nullable=False),
        sa.Column("opened_index", sa.BigInteger()),
        sa.Column("due_at", _moment, nullable=False),
        sa.Column("checkpoint_size", sa.BigInteger()),
        sa.Column("checkpoint_root", sa.String(64)),
        sa.Column("seed", sa.String(64)),
        sa.Column("searches", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("summary", sa.Text()),
        sa.Column("signed_by", sa.String(64)),
        sa.Column("signed_by_name", sa.String(200)),
        sa.Column("signed_at", _moment),
        sa.Column("keep_until", _moment),
        _reference("audits", "agency_id", "agencies.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audits")),
        sa.UniqueConstraint("once_key", name=op.f("uq_audits_once_key")),
    )
    op.create_index(
        op.f("ix_audits_agency_id_kind_period_end"), "audits", ["agency_id", "kind", "period_end"]
    )
    op.create_index(op.f("ix_audits_signed_at_due_at"), "audits", ["signed_at", "due_at"])


def _make_audit_counts() -> None:
    op.create_table(
        "audit_counts",
        sa.Column("audit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        _reference("audit_counts", "audit_id", "audits.id"),
        sa.PrimaryKeyConstraint("audit_id", "user_id", "action", name=op.f("pk_audit_counts")),
    )


def _make_audit_samples() -> None:
    op.create_table(
        "audit_samples",
        sa.Column("audit_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("purpose_lawful", sa.String(8)),
        sa.Column("facts_specific", sa.String(8)),
        sa.Column("case_exists", sa.String(8)),
        sa.Column("result_used", sa.String(8)),
        sa.Column("aimed_at_protected", sa.String(8)),
        sa.Column("note", sa.Text()),
        sa.Column("answered_by", sa.String(64)),
        sa.Column("answered_by_name", sa.String(200)),
        sa.Column("answered_at", _moment),
        _reference("audit_samples", "audit_id", "audits.id"),
        sa.PrimaryKeyConstraint("audit_id", "place", name=op.f("pk_audit_samples")),
    )


def _make_audit_findings() -> None:
    op.create_table(
        "audit_findings",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("audit_id", _row_id, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_by", sa.String(64), nullable=False),
        sa.Column("raised_by_name", sa.String(200), nullable=False),
        sa.Column("raised_at", _moment, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("follow_up", sa.Text()),
        sa.Column("closed_by", sa.String(64)),
        sa.Column("closed_by_name", sa.String(200)),
        sa.Column("closed_at", _moment),
        _reference("audit_findings", "audit_id", "audits.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_findings")),
    )
    op.create_index(op.f("ix_audit_findings_audit_id"), "audit_findings", ["audit_id"])
    op.create_index(
        op.f("ix_audit_findings_closed_at_due_on"), "audit_findings", ["closed_at", "due_on"]
    )


def _make_audit_papers() -> None:
    op.create_table(
        "audit_papers",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("audit_id", _row_id, nullable=False),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("attached_by", sa.String(64), nullable=False),
        sa.Column("attached_by_name", sa.String(200), nullable=False),
        sa.Column("attached_at", _moment, nullable=False),
        _reference("audit_papers", "audit_id", "audits.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_papers")),
    )
    op.create_index(op.f("ix_audit_papers_audit_id"), "audit_papers", ["audit_id"])


def _make_private_plates() -> None:
    op.create_table(
        "private_plates",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("plate_digest", sa.String(64), nullable=False),
        sa.Column("registered_at", _moment, nullable=False),
        _reference("private_plates", "user_id", "users.id"),
        sa.PrimaryKeyConstraint("user_id", "plate_digest", name=op.f("pk_private_plates")),
    )
    op.create_index(op.f("ix_private_plates_plate_digest"), "private_plates", ["plate_digest"])


def _make_face_requests() -> None:
    op.create_table(
        "face_requests",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("requested_at", _moment, nullable=False),
        sa.Column("requester_name", sa.String(200), nullable=False),
        sa.Column("requester_position", sa.String(200), nullable=False),
        sa.Column("entity", sa.String(16), nullable=False),
        sa.Column("database_searched", sa.String(200), nullable=False),
        sa.Column("basis", sa.String(16), nullable=False),
        sa.Column("court_order", sa.String(200)),
        sa.Column("emergency_facts", sa.Text()),
        sa.Column("case_number", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("suspected_crime", sa.String(200), nullable=False),
        sa.Column("characteristics", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("matches", sa.Integer()),
        sa.Column("matches_recorded_at", _moment),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", _moment, nullable=False),
        _reference("face_requests", "agency_id", "agencies.id"),
        _reference("face_requests", "recorded_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face_requests")),
    )
    op.create_index(
        op.f("ix_face_requests_agency_id_requested_at"),
        "face_requests",
        ["agency_id", "requested_at"],
    )


def _make_face_request_bans() -> None:
    op.create_table(
        "face_request_bans",
        sa.Column("agency_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("ordinance", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("set_by", sa.String(64), nullable=False),
        sa.Column("set_by_name", sa.String(200), nullable=False),
        sa.Column("set_at", _moment, nullable=False),
        _reference("face_request_bans", "agency_id", "agencies.id"),
        sa.PrimaryKeyConstraint("agency_id", name=op.f("pk_face_request_bans")),
    )


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{to.partition('.')[0]}"
    return sa.ForeignKeyConstraint([column], [to], name=op.f(name))
