"""Tables of what stands before the first look: acknowledgements, second factors, old passwords.

`repository.accounts` says what they mean and is the only room that writes here.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
)

from repository.store.tables.base import RowId, UtcDateTime, metadata

acknowledgement_words = Table(
    "acknowledgement_words",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("source", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("first_signed_at", UtcDateTime, nullable=False),
)
"""The words that people signed, as they were; ``sha256`` is that of words and terms."""

acknowledgements = Table(
    "acknowledgements",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("sha256", String(64), ForeignKey("acknowledgement_words.sha256"), nullable=False),
    Column("name", String(200), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("origin", String(64), nullable=False),
    Index(None, "user_id", "signed_at"),
)
"""Signatures, kept at all times: a row is never changed or deleted. ``name`` is as typed."""

old_passwords = Table(
    "old_passwords",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Index(None, "user_id"),
)
"""Passwords of before, argon2id in PHC form, as many as the settings say; the newest has the
greatest id."""

totp_secrets = Table(
    "totp_secrets",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
    Column("last_step", BigInteger, nullable=False),
    Index(None, "user_id"),
)
"""Secrets of authenticator apps, sealed under the key of second factors; a person has one that is
confirmed at most, and one that waits for its first code. ``last_step`` is the time step (RFC 6238)
of the last code that was taken: only later ones are."""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Uuid, ForeignKey("users.id"), primary_key=True),
    Column("digest", LargeBinary(32), primary_key=True),
)
"""Codes not used yet, as SHA-256: they are random and long enough."""

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id"), nullable=False),
    Column("credential_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("name", String(100), nullable=False),
    Column("made_at", UtcDateTime, nullable=False),
    Index(None, "user_id"),
)
"""Public keys (COSE) of passkeys, and how often each signed, as it last said itself."""

passkey_challenges = Table(
    "passkey_challenges",
    metadata,
    Column("challenge", LargeBinary(32), primary_key=True),
    Column("user_id", Uuid, ForeignKey("users.id")),
    Column("made_at", UtcDateTime, nullable=False),
    Index(None, "made_at"),
)
"""Challenges that passkeys answered rightly, kept until they are too old to be answered again;
``made_at`` is the time that each carries, and ``user_id`` whose passkey it was."""

TABLES = (
    acknowledgement_words,
    acknowledgements,
    old_passwords,
    totp_secrets,
    recovery_codes,
    passkeys,
    passkey_challenges,
)
