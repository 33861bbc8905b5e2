"""People and how they sign in, built from settings."""

from __future__ import annotations

import functools

from sqlalchemy import Engine

from repository.accounts.oidc_provider import Provider
from repository.accounts.people import People
from repository.accounts.service import Accounts
from repository.bootstrap.foundation import Foundation
from repository.bootstrap.keys import FACTORS_KEY
from repository.store import keyfiles
from repository.store.engine import open_engine


class AccountServices(Foundation):
    """Who people are."""

    @functools.cached_property
    def accounts(self) -> Accounts:
        """People and their sessions."""
        path = self.settings.keys_folder / FACTORS_KEY
        return Accounts(
            self._accounts_engine,
            self.clock,
            functools.cache(lambda: keyfiles.load_secret(path)),
            settings=self.settings.accounts,
            random_bytes=self.random_bytes,
            providers={each.agency: Provider(each) for each in self.settings.accounts.oidc},
        )

    @functools.cached_property
    def people(self) -> People:
        """Requests for logins, training, reviews of the lists of users, and bulletins."""
        return People(self.accounts)

    @functools.cached_property
    def _accounts_engine(self) -> Engine:
        """The connections over which passwords are read, where that is a matter of another role."""
        apart = self.settings.accounts_database
        return self.engine if apart is None else open_engine(apart)
