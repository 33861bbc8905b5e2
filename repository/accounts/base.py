"""What signing in and administering accounts both stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from repository.accounts import users
from repository.accounts.hashing import Passwords
from repository.accounts.settings import AccountSettings
from repository.accounts.users import SecretAccount
from repository.store.engine import reading


@dataclass(frozen=True)
class AccountsBase:
    """The database, the clock and the hashing of passwords."""

    engine: Engine
    now: Callable[[], datetime]
    passwords: Passwords = field(default_factory=Passwords)
    settings: AccountSettings = field(default_factory=lambda: AccountSettings())

    def _find(self, login: str) -> SecretAccount | None:
        with reading(self.engine) as connection:
            return users.find(connection, login)
