"""Sign-ins at agencies' own providers are kept once they came back, not while under way."""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Forget what is under way: who is at a provider just then begins again."""
    op.execute("DELETE FROM oidc_sign_ins")
    for name in ("browser_digest", "agency", "nonce", "verifier"):
        op.drop_column("oidc_sign_ins", name)
    op.alter_column("oidc_sign_ins", "created_at", new_column_name="begun_at")
