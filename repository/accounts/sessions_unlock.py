"""Opening a locked session again, with the password alone while the full sign-in still stands."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from repository.accounts import sessions
from repository.accounts.errors import SessionEndedError
from repository.accounts.second_factors import Matched
from repository.accounts.sessions_use import Session
from repository.accounts.signing_in import NOTHING, SigningIn
from repository.accounts.standing import Step
from repository.accounts.users import SecretAccount


@dataclass(frozen=True)
class SessionUnlock(SigningIn):
    """Unlocking; failures count towards the account's lock as those of sign-ins do."""

    def unlock_session(self, token: str, password: str, origin: str) -> Session:
        """The session under a new token; the one before opens nothing any more.

        Raises:
            SessionEndedError: if the token opens no session, locked or not, or one that the
                agency's own provider has to open anew.
            SignInRefusedError: if the password is not right.
            TooManySignInsError: if too many failed from there before.
        """
        with self.engine.begin() as connection:
            user = self._holder(connection, token)
            if sessions.find(connection, token, self.terms, self.now()).by_provider:
                raise SessionEndedError

        def rotate(
            connection: Connection, account: SecretAccount, _matched: Matched | None
        ) -> Session:
            now = self.now()
            held = sessions.find(connection, token, self.terms, now)
            self._log(connection, "accounts.unlock_session", account.user.actor, origin, held)
            return Session(sessions.rotate(connection, held, token, now), account.user)

        return self._sign_in(
            user.login, password, origin, NOTHING, rotate, before=Step.PASSWORD, in_session=True
        )
