"""What people may do: roles, positions, training, login requests, reviews of the lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Whoever has an account could search, and may as officer and investigator still."""
    for name, length in (("roles", 255), ("position", 100)):
        column: sa.Column[str] = sa.Column(
            name, sa.String(length), nullable=False, server_default=""
        )
        op.add_column("users", column)
    op.execute("UPDATE users SET roles = 'investigator,officer'")
    for name, length in (("email", 254), ("phone", 32), ("disabled_why", 200)):
        op.add_column("users", sa.Column(name, sa.String(length)))
    op.add_column("users", sa.Column("last_used_at", sa.DateTime(timezone=True)))
    _count_use_from_now()
    _make_login_requests()
    _make_trainings()
    _make_user_reviews()
    _make_bulletins()


def _count_use_from_now() -> None:
    """Nobody knows when accounts were used before: none is closed for disuse at once."""
    moment = sa.DateTime(timezone=True)
    users = sa.table("users", sa.column("last_used_at", moment))
    now = datetime.now(UTC)
    if op.get_bind().dialect.name == "sqlite":
        now = now.replace(tzinfo=None)
    op.execute(users.update().values(last_used_at=now))


def _make_login_requests() -> None:
    _make(
        "login_requests",
        [
            _number("id"),
            _number("agency_id"),
            *_contact(),
            sa.Column("reason", sa.Text(), nullable=False),
            sa.Column("origin", sa.String(64), nullable=False),
            _moment("received_at"),
            sa.Column("decision", sa.String(7)),
            sa.Column("decided_by", sa.String(64)),
            _name("decided_by_name", nullable=True),
            _moment("decided_at", nullable=True),
            sa.Column("decision_reason", sa.Text()),
            _person("user_id", nullable=True),
        ],
        keys=["id"],
        references={"agency_id": "agencies", "user_id": "users"},
        indexed=["agency_id", "decided_at"],
    )


def _make_trainings() -> None:
    _make(
        "trainings",
        [
            _number("id"),
            _person("user_id"),
            _name("course"),
            _name("taught_by"),
            sa.Column("taken_on", sa.Date(), nullable=False),
            sa.Column("good_until", sa.Date(), nullable=False),
            sa.Column("recorded_by", sa.String(64), nullable=False),
            _name("recorded_by_name"),
            _moment("recorded_at"),
            _name("struck_by_name", nullable=True),
            _moment("struck_at", nullable=True),
            sa.Column("strike_reason", sa.Text()),
        ],
        keys=["id"],
        references={"user_id": "users"},
        indexed=["user_id", "good_until"],
    )


def _make_user_reviews() -> None:
    signatures: list[sa.Column[object]] = [
        column
        for who in ("representative", "head")
        for column in (
            _person(f"{who}_id", nullable=True),
            _name(f"{who}_name", nullable=True),
            _moment(f"{who}_at", nullable=True),
        )
    ]
    _make(
        "user_reviews",
        [
            _number("id"),
            _number("agency_id"),
            _moment("opened_at"),
            _name("opened_by_name"),
            sa.Column("digest", sa.String(64)),
            *signatures,
        ],
        keys=["id"],
        references={"agency_id": "agencies", "representative_id": "users", "head_id": "users"},
        indexed=["agency_id", "head_at"],
    )
    _make(
        "user_review_lines",
        [
            _number("review_id"),
            _person("user_id"),
            sa.Column("login", sa.String(64), nullable=False),
            _name("name"),
            sa.Column("position", sa.String(100), nullable=False),
            sa.Column("roles", sa.String(255), nullable=False),
            sa.Column("confirmed", sa.Boolean(), nullable=False),
        ],
        keys=["review_id", "user_id"],
        references={"review_id": "user_reviews", "user_id": "users"},
    )


def _make_bulletins() -> None:
    _make(
        "bulletins",
        [
            _number("id"),
            _number("agency_id", nullable=True),
            sa.Column("about", sa.String(8), nullable=False),
            _name("title"),
            sa.Column("body", sa.Text(), nullable=False),
            sa.Column("published_by", sa.String(64), nullable=False),
            _name("published_by_name"),
            _moment("published_at"),
            _name("withdrawn_by_name", nullable=True),
            _moment("withdrawn_at", nullable=True),
        ],
        keys=["id"],
        references={"agency_id": "agencies"},
    )
    _make(
        "bulletin_readings",
        [
            _number("bulletin_id"),
            _person("user_id"),
            _moment("read_at"),
        ],
        keys=["bulletin_id", "user_id"],
        references={"bulletin_id": "bulletins", "user_id": "users"},
    )


def _make(
    name: str,
    columns: Sequence[sa.Column[object]],
    *,
    keys: Sequence[str],
    references: dict[str, str],
    indexed: Sequence[str] = (),
) -> None:
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{name}")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_{name}_{column}_{table}")
            )
            for column, table in references.items()
        ),
    )
    if indexed:
        op.create_index(op.f(f"ix_{name}_{'_'.join(indexed)}"), name, list(indexed))


def _contact() -> list[sa.Column[object]]:
    return [
        _name("name"),
        sa.Column("position", sa.String(100), nullable=False),
        sa.Column("phone", sa.String(32), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
    ]


def _number(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, _row_id, nullable=nullable)


def _person(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _name(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(200), nullable=nullable)
