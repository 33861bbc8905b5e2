"""Asking for a login, and deciding who has one: each use case one transaction, on the ledger."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement

from repository.accounts import users
from repository.accounts.administration import subject
from repository.accounts.authority import By
from repository.accounts.errors import AccountError, TooManyLoginRequestsError
from repository.accounts.login_requests import Form, LoginRequest, decide, find, receive
from repository.accounts.newcomer import Newcomer, check_email, check_phone, make
from repository.accounts.password_rule import one_time_password
from repository.accounts.people_acting import Act, PeopleBase, require_text
from repository.accounts.returning import Reopened, reopen
from repository.accounts.roles import Power, Role
from repository.accounts.throttle import Throttle
from repository.accounts.user import User, check_name, check_position
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed
from repository.store.tables.fleet import agencies
from repository.store.tables.people import login_requests

_NOBODY = Actor(user_id="", login="", name="nobody with an account", agency="")
_MAX_ORIGIN = 64


@dataclass(frozen=True)
class LoginRequests(PeopleBase):
    """What becomes of requests for a login; ``request_throttle`` counts those of one address."""

    request_throttle: Throttle = field(default_factory=Throttle, kw_only=True)

    def ask_for_login(self, form: Form, origin: str) -> int:
        """Have an agency's administrator asked for a login, by whoever it is; gives its number.

        Raises:
            TooManyLoginRequestsError: if too many came from there.
            AccountError: if something is missing, or the agency takes no part.
        """
        if not self.request_throttle.admit(origin, self.now()):
            raise TooManyLoginRequestsError
        self.request_throttle.fail(origin, self.now())
        asked: dict[str, JSON] = {"name": as_typed(form.name), "agency": as_typed(form.agency)}
        entry = Entry("login_requests.receive", _NOBODY, self.now(), origin, asked)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            checked = _checked(form)
            agency_id = users.agency_id(connection, checked.agency)
            if agency_id is None:
                raise AccountError(f"agency {checked.agency!r}: takes no part here")
            number = receive(connection, checked, agency_id, origin[:_MAX_ORIGIN], self.now())
            recorded: dict[str, JSON] = {**asked, "request": number}
            log.append(connection, Entry(entry.action, _NOBODY, self.now(), origin, recorded))
            return number

    def list_login_requests(
        self, by: By, origin: str, *, decided_too: bool = False
    ) -> list[LoginRequest]:
        """The requests at the agencies that they act for, those that wait or all."""
        asked: dict[str, JSON] = {"decided_too": decided_too}
        with self._act(by, "login_requests.list", asked, origin, Power.MANAGE_USERS) as act:
            conditions: list[ColumnElement[bool]] = []
            if not decided_too:
                conditions.append(login_requests.c.decided_at.is_(None))
            if act.own_agency is not None:
                conditions.append(agencies.c.id == act.own_agency)
            found = find(act.connection, *conditions)
            act.ids = [str(each.id) for each in found]
            return found

    def grant_login(
        self,
        by: By,
        number: int,
        login: str,
        roles: Collection[Role],
        reason: str,
        origin: str,
        *,
        current_employee: bool,
    ) -> str:
        """Make the account that was asked for, and give its one-time password, empty as in `add`.

        ``current_employee`` is the administrator's word that the person works at the agency and
        may by law review criminal justice information.

        Raises:
            AccountError: if there is no such request, the word is missing, or the login does not
                do.
            NotAllowedError: if a role is not theirs to give.
        """
        asked = _asked(number, login, roles, reason, current_employee)
        password = one_time_password()
        hashed = self.passwords.hash(password)
        with self._act(by, "login_requests.grant", asked, origin, Power.MANAGE_USERS) as act:
            request = _waiting(act, number)
            person = _granted(request, login, roles, current_employee)
            serves = self.settings.lets_in_by_password(person.agency)
            user = make(act.connection, person, act.by, hashed, act.now, must_change=serves)
            _decide(act, request, reason, user)
        return password if serves else ""

    def reopen_login(
        self,
        by: By,
        number: int,
        login: str,
        roles: Collection[Role],
        reason: str,
        origin: str,
        *,
        current_employee: bool,
    ) -> Reopened:
        """Open the closed account of a person who returned and asked for a login, with these roles.

        It has a new one-time password and no second factor; acknowledgement and training are looked
        at as ever. ``current_employee`` is as in a grant.

        Raises:
            AccountError: if there is no such request, the word is missing, or the agency has no
                closed account of that login under the name in the request.
            NotAllowedError: if a role is not theirs to give, or the account's reached further.
        """
        asked = _asked(number, login, roles, reason, current_employee)
        password = one_time_password()
        hashed = self.passwords.hash(password)
        with self._act(by, "login_requests.reopen", asked, origin, Power.MANAGE_USERS) as act:
            request = _waiting(act, number)
            person = _granted(request, login, roles, current_employee)
            history = self.settings.password_history - 1
            serves = self.settings.lets_in_by_password(person.agency)
            returned = reopen(act.connection, person, act.by, hashed, history, must_change=serves)
            _decide(act, request, reason, returned.user)
            act.facts |= {
                "closed_at": returned.closed_at.isoformat(),
                "closed_because": returned.closed_because,
            }
        shown = password if serves else ""
        return Reopened(returned.user.login, shown, returned.closed_at, returned.closed_because)

    def deny_login(self, by: By, number: int, reason: str, origin: str) -> None:
        """Refuse a request, with the reason.

        Raises:
            AccountError: if there is no such request, or no reason.
        """
        asked: dict[str, JSON] = {"request": number, "reason_given": as_typed(reason)}
        with self._act(by, "login_requests.deny", asked, origin, Power.MANAGE_USERS) as act:
            request = _waiting(act, number)
            why = require_text("reason", reason)
            decide(act.connection, request, "denied", why, act.actor, act.now)


def _asked(
    number: int, login: str, roles: Collection[Role], reason: str, current_employee: bool
) -> dict[str, JSON]:
    return {
        "request": number,
        "login": as_typed(login),
        "roles": sorted(roles),
        "reason_given": as_typed(reason),
        "current_employee": current_employee,
    }


def _granted(
    request: LoginRequest, login: str, roles: Collection[Role], current_employee: bool
) -> Newcomer:
    """The person who asked, with the login and roles that they are granted."""
    if not current_employee:
        raise AccountError(
            "login: only for a current employee of the agency; say that the person is one"
        )
    return Newcomer(
        login=login,
        name=request.name,
        agency=request.agency,
        position=request.position,
        roles=frozenset(roles),
        email=request.email,
        phone=request.phone,
    ).checked()


def _decide(act: Act, request: LoginRequest, reason: str, user: User) -> None:
    why = require_text("reason", reason)
    decide(act.connection, request, "granted", why, act.actor, act.now, user_id=user.id)
    act.facts |= subject(user)


def _waiting(act: Act, number: int) -> LoginRequest:
    conditions = [login_requests.c.id == number]
    if act.own_agency is not None:
        conditions.append(agencies.c.id == act.own_agency)
    found = find(act.connection, *conditions)
    if not found:
        raise AccountError(f"request {number}: there is none at your agency")
    if found[0].decision is not None:
        raise AccountError(f"request {number}: is {found[0].decision} already")
    return found[0]


def _checked(form: Form) -> Form:
    position = check_position(form.position)
    if not position:
        raise AccountError("position: say what you are at the agency, such as Sergeant")
    return Form(
        name=check_name(form.name),
        position=position,
        agency=form.agency.strip(),
        phone=check_phone(form.phone),
        email=check_email(form.email).lower(),
        reason=require_text("reason", form.reason, 1000),
    )
