"""Making, changing and closing others' accounts: each use case one transaction, on the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from repository.accounts import sessions, users
from repository.accounts.base import AccountsBase
from repository.accounts.errors import AccountError
from repository.accounts.password_rule import one_time_password
from repository.accounts.roles import Role
from repository.accounts.user import User, check_login, check_name, check_position
from repository.accounts.users import Account, SecretAccount
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed


@dataclass(frozen=True)
class Administration(AccountsBase):
    """What administrators do with others' accounts."""

    def bootstrap(
        self,
        login: str,
        name: str,
        agency: str,
        by: Actor,
        origin: str,
        *,
        roles: Collection[Role] = (),
        position: str = "",
    ) -> str:
        """Make the very first user and give their one-time password.

        Raises:
            AccountError: if there is a user already, or the agency is not known.
        """
        return self._add((login, name, agency, position), roles, by, origin, first=True)

    def add(
        self,
        login: str,
        name: str,
        agency: str,
        by: Actor,
        origin: str,
        *,
        roles: Collection[Role] = (),
        position: str = "",
    ) -> str:
        """Make a user and give their one-time password; without a role they can do nothing.

        Raises:
            AccountError: if the login is taken or not in form, or the agency is not known.
        """
        return self._add((login, name, agency, position), roles, by, origin, first=False)

    def set_roles(
        self,
        login: str,
        roles: Collection[Role],
        by: Actor,
        origin: str,
        *,
        position: str | None = None,
    ) -> User:
        """Give a user these roles in place of those they have, and a position if one is named.

        Raises:
            AccountError: if there is no such user.
        """
        given = frozenset(roles)

        def change(connection: Connection, account: SecretAccount) -> User:
            now_at = account.user.position if position is None else check_position(position)
            users.set_roles(connection, account.user.id, given, now_at)
            return replace(account.user, roles=given, position=now_at)

        return self._change(login, "accounts.set_roles", by, origin, change)

    def reset_password(self, login: str, by: Actor, origin: str) -> str:
        """Give a user a new one-time password; every session of theirs ends.

        Raises:
            AccountError: if there is no such user.
        """
        password = one_time_password()
        hashed = self.passwords.hash(password)

        def reset(connection: Connection, account: SecretAccount) -> User:
            users.set_password(connection, account, hashed, must_change=True)
            sessions.end_all(connection, account.user.id)
            return account.user

        self._change(login, "accounts.reset_password", by, origin, reset)
        return password

    def disable(self, login: str, by: Actor, origin: str) -> None:
        """Close a user's account at once; every session of theirs ends.

        Raises:
            AccountError: if there is no such user.
        """

        def close(connection: Connection, account: SecretAccount) -> User:
            users.disable(connection, account.user.id, self.now())
            sessions.end_all(connection, account.user.id)
            return account.user

        self._change(login, "accounts.disable", by, origin, close)

    def unlock(self, login: str, by: Actor, origin: str) -> None:
        """Release an account that failed sign-ins have locked.

        Raises:
            AccountError: if there is no such user.
        """

        def release(connection: Connection, account: SecretAccount) -> User:
            users.release(connection, account.user.id)
            return account.user

        self._change(login, "accounts.unlock", by, origin, release)

    def everyone(self, by: Actor, origin: str) -> list[Account]:
        """All accounts by agency and login."""
        with self.engine.begin() as connection:
            found = list(users.everyone(connection))
            entry = Entry("accounts.list", by, self.now(), origin, count=len(found))
            log.append(connection, entry)
            return found

    def _add(
        self,
        person: tuple[str, str, str, str],
        roles: Collection[Role],
        by: Actor,
        origin: str,
        *,
        first: bool,
    ) -> str:
        login, name, agency, position = person
        typed = {"login": as_typed(login), "name": as_typed(name), "agency": as_typed(agency)}
        entry = Entry("accounts.add", by, self.now(), origin, {**typed, "first": first})
        with attempt(self.engine, entry, AccountError):
            login, name, position = check_login(login), check_name(name), check_position(position)
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
                user = User(
                    id=uuid.uuid4(),
                    login=login,
                    name=name,
                    agency_id=agency_id,
                    agency=agency,
                    must_change_password=True,
                    roles=frozenset(roles),
                    position=position,
                )
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
        change: Callable[[Connection, SecretAccount], User],
    ) -> User:
        """Do ``change``, which gives the user as they are then, and record it."""
        entry = Entry(action, by, self.now(), origin, {"login": as_typed(login)})
        with attempt(self.engine, entry, AccountError):
            found = self._account(check_login(login))
            with self.engine.begin() as connection:
                account = users.lock_secret(connection, found.user.id)
                if account is None:
                    raise AccountError(f"login {login!r}: no such user")
                changed = change(connection, account)
                log.append(connection, replace(entry, at=self.now(), request=_subject(changed)))
                return changed

    def _account(self, login: str) -> SecretAccount:
        account = self._find(login)
        if account is None:
            raise AccountError(f"login {login!r}: no such user")
        return account


def _subject(user: User) -> dict[str, JSON]:
    return {
        "login": user.login,
        "name": user.name,
        "agency": user.agency,
        "user_id": str(user.id),
        "roles": sorted(user.roles),
        "position": user.position,
    }
