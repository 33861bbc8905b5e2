"""People and their accounts, as other rooms use them."""

from __future__ import annotations

from dataclasses import dataclass

from repository.accounts.administration import Administration
from repository.accounts.api_tokens_desk import ApiTokenDesk
from repository.accounts.sessions_unlock import SessionUnlock


@dataclass(frozen=True)
class Accounts(Administration, ApiTokenDesk, SessionUnlock):
    """Everything that is done with accounts."""
