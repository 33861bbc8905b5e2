"""What stands before the first look: acknowledgements, second factors, old passwords."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables. A person's previous password becomes the first of their old ones."""
    _make_acknowledgements()
    _make_second_factors()
    _make(
        "old_passwords",
        [_row_id(), _user(), sa.Column("password_hash", sa.String(255), nullable=False)],
        keys=["id"],
        indexed=["user_id"],
    )
    op.execute(
        "INSERT INTO old_passwords (user_id, password_hash) "
        "SELECT id, previous_hash FROM users WHERE previous_hash IS NOT NULL"
    )
    op.drop_column("users", "previous_hash")


def _make_acknowledgements() -> None:
    op.create_table(
        "acknowledgement_words",
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        _moment("first_signed_at"),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_acknowledgement_words")),
    )
    _make(
        "acknowledgements",
        [
            _row_id(),
            _user(),
            sa.Column("sha256", sa.String(64), nullable=False),
            sa.Column("name", sa.String(200), nullable=False),
            _moment("signed_at"),
            sa.Column("origin", sa.String(64), nullable=False),
        ],
        sa.ForeignKeyConstraint(
            ["sha256"],
            ["acknowledgement_words.sha256"],
            name=op.f("fk_acknowledgements_sha256_acknowledgement_words"),
        ),
        keys=["id"],
        indexed=["user_id", "signed_at"],
    )


def _make_second_factors() -> None:
    _make(
        "totp_secrets",
        [
            _row_id(),
            _user(),
            sa.Column("sealed", sa.LargeBinary(), nullable=False),
            _moment("made_at"),
            _moment("confirmed_at", nullable=True),
            sa.Column("last_step", sa.BigInteger(), nullable=False),
        ],
        keys=["id"],
        indexed=["user_id"],
    )
    _make(
        "recovery_codes",
        [_user(), sa.Column("digest", sa.LargeBinary(32), nullable=False)],
        keys=["user_id", "digest"],
    )
    _make(
        "passkeys",
        [
            _row_id(),
            _user(),
            sa.Column("credential_id", sa.LargeBinary(), nullable=False),
            sa.Column("public_key", sa.LargeBinary(), nullable=False),
            sa.Column("sign_count", sa.BigInteger(), nullable=False),
            sa.Column("name", sa.String(100), nullable=False),
            _moment("made_at"),
        ],
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
        keys=["id"],
        indexed=["user_id"],
    )
    _make(
        "passkey_challenges",
        [
            sa.Column("challenge", sa.LargeBinary(32), nullable=False),
            _user(nullable=True),
            _moment("made_at"),
        ],
        keys=["challenge"],
        indexed=["made_at"],
    )


def _make(
    name: str,
    columns: Sequence[sa.Column[object]],
    *constraints: sa.Constraint,
    keys: Sequence[str],
    indexed: Sequence[str] = (),
) -> None:
    """A table of people, which refers to the users."""
    op.create_table(
        name,
        *columns,
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{name}")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{name}_user_id_users")),
        *constraints,
    )
    if indexed:
        op.create_index(op.f(f"ix_{name}_{'_'.join(indexed)}"), name, list(indexed))


def _row_id() -> sa.Column[object]:
    return sa.Column("id", _ROW_ID, nullable=False)


def _user(*, nullable: bool = False) -> sa.Column[object]:
    return sa.Column("user_id", sa.Uuid(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)
