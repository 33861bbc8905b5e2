"""Making, changing and closing others' accounts: each use case one transaction, on the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from repository.accounts import sessions, users
from repository.accounts.base import AccountsBase
from repository.accounts.errors import AccountError
from repository.accounts.password_rule import one_time_password
from repository.accounts.user import User, check_login, check_name
from repository.accounts.users import Account, SecretAccount
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed


@dataclass(frozen=True)
class Administration(AccountsBase):
    """What administrators do with others' accounts."""

    def bootstrap(self, login: str, name: str, agency: str, by: Actor, origin: str) -> str:
        """Make the very first user and give their one-time password.

        Raises:
            AccountError: if there is a user already, or the agency is not known.
        """
        return self._add(login, name, agency, by, origin, first=True)

    def add(self, login: str, name: str, agency: str, by: Actor, origin: str) -> str:
        """Make a user and give their one-time password.

        Raises:
            AccountError: if the login is taken or not in form, or the agency is not known.
        """
        return self._add(login, name, agency, by, origin, first=False)

    def reset_password(self, login: str, by: Actor, origin: str) -> str:
        """Give a user a new one-time password; every session of theirs ends.

        Raises:
            AccountError: if there is no such user.
        """
        password = one_time_password()
        hashed = self.passwords.hash(password)

        def reset(connection: Connection, account: SecretAccount) -> None:
            users.set_password(connection, account, hashed, must_change=True)
            sessions.end_all(connection, account.user.id)

        self._change(login, "accounts.reset_password", by, origin, reset)
        return password

    def disable(self, login: str, by: Actor, origin: str) -> None:
        """Close a user's account at once; every session of theirs ends.

        Raises:
            AccountError: if there is no such user.
        """

        def close(connection: Connection, account: SecretAccount) -> None:
            users.disable(connection, account.user.id, self.now())
            sessions.end_all(connection, account.user.id)

        self._change(login, "accounts.disable", by, origin, close)

    def unlock(self, login: str, by: Actor, origin: str) -> None:
        """Release an account that failed sign-ins have locked.

        Raises:
            AccountError: if there is no such user.
        """

        def release(connection: Connection, account: SecretAccount) -> None:
            users.release(connection, account.user.id)

        self._change(login, "accounts.unlock", by, origin, release)

    def everyone(self, by: Actor, origin: str) -> list[Account]:
        """All accounts by agency and login."""
        with self.engine.begin() as connection:
            found = list(users.everyone(connection))
            entry = Entry("accounts.list", by, self.now(), origin, count=len(found))
            log.append(connection, entry)
            return found

    def _add(
        self, login: str, name: str, agency: str, by: Actor, origin: str, *, first: bool
    ) -> str:
        typed = {"login": as_typed(login), "name": as_typed(name), "agency": as_typed(agency)}
        entry = Entry("accounts.add", by, self.now(), origin, {**typed, "first": first})
        with attempt(self.engine, entry, AccountError):
            login, name = check_login(login), check_name(name)
            password = one_time_password()
            hashed = self.passwords.hash(password)
            with self.engine.begin() as connection:
                users.take_turn(connection)
                if first and users.exists_any(connection):
                    raise AccountError(
                        "the first user was made already; 'alpr-repository users add' makes more"
                    )
                agency_id = users.agency_id(connection, agency)
                if agency_id is None:
                    raise AccountError(
                        f"agency {agency!r}: not known; 'alpr-repository agencies add' makes it"
                    )
                if users.find(connection, login) is not None:
                    raise AccountError(f"login {login!r}: taken, by a person who may have left")
                user = User(uuid.uuid4(), login, name, agency_id, agency, must_change_password=True)
                users.add(connection, user, hashed, self.now())
                request = _subject(user) | {"first": first}
                log.append(connection, replace(entry, at=self.now(), request=request))
        return password

    def _change(
        self,
        login: str,
        action: str,
        by: Actor,
        origin: str,
        change: Callable[[Connection, SecretAccount], None],
    ) -> None:
        entry = Entry(action, by, self.now(), origin, {"login": as_typed(login)})
        with attempt(self.engine, entry, AccountError):
            found = self._account(check_login(login))
            with self.engine.begin() as connection:
                account = users.lock_secret(connection, found.user.id)
                if account is None:
                    raise AccountError(f"login {login!r}: no such user")
                change(connection, account)
                log.append(
                    connection, replace(entry, at=self.now(), request=_subject(account.user))
                )

    def _account(self, login: str) -> SecretAccount:
        account = self._find(login)
        if account is None:
            raise AccountError(f"login {login!r}: no such user")
        return account


def _subject(user: User) -> dict[str, JSON]:
    return {"login": user.login, "name": user.name, "agency": user.agency, "user_id": str(user.id)}
