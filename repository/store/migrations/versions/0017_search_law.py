"""Approvals of broad searches, requests by others, reviews of matches and emergencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables, empty."""
    _make_search_approvals()
    _make_search_requests()
    _make_search_runs()
    _make_search_reviews()
    _make_read_confirmations()
    _make_agency_search_rules()


def _make_search_approvals() -> None:
    op.create_table(
        "search_approvals",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("case_id", _row_id, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_at", _moment, nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", _moment, nullable=True),
        sa.Column("valid_until", _moment, nullable=True),
        sa.Column("runs_allowed", sa.Integer(), nullable=True),
        sa.Column("runs_used", sa.Integer(), nullable=False),
        _reference("search_approvals", "agency_id", "agencies.id"),
        _reference("search_approvals", "case_id", "cases.id"),
        _reference("search_approvals", "proposed_by", "users.id"),
        _reference("search_approvals", "decided_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_approvals")),
    )
    op.create_index(
        op.f("ix_search_approvals_agency_id_decision"),
        "search_approvals",
        ["agency_id", "decision"],
    )
    op.create_index(
        op.f("ix_search_approvals_proposed_by_digest"),
        "search_approvals",
        ["proposed_by", "digest"],
    )


def _make_search_requests() -> None:
    op.create_table(
        "search_requests",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("case_id", _row_id, nullable=False),
        sa.Column("asker_kind", sa.String(length=16), nullable=False),
        sa.Column("asker_agency", sa.String(length=200), nullable=False),
        sa.Column("asker_ori", sa.String(length=9), nullable=True),
        sa.Column("asker_name", sa.String(length=200), nullable=False),
        sa.Column("asker_position", sa.String(length=200), nullable=False),
        sa.Column("asker_phone", sa.String(length=40), nullable=False),
        sa.Column("asker_email", sa.String(length=254), nullable=False),
        sa.Column("asker_case", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("offence", sa.String(length=200), nullable=False),
        sa.Column("characteristics", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=False),
        sa.Column("received_at", _moment, nullable=False),
        sa.Column("decision", sa.String(length=8), nullable=True),
        sa.Column("decision_reason", sa.Text(), nullable=True),
        sa.Column("handled_by", sa.Uuid(), nullable=True),
        sa.Column("handled_at", _moment, nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("matches", sa.Integer(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", _moment, nullable=True),
        _reference("search_requests", "agency_id", "agencies.id"),
        _reference("search_requests", "case_id", "cases.id"),
        _reference("search_requests", "received_by", "users.id"),
        _reference("search_requests", "handled_by", "users.id"),
        _reference("search_requests", "answered_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_requests")),
    )
    op.create_index(
        op.f("ix_search_requests_agency_id_decision"), "search_requests", ["agency_id", "decision"]
    )


def _make_search_runs() -> None:
    op.create_table(
        "search_runs",
        sa.Column("ledger_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("case_id", _row_id, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("user_name", sa.String(length=200), nullable=False),
        sa.Column("user_position", sa.String(length=200), nullable=False),
        sa.Column("searched_at", _moment, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("database", sa.String(length=64), nullable=False),
        sa.Column("characteristics", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("offence", sa.String(length=200), nullable=True),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("request_id", _row_id, nullable=True),
        sa.Column("approval_id", _row_id, nullable=True),
        sa.Column("emergency", sa.Text(), nullable=True),
        _reference("search_runs", "agency_id", "agencies.id"),
        _reference("search_runs", "case_id", "cases.id"),
        _reference("search_runs", "user_id", "users.id"),
        _reference("search_runs", "request_id", "search_requests.id"),
        _reference("search_runs", "approval_id", "search_approvals.id"),
        sa.PrimaryKeyConstraint("ledger_index", name=op.f("pk_search_runs")),
    )
    op.create_index(
        op.f("ix_search_runs_agency_id_searched_at"), "search_runs", ["agency_id", "searched_at"]
    )
    op.create_index(op.f("ix_search_runs_request_id"), "search_runs", ["request_id"])
    op.create_index(
        op.f("ix_search_runs_user_id_searched_at"), "search_runs", ["user_id", "searched_at"]
    )


def _make_search_reviews() -> None:
    op.create_table(
        "search_reviews",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("case_id", _row_id, nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("request_id", _row_id, nullable=True),
        sa.Column("unit_id", _row_id, nullable=True),
        sa.Column("captured_at", _moment, nullable=True),
        sa.Column("read_id", sa.Uuid(), nullable=True),
        sa.Column("searched_by", sa.Uuid(), nullable=False),
        sa.Column("raised_at", _moment, nullable=False),
        sa.Column("due_at", _moment, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reviewed_by", sa.Uuid(), nullable=True),
        sa.Column("reviewed_at", _moment, nullable=True),
        _reference("search_reviews", "agency_id", "agencies.id"),
        _reference("search_reviews", "case_id", "cases.id"),
        _reference("search_reviews", "ledger_index", "search_runs.ledger_index"),
        _reference("search_reviews", "request_id", "search_requests.id"),
        _reference("search_reviews", "searched_by", "users.id"),
        _reference("search_reviews", "reviewed_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_reviews")),
    )
    op.create_index(
        op.f("ix_search_reviews_agency_id_outcome"), "search_reviews", ["agency_id", "outcome"]
    )
    op.create_index(op.f("ix_search_reviews_ledger_index"), "search_reviews", ["ledger_index"])


def _make_read_confirmations() -> None:
    op.create_table(
        "read_confirmations",
        sa.Column("id", _row_id, nullable=False),
        sa.Column("unit_id", _row_id, nullable=False),
        sa.Column("captured_at", _moment, nullable=False),
        sa.Column("read_id", sa.Uuid(), nullable=False),
        sa.Column("source_agency_id", _row_id, nullable=False),
        sa.Column("agency_id", _row_id, nullable=False),
        sa.Column("case_id", _row_id, nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=False),
        sa.Column("confirmed_at", _moment, nullable=False),
        sa.Column("spoke_with", sa.String(length=200), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        _reference("read_confirmations", "source_agency_id", "agencies.id"),
        _reference("read_confirmations", "agency_id", "agencies.id"),
        _reference("read_confirmations", "case_id", "cases.id"),
        _reference("read_confirmations", "confirmed_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_read_confirmations")),
    )
    op.create_index(op.f("ix_read_confirmations_case_id"), "read_confirmations", ["case_id"])
    op.create_index(
        op.f("ix_read_confirmations_unit_id_captured_at_read_id"),
        "read_confirmations",
        ["unit_id", "captured_at", "read_id"],
    )


def _make_agency_search_rules() -> None:
    op.create_table(
        "agency_search_rules",
        sa.Column("agency_id", _row_id, autoincrement=False, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("set_by", sa.String(length=64), nullable=False),
        sa.Column("set_by_name", sa.String(length=200), nullable=False),
        sa.Column("set_at", _moment, nullable=False),
        _reference("agency_search_rules", "agency_id", "agencies.id"),
        sa.PrimaryKeyConstraint("agency_id", name=op.f("pk_agency_search_rules")),
    )


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{to.partition('.')[0]}"
    return sa.ForeignKeyConstraint([column], [to], name=op.f(name))
