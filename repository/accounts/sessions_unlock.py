"""Opening a locked session again while the full sign-in still stands.

The password does it alone, or in its place a passkey that makes sure of its person.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from repository.accounts import passkeys, second_factors, sessions
from repository.accounts.challenges import Purpose
from repository.accounts.errors import (
    AccountError,
    SessionEndedError,
    SignInRefusedError,
    UnlockRefusedError,
)
from repository.accounts.second_factors import Matched, Offered
from repository.accounts.sessions_use import Session
from repository.accounts.signing_in import NOTHING, SigningIn
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.accounts.users import SecretAccount
from repository.store.engine import reading


@dataclass(frozen=True)
class SessionUnlock(SigningIn):
    """Unlocking; failures count towards the account's lock as those of sign-ins do."""

    def unlock_challenge(self, token: str, origin: str) -> str:
        """What the person's browser is asked to unlock the session by a passkey, as JSON.

        Raises:
            SessionEndedError: as in `unlock_session`.
            TooMuchAskedError: as there.
            AccountError: if the person has no passkey.
        """
        user = self._unlocking(token, origin)
        with reading(self.engine) as connection:
            known = second_factors.credential_ids(connection, user.id)
        if not known:
            raise AccountError("passkey: you have none; unlock with your password")
        challenge = self._challenge(Purpose.UNLOCK, user.id)
        return passkeys.unlock_options(self.party, challenge, known)

    def unlock_session(
        self, token: str, password: str, origin: str, *, passkey: str = ""
    ) -> Session:
        """The session under a new token; the one before opens nothing any more.

        ``passkey`` is the browser's answer to `unlock_challenge`, in place of the password.

        Raises:
            SessionEndedError: if the token opens no session, locked or not, or one that is bound
                to another address, or that the agency's own provider has to open anew.
            TooMuchAskedError: if too much was asked by the person, or from there, just now.
            UnlockRefusedError: if the password or the passkey's answer is not right.
            TooManySignInsError: if too many failed from there before.
        """
        user = self._unlocking(token, origin)
        offered = Offered(passkey=passkey, alone=True) if passkey else NOTHING

        def rotate(
            connection: Connection, account: SecretAccount, _matched: Matched | None
        ) -> Session:
            now = self.now()
            held = sessions.find(connection, token, self.terms, now)
            self._log(connection, "accounts.unlock_session", account.user.actor, origin, held)
            return Session(sessions.rotate(connection, held, token, now), account.user)

        try:
            return self._sign_in(
                user.login, password, origin, offered, rotate, before=Step.PASSWORD, in_session=True
            )
        except SignInRefusedError:
            raise UnlockRefusedError from None

    def _unlocking(self, token: str, origin: str) -> User:
        inside = self.in_session(token, origin, locked_too=True)
        if inside.held.by_provider:
            raise SessionEndedError
        return inside.user
