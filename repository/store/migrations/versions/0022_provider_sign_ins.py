"""Sign-ins at agencies' own providers are kept once they came back, and whom each account means."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Forget what is under way: who is at a provider just then begins again."""
    op.execute("DELETE FROM oidc_sign_ins")
    for name in ("browser_digest", "agency", "nonce", "verifier"):
        op.drop_column("oidc_sign_ins", name)
    op.alter_column("oidc_sign_ins", "created_at", new_column_name="begun_at")
    op.create_table(
        "oidc_subjects",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("provider_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("subject_digest", sa.LargeBinary(32), nullable=False),
        sa.Column("bound_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_oidc_subjects")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_oidc_subjects_user_id_users")
        ),
    )
    op.create_index(op.f("ix_oidc_subjects_subject_digest"), "oidc_subjects", ["subject_digest"])
