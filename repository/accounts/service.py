"""People and their accounts, as other rooms use them."""

from __future__ import annotations

from dataclasses import dataclass

from repository.accounts.administration import Administration
from repository.accounts.signing_in import SigningIn


@dataclass(frozen=True)
class Accounts(Administration, SigningIn):
    """Everything that is done with accounts."""
