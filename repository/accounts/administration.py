"""Making, changing and closing others' accounts: each use case one transaction, on the ledger.

Administrators act in their own agency and operators in all (see `authority`); the operator at the
repository's own command line makes the first users.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from repository.accounts import closing, second_factors, sessions, users
from repository.accounts.authority import (
    By,
    actor_of,
    reaches_all,
    require_grant,
    require_reach,
    require_takeover,
)
from repository.accounts.base import AccountsBase
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError, NoSuchUserError
from repository.accounts.newcomer import Newcomer, make
from repository.accounts.password_rule import one_time_password
from repository.accounts.roles import Power, Role, require
from repository.accounts.user import User, check_login, check_position
from repository.accounts.users import Account, SecretAccount
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry, as_typed, digest_of_ids

_MAX_WHY = 200
_SEEING = (Power.MANAGE_USERS, Power.CERTIFY_USERS, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)


@dataclass(frozen=True)
class Administration(AccountsBase):
    """What administrators do with others' accounts."""

    def bootstrap(
        self,
        login: str,
        name: str,
        agency: str,
        by: By,
        origin: str,
        *,
        roles: Collection[Role] = (),
        position: str = "",
    ) -> str:
        """Make the very first user and give their one-time password, as in `add`.

        Raises:
            AccountError: if there is a user already, or the agency is not known.
        """
        newcomer = Newcomer(login, name, agency, position, frozenset(roles))
        return self._add(newcomer, by, origin, first=True)

    def add(
        self,
        login: str,
        name: str,
        agency: str,
        by: By,
        origin: str,
        *,
        roles: Collection[Role] = (),
        position: str = "",
    ) -> str:
        """Make a user and give their one-time password; without a role they can do nothing.

        It is empty where no password would let them in, since their agency's people sign in by its
        own provider alone: then nobody knows what would fit the hash that is kept.

        Raises:
            AccountError: if the login is taken or not in form, or the agency is not known.
            NotAllowedError: if it is not theirs to give somebody of that agency these roles.
        """
        newcomer = Newcomer(login, name, agency, position, frozenset(roles))
        return self._add(newcomer, by, origin, first=False)

    def set_roles(
        self,
        login: str,
        roles: Collection[Role],
        by: By,
        origin: str,
        *,
        position: str | None = None,
    ) -> User:
        """Give a user these roles in place of those they have, and a position if one is named.

        Raises:
            AccountError: if there is no such user.
            NotAllowedError: if a role is not theirs to give or take, or it is their own account.
        """
        given = frozenset(roles)

        def change(connection: Connection, acting: By, account: SecretAccount) -> User:
            user = account.user
            require_reach(acting, user)
            require_grant(acting, user.agency, user.id, user.roles, given)
            now_at = user.position if position is None else check_position(position)
            users.set_roles(connection, user.id, given, now_at)
            return replace(user, roles=given, position=now_at)

        asked: dict[str, JSON] = {"roles": sorted(given)}
        return self._change(login, "accounts.set_roles", by, origin, change, asked)

    def reset_password(self, login: str, by: By, origin: str) -> str:
        """Give a user a new one-time password; every session of theirs ends.

        Raises:
            AccountError: if there is no such user, their account is closed, or their agency's
                people sign in by its own provider alone.
            NotAllowedError: if the account may do what is not theirs to grant.
        """
        password = one_time_password()
        hashed = self.passwords.hash(password)

        def reset(connection: Connection, acting: By, account: SecretAccount) -> User:
            require_takeover(acting, account.user)
            self._require_password_serves(account)
            history = self.settings.password_history - 1
            users.set_password(connection, account, hashed, must_change=True, history=history)
            sessions.end_all(connection, account.user.id)
            return account.user

        self._change(login, "accounts.reset_password", by, origin, reset)
        return password

    def reset_second_factor(self, login: str, by: By, origin: str) -> str:
        """Forget a user's second factors, and give them a new one-time password.

        The password goes too: whoever had it would set up a factor of their own now.

        Raises:
            AccountError: as in `reset_password`.
            NotAllowedError: if the account may do what is not theirs to grant.
        """
        password = one_time_password()
        hashed = self.passwords.hash(password)

        def reset(connection: Connection, acting: By, account: SecretAccount) -> User:
            require_takeover(acting, account.user)
            self._require_password_serves(account)
            history = self.settings.password_history - 1
            second_factors.remove_all(connection, account.user.id)
            users.set_password(connection, account, hashed, must_change=True, history=history)
            sessions.end_all(connection, account.user.id)
            return account.user

        self._change(login, "accounts.reset_second_factor", by, origin, reset)
        return password

    def close_account(
        self, login: str, by: By, origin: str, *, why: str = closing.LEFT
    ) -> closing.Ended:
        """Close a user's account at once, with all that its person could still come in by.

        What ended with it.

        Raises:
            AccountError: if there is no such user, or it is not said why.
            NotAllowedError: if the person's roles reach further.
        """

        ended: list[closing.Ended] = []

        def close(connection: Connection, acting: By, account: SecretAccount) -> User:
            require_reach(acting, account.user)
            reason = " ".join(why.split())
            if not reason or len(reason) > _MAX_WHY:
                raise AccountError(f"reason: say why, in up to {_MAX_WHY} characters")
            ended.append(closing.close(connection, account.user.id, reason, self.now()))
            return account.user

        asked: dict[str, JSON] = {"reason_given": as_typed(why)}
        self._change(login, "accounts.close", by, origin, close, asked)
        return ended[0]

    def unlock(self, login: str, by: By, origin: str) -> None:
        """Release an account that failed sign-ins have locked.

        Raises:
            AccountError: if there is no such user, or their account is closed.
        """

        def release(connection: Connection, acting: By, account: SecretAccount) -> User:
            require_reach(acting, account.user)
            _require_open(account)
            users.release(connection, account.user.id)
            return account.user

        self._change(login, "accounts.unlock", by, origin, release)

    def everyone(self, by: By, origin: str) -> list[Account]:
        """All accounts by agency and login; to who acts for one agency, that agency's.

        Raises:
            NotAllowedError: if their roles do not let them see the list.
        """
        entry = Entry("accounts.list", actor_of(by), self.now(), origin)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            own = None
            if isinstance(by, User):
                user = enter(connection, by, *_SEEING)
                own = None if reaches_all(user, *_SEEING) else user.agency_id
            found = list(users.everyone(connection, own))
            digest = digest_of_ids(str(each.user.id) for each in found)
            log.append(connection, replace(entry, count=len(found), result_digest=digest))
            return found

    def _add(self, newcomer: Newcomer, by: By, origin: str, *, first: bool) -> str:
        asked = {**newcomer.as_typed(), "first": first}
        entry = Entry("accounts.add", actor_of(by), self.now(), origin, asked)
        with attempt(self.engine, entry, AccountError):
            if isinstance(by, User):
                require(by, Power.MANAGE_USERS)
            person = newcomer.checked()
            password = one_time_password()
            hashed = self.passwords.hash(password)
            with self.engine.begin() as connection:
                if isinstance(by, User):
                    by = enter(connection, by, Power.MANAGE_USERS)
                if first:
                    users.take_turn(connection)
                if first and users.exists_any(connection):
                    raise AccountError(
                        "the first user was made already; 'alpr-repository users add' makes more"
                    )
                serves = self.settings.lets_in_by_password(person.agency)
                user = make(connection, person, by, hashed, self.now(), must_change=serves)
                request = subject(user) | {"first": first}
                log.append(connection, replace(entry, at=self.now(), request=request))
        return password if serves else ""

    def _change(
        self,
        login: str,
        action: str,
        by: By,
        origin: str,
        change: Callable[[Connection, By, SecretAccount], User],
        asked: dict[str, JSON] | None = None,
    ) -> User:
        """Do ``change``, which refuses or gives the user as they are then, and record it."""
        request: dict[str, JSON] = {"login": as_typed(login), **(asked or {})}
        entry = Entry(action, actor_of(by), self.now(), origin, request)
        with attempt(self.engine, entry, AccountError):
            if isinstance(by, User):
                require(by, Power.MANAGE_USERS)
            found = self._account(check_login(login))
            with self.engine.begin() as connection:
                acting = by
                if isinstance(by, User):
                    # Both in one order: two who change each other do not wait for each other.
                    for each in sorted({by.id, found.user.id}):
                        users.lock(connection, each)
                    acting = enter(connection, by, Power.MANAGE_USERS)
                account = users.lock_secret(connection, found.user.id)
                if account is None:
                    raise NoSuchUserError(login)
                changed = change(connection, acting, account)
                recorded = {**request, **subject(changed)}
                log.append(connection, replace(entry, at=self.now(), request=recorded))
                return changed

    def _require_password_serves(self, account: SecretAccount) -> None:
        """See that a one-time password would let the person in."""
        _require_open(account)
        agency = account.user.agency
        if not self.settings.lets_in_by_password(agency):
            raise AccountError(
                f"login {account.user.login!r}: people of {agency} sign in by its own provider "
                "alone, so no password here lets them in; ask whoever runs the provider, or take "
                "'alone' out of that agency's [[accounts.oidc]] and start the web again"
            )

    def _account(self, login: str) -> SecretAccount:
        account = self._find(login)
        if account is None:
            raise NoSuchUserError(login)
        return account


def _require_open(account: SecretAccount) -> None:
    if account.disabled_at is not None:
        raise AccountError(
            f"login {account.user.login!r}: the account was closed on "
            f"{account.disabled_at:%Y-%m-%d}: {account.disabled_why or 'no reason was kept'}; "
            "'alpr-repository logins reopen' opens it for its person"
        )


def subject(user: User) -> dict[str, JSON]:
    """Whom an act was about, for the ledger."""
    return {
        "login": user.login,
        "name": user.name,
        "agency": user.agency,
        "user_id": str(user.id),
        "roles": sorted(user.roles),
        "position": user.position,
    }
