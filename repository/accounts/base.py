"""What signing in and administering accounts both stand on."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine

from repository.accounts import challenges, standing, users
from repository.accounts.acknowledgement import Words, load_words
from repository.accounts.challenges import Purpose
from repository.accounts.hashing import Passwords
from repository.accounts.passkeys import Party
from repository.accounts.settings import AccountSettings
from repository.accounts.users import SecretAccount
from repository.store.engine import reading

_shipped_words = functools.cache(load_words)


@dataclass(frozen=True)
class AccountsBase:
    """What they work with: ``factors_key`` loads the key that second factors are sealed under."""

    engine: Engine
    now: Callable[[], datetime]
    factors_key: Callable[[], bytes]
    passwords: Passwords = field(default_factory=Passwords)
    settings: AccountSettings = field(default_factory=lambda: AccountSettings())
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    words: Callable[[], Words] = _shipped_words

    @property
    def party(self) -> Party:
        """Who passkeys are made for."""
        return Party(self.settings.web_origin)

    @property
    def rule(self) -> standing.Rule:
        """What people must have signed, and for how long that is good."""
        valid = timedelta(days=self.settings.acknowledgement_valid_days)
        return standing.Rule(self.words().sha256, valid)

    def _challenge(self, purpose: Purpose, user_id: UUID | None) -> bytes:
        """Something for a passkey to sign."""
        return challenges.make(self.factors_key(), purpose, user_id, self.now(), self.random_bytes)

    def _find(self, login: str) -> SecretAccount | None:
        with reading(self.engine) as connection:
            return users.find(connection, login)
