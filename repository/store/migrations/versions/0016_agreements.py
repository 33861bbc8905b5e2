"""What agencies sign, who represents them, and what must be signed anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from repository import business_days

revision = "0016"
down_revision = "0015"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SIGN_WITHIN_DAYS = 10  # the user agreement, section 4.0


def upgrade() -> None:
    """Add the tables. Agencies that are there are to sign within ten business days from now."""
    op.add_column("agencies", sa.Column("kind", sa.String(20)))
    _make(
        "papers",
        [
            sa.Column("sha256", sa.String(64), nullable=False),
            _text("media_type", 64),
            sa.Column("size_bytes", sa.Integer(), nullable=False),
            sa.Column("sealed", sa.LargeBinary(), nullable=False),
            _moment("kept_at"),
        ],
        key=["sha256"],
    )
    _make_signing()
    _make_policies()
    _make_units()
    _make_misuse()
    _remind_agencies()


def _make_signing() -> None:
    _make(
        "agreements",
        [
            _id(),
            _reference("agency_id"),
            _text("version", 100),
            _text("text_sha256", 64),
            _text("copy_sha256", 64),
            _text("signed_by", 200),
            _text("signed_as", 200),
            _day("signed_on"),
            *_recorded(),
        ],
        references={"agency_id": "agencies", "text_sha256": "papers", "copy_sha256": "papers"},
        indexes=[["agency_id", "signed_on"]],
    )
    _make(
        "agreement_dues",
        [
            _id(),
            _reference("agency_id"),
            _text("cause", 30),
            _text("detail", 500),
            _day("arose_on"),
            _day("due_on"),
            _reference("settled_by", nullable=True),
        ],
        references={"agency_id": "agencies", "settled_by": "agreements"},
        indexes=[["agency_id"]],
    )
    _make(
        "representatives",
        [
            _id(),
            _reference("agency_id"),
            _text("post", 30),
            _text("name", 200),
            _text("title", 200),
            _text("phone", 40),
            _text("email", 254),
            sa.Column("user_id", sa.Uuid()),
            _day("from_on"),
            _day("until_on", nullable=True),
            *_recorded(),
        ],
        references={"agency_id": "agencies", "user_id": "users"},
        indexes=[["agency_id", "post"]],
    )


def _make_policies() -> None:
    _make(
        "policies",
        [
            _id(),
            _reference("agency_id", nullable=True),
            _text("kind", 20),
            _text("title", 200),
            _text("version", 100),
            _text("party", 200, nullable=True),
            _text("text_sha256", 64),
            _day("adopted_on"),
            _day("ended_on", nullable=True),
            *_recorded(),
        ],
        references={"agency_id": "agencies", "text_sha256": "papers"},
        indexes=[["agency_id"]],
    )
    _make(
        "policy_reviews",
        [
            _id(),
            _reference("policy_id"),
            _day("reviewed_on"),
            _text("outcome", 10),
            sa.Column("recommendation", sa.Text(), nullable=False),
            _text("reviewed_by_name", 200),
            _moment("recorded_at"),
        ],
        references={"policy_id": "policies"},
        indexes=[["policy_id"]],
    )


def _make_units() -> None:
    _make(
        "deployments",
        [
            _id(),
            _reference("unit_id"),
            _text("purpose", 500),
            _text("area", 500),
            _moment("from_at"),
            _moment("until_at"),
            _text("approved_by_name", 200),
            _text("approved_as", 200),
            *_recorded(),
            _moment("ended_at", nullable=True),
            _text("ended_by_name", 200, nullable=True),
            sa.Column("result", sa.Text()),
        ],
        references={"unit_id": "units"},
        indexes=[["unit_id", "from_at"]],
    )
    _make(
        "unit_log",
        [
            _id(),
            _reference("unit_id"),
            _text("kind", 20),
            _moment("at"),
            _text("detail", 2000),
            _text("done_by", 200),
            sa.Column("authorized", sa.Boolean()),
            *_recorded(),
        ],
        references={"unit_id": "units"},
        indexes=[["unit_id", "kind", "at"]],
    )
    _make(
        "upkeep_plans",
        [
            _reference("unit_id"),
            _text("kind", 20),
            sa.Column("every_days", sa.Integer(), nullable=False),
            _text("advice", 500),
            _moment("since"),
        ],
        key=["unit_id", "kind"],
        references={"unit_id": "units"},
    )
    _make(
        "repair_sources",
        [
            _id(),
            _reference("agency_id"),
            _text("name", 200),
            _text("authorized_by_name", 200),
            _moment("from_at"),
            _moment("until_at", nullable=True),
        ],
        references={"agency_id": "agencies"},
        indexes=[["agency_id"]],
    )


def _make_misuse() -> None:
    _make(
        "misuse_reports",
        [
            _id(),
            _reference("agency_id"),
            _text("found_by", 10),
            _text("reported_by", 64),
            _text("reported_by_name", 200),
            _moment("reported_at"),
            sa.Column("against_user_id", sa.Uuid()),
            sa.Column("what", sa.Text(), nullable=False),
            sa.Column("to_operator", sa.Boolean(), nullable=False),
            _day("due_on"),
            sa.Column("misused", sa.Boolean()),
            sa.Column("circumstances", sa.Text()),
            sa.Column("actions", sa.Text()),
            sa.Column("prevention", sa.Text()),
            _text("answered_by_name", 200, nullable=True),
            _moment("answered_at", nullable=True),
            _text("closed_by_name", 200, nullable=True),
            _moment("closed_at", nullable=True),
            sa.Column("close_reason", sa.Text()),
        ],
        references={"agency_id": "agencies", "against_user_id": "users"},
        indexes=[["agency_id"]],
    )


def _remind_agencies() -> None:
    today = business_days.day_of(datetime.now(UTC))
    op.get_bind().execute(
        sa.text(
            "INSERT INTO agreement_dues (agency_id, cause, detail, arose_on, due_on) "
            "SELECT id, 'not_on_file', 'took part before agreements were kept here', "
            ":today, :due FROM agencies ORDER BY id"
        ).bindparams(
            sa.bindparam("today", today, sa.Date()),
            sa.bindparam("due", business_days.add(today, _SIGN_WITHIN_DAYS), sa.Date()),
        )
    )


def _make(
    name: str,
    columns: Sequence[sa.Column[object]],
    *,
    key: Sequence[str] = ("id",),
    references: dict[str, str] | None = None,
    indexes: Sequence[Sequence[str]] = (),
) -> None:
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{name}")),
        *(
            sa.ForeignKeyConstraint(
                [column],
                [f"{table}.{'sha256' if table == 'papers' else 'id'}"],
                name=op.f(f"fk_{name}_{column}_{table}"),
            )
            for column, table in (references or {}).items()
        ),
    )
    for each in indexes:
        op.create_index(op.f(f"ix_{name}_{'_'.join(each)}"), name, list(each))


def _id() -> sa.Column[object]:
    return sa.Column("id", _row_id, nullable=False)


def _reference(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, _row_id, autoincrement=False, nullable=nullable)


def _text(name: str, length: int, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(length), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _day(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Date(), nullable=nullable)


def _recorded() -> list[sa.Column[object]]:
    return [_text("recorded_by_name", 200), _moment("recorded_at")]
