"""People and their accounts, as other rooms use them."""

from __future__ import annotations

from dataclasses import dataclass

from repository.accounts.administration import Administration
from repository.accounts.api_tokens_desk import ApiTokenDesk
from repository.accounts.oidc_sign_in import OidcSignIn
from repository.accounts.own_account import OwnAccount
from repository.accounts.sessions_vehicle import VehicleSignIn


@dataclass(frozen=True)
class Accounts(Administration, ApiTokenDesk, OwnAccount, OidcSignIn, VehicleSignIn):
    """Everything that is done with accounts."""
