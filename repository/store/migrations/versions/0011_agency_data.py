"""Corrections, errors reported, forwarding, access that ended."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables; those that are there gain columns that may be empty."""
    op.add_column("agencies", sa.Column("access", sa.String(9)))
    op.add_column("agencies", sa.Column("access_changed_at", sa.DateTime(timezone=True)))
    for column in ("captured_from", "captured_to"):
        op.add_column("batches", sa.Column(column, sa.DateTime(timezone=True)))
    _make(
        "former_unit_keys",
        [
            sa.Column("key_id", sa.String(16), nullable=False),
            _reference("unit_id"),
            sa.Column("public_key", sa.LargeBinary(), nullable=False),
            _moment("enrolled_at"),
            _moment("revoked_at"),
        ],
        keys=["key_id"],
        to_units=True,
    )
    _make_data_tables()
    _make_forwarding()


def _make_data_tables() -> None:
    _make(
        "read_corrections",
        [
            *_read_columns(),
            _reference("agency_id"),
            sa.Column("plate", sa.String(12), nullable=False),
            sa.Column("plate_folded", sa.String(12), nullable=False),
            sa.Column("state", sa.String(2)),
            *_by("corrected"),
        ],
        keys=["unit_id", "captured_at", "read_id"],
        to_agencies=["agency_id"],
    )
    for column in ("plate", "plate_folded"):
        name = op.f(f"ix_read_corrections_{column}_captured_at")
        op.create_index(name, "read_corrections", [column, "captured_at"])
    _make(
        "withdrawn_reads",
        [*_read_columns(), _reference("agency_id"), *_by("withdrawn")],
        keys=["unit_id", "captured_at", "read_id"],
        to_agencies=["agency_id"],
    )
    _make(
        "error_reports",
        [
            sa.Column("id", _row_id, nullable=False),
            _reference("agency_id"),
            *_read_columns(),
            _reference("reporter_agency_id"),
            *_by("reported"),
            _moment("due_at"),
            sa.Column("error", sa.Text()),
            sa.Column("answer", sa.String(9)),
            sa.Column("answer_text", sa.Text()),
            *_by("answered", nullable=True),
        ],
        keys=["id"],
        to_agencies=["agency_id", "reporter_agency_id"],
    )
    for columns in (
        ["agency_id", "answered_at"],
        ["reporter_agency_id"],
        ["unit_id", "captured_at", "read_id"],
    ):
        op.create_index(op.f(f"ix_error_reports_{'_'.join(columns)}"), "error_reports", columns)
    _make(
        "monthly_counts",
        [
            _reference("agency_id"),
            sa.Column("month", sa.Date(), nullable=False),
            sa.Column("kind", sa.String(32), nullable=False),
            sa.Column("number", sa.BigInteger(), nullable=False),
        ],
        keys=["agency_id", "month", "kind"],
        to_agencies=["agency_id"],
    )


def _make_forwarding() -> None:
    _make(
        "forwarded_units",
        [
            _reference("unit_id"),
            sa.Column("through", sa.BigInteger(), nullable=False),
            sa.Column("root", sa.String(64), nullable=False),
            sa.Column("gap_through", sa.BigInteger()),
            sa.Column("gap_reason", sa.String(200)),
            sa.Column("refused", sa.String(500)),
            _moment("updated_at"),
        ],
        keys=["unit_id"],
        to_units=True,
    )
    _make(
        "forwarded_pictures",
        [_reference("unit_id"), sa.Column("sha256", sa.String(64), nullable=False)],
        keys=["unit_id", "sha256"],
        to_units=True,
    )
    _make(
        "forward_filters",
        [
            sa.Column("id", _row_id, nullable=False),
            _reference("agency_id"),
            sa.Column("unit_id", _row_id),
            sa.Column("camera", sa.String(63)),
            _moment("since"),
            _moment("until", nullable=True),
            sa.Column("reason", sa.Text(), nullable=False),
            sa.Column("set_by_name", sa.String(200), nullable=False),
            _moment("set_at"),
            sa.Column("ended_by_name", sa.String(200)),
            _moment("ended_at", nullable=True),
        ],
        keys=["id"],
        to_agencies=["agency_id"],
        to_units=True,
    )
    op.create_index(op.f("ix_forward_filters_agency_id"), "forward_filters", ["agency_id"])


def _make(
    name: str,
    columns: Sequence[sa.Column[object]],
    *,
    keys: Sequence[str],
    to_agencies: Sequence[str] = (),
    to_units: bool = False,
) -> None:
    references = [(column, "agencies") for column in to_agencies]
    references += [("unit_id", "units")] if to_units else []
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{name}")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}_{table}")
            )
            for column, table in references
        ),
    )


def _reference(name: str) -> sa.Column[object]:
    return sa.Column(name, _row_id, autoincrement=False, nullable=False)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _read_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("unit_id", _row_id, autoincrement=False, nullable=False),
        _moment("captured_at"),
        sa.Column("read_id", sa.Uuid(), nullable=False),
    ]


def _by(done: str, *, nullable: bool = False) -> list[sa.Column[object]]:
    return [
        sa.Column(f"{done}_by", sa.String(64), nullable=nullable),
        sa.Column(f"{done}_by_name", sa.String(200), nullable=nullable),
        _moment(f"{done}_at", nullable=nullable),
    ]
