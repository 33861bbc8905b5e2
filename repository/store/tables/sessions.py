"""Tables of what lives after a sign-in: sessions, tokens of services, sign-ins elsewhere.

`repository.accounts` says what they mean and is the only room that writes here. Whatever opens
something is kept as its SHA-256: the thing itself is known to its bearer alone.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, String, Table, Uuid

from repository.store.tables.base import RowId, UtcDateTime, metadata

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_digest", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("unit_id", RowId, ForeignKey("units.id")),
    Column("second_factor", Boolean, nullable=False),
    Column("by_provider", Boolean, nullable=False),
    Column("origin", String(64), nullable=False),
    Column("last_origin", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    Column("locked_at", UtcDateTime),
    Column("earlier_origin", String(64)),
    Column("moved_at", UtcDateTime),
    Index(None, "user_id"),
)
"""Open sessions. ``id`` names one in lists and opens nothing; ``token_digest`` changes with every
change of what the session may do. ``created_at`` is that of the full sign-in. ``kind`` is ``desk``
or ``vehicle``, and a vehicle's has its ``unit_id``. ``second_factor`` tells that one was shown, and
``by_provider`` that it was the agency's own provider who knew the person. ``origin`` is the
address of the sign-in and ``last_origin`` that of the last use, before which it was
``earlier_origin`` until ``moved_at``."""

shared_uses = Table(
    "shared_uses",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("one_origin", String(140), nullable=False),
    Column("other_origin", String(140), nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),
    Index(None, "user_id", "last_at"),
)
"""One login used in two places at about the same time; ``told_at`` is when its person learnt
of it, at the sign-in after."""

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("token_digest", LargeBinary(32), nullable=False, unique=True),
    Column("name", String(63), nullable=False),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("scopes", String(255), nullable=False),
    Column("made_by", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("last_origin", String(64)),
    Column("revoked_at", UtcDateTime),
    Index(None, "user_id"),
)
"""What a service signs in with, for the person who answers for it. A row is never deleted: the
ledger speaks of it. ``scopes`` are separated by spaces."""

oidc_sign_ins = Table(
    "oidc_sign_ins",
    metadata,
    Column("state_digest", LargeBinary(32), primary_key=True),
    Column("begun_at", UtcDateTime, nullable=False),
)
"""Sign-ins that came back from an agency's own provider, until they would be too old to: each is
good once."""

oidc_subjects = Table(
    "oidc_subjects",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("provider_digest", LargeBinary(32), nullable=False),
    Column("subject_digest", LargeBinary(32), nullable=False),
    Column("bound_at", UtcDateTime, nullable=False),
    Index(None, "subject_digest"),
)
"""Who came in first by an account at the agency's own provider (issuer and client), by the claim
``sub``."""
