"""Accounts of an agency's people: requests for them, roles, closing, training, yearly reviews."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from repository.accounts.login_requests import Form
from repository.accounts.roles import Role
from repository.accounts.users import Account
from repository.web.bearer import Bearer, Origin, Rooms
from repository.web.bodies import WRITTEN

router = APIRouter()

_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Login = Annotated[str, Path(max_length=64)]
_Line = Annotated[str, Field(max_length=200)]
_Words = Annotated[str, Field(max_length=2000)]
_Agency = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Roles = Annotated[frozenset[Role], Field(min_length=1, max_length=len(Role))]


class _Typed(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Asked(_Typed):
    """A request for a login, by whoever needs one."""

    name: _Line
    position: _Line
    agency: _Agency
    phone: _Line
    email: Annotated[str, Field(max_length=254)]
    reason: _Words


class Granted(_Typed):
    """The account that a request is granted with, and the administrator's word on the person.

    To open a closed account again, ``login`` is the one that the person had.
    """

    login: Annotated[str, Field(max_length=64)]
    roles: _Roles
    reason: _Words
    current_employee: StrictBool


class Because(_Typed):
    """Why."""

    reason: _Words


class NewUser(_Typed):
    """A person to have an account."""

    login: Annotated[str, Field(max_length=64)]
    name: _Line
    agency: _Agency
    position: _Line = ""
    roles: _Roles


class NewRoles(_Typed):
    """What a person is from now on."""

    roles: _Roles
    position: _Line | None = None


class Closing(_Typed):
    """Why an account is closed; without a reason its person left."""

    reason: Annotated[str, Field(max_length=200)] = "left the agency"


class Closed(BaseModel):
    """What ended with an account: sessions, services' tokens by name, proposals of searches.

    ``unadministered`` names the agency where nobody is ALPR administrator any more.
    """

    login: str
    sessions: int
    tokens: list[str]
    proposals: list[int]
    unadministered: str | None


class Taught(_Typed):
    """A course that a person took."""

    login: Annotated[str, Field(max_length=64)]
    course: _Line
    taught_by: _Line
    taken_on: Annotated[date, WRITTEN]


class Opened(_Typed):
    """The agency whose list is reviewed; the user's own without one."""

    agency: _Agency | None = None


class Signature(_Typed):
    """The logins that are to stay."""

    confirmed: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=10_000)]


class Certification(_Typed):
    """The digest of the list that the head looked at."""

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


@router.post("/login-requests", status_code=201)
def ask(typed: Asked, rooms: Rooms, origin: Origin) -> Mapping[str, int]:
    """Ask an agency's ALPR administrator for a login; needs no token."""
    form = Form(**typed.model_dump())
    return {"request": rooms.people.ask_for_login(form, origin)}


@router.get("/login-requests")
def requests(
    user: Bearer, rooms: Rooms, origin: Origin, decided: bool = False
) -> Mapping[str, Sequence[Any]]:
    """The requests that wait at the user's agency, or all."""
    found = rooms.people.list_login_requests(user, origin, decided_too=decided)
    return {"requests": [asdict(each) for each in found]}


@router.post("/login-requests/{number}/grant", status_code=201)
def grant(
    number: _Number, typed: Granted, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, str | None]:
    """Make the account that was asked for; its one-time password is shown this once.

    It is null where people of the agency sign in by its own provider alone.
    """
    password = rooms.people.grant_login(
        user, number, typed.login, typed.roles, typed.reason, origin,
        current_employee=typed.current_employee,
    )  # fmt: skip
    return {"login": typed.login, "one_time_password": password or None}


@router.post("/login-requests/{number}/reopening", status_code=201)
def reopen(
    number: _Number, typed: Granted, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Any]:
    """Open the closed account of who returned and asked; says when and why it was closed.

    Its one-time password is shown this once, and a second factor is set up anew.
    """
    done = rooms.people.reopen_login(
        user, number, typed.login, typed.roles, typed.reason, origin,
        current_employee=typed.current_employee,
    )  # fmt: skip
    return asdict(done) | {"one_time_password": done.one_time_password or None}


@router.post("/login-requests/{number}/denial", status_code=204)
def deny(number: _Number, typed: Because, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Refuse a request."""
    rooms.people.deny_login(user, number, typed.reason, origin)
    return Response(status_code=204)


@router.get("/users")
def users(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Sequence[Any]]:
    """Everybody who has or had an account at the user's agency."""
    found = rooms.accounts.everyone(user, origin)
    return {"users": [_plain(each) for each in found]}


@router.post("/users", status_code=201)
def add(typed: NewUser, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, str | None]:
    """Make an account; its one-time password is shown this once, null as for who was granted it."""
    password = rooms.accounts.add(
        typed.login, typed.name, typed.agency, user, origin,
        roles=typed.roles, position=typed.position,
    )  # fmt: skip
    return {"login": typed.login, "one_time_password": password or None}


@router.put("/users/{login}/roles", status_code=204)
def roles(login: _Login, typed: NewRoles, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Give a person these roles in place of those they have."""
    rooms.accounts.set_roles(login, typed.roles, user, origin, position=typed.position)
    return Response(status_code=204)


@router.post("/users/{login}/one-time-password", status_code=201)
def reset(login: _Login, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, str]:
    """Give a person who forgot theirs a new one-time password; every session of theirs ends."""
    return {"login": login, "one_time_password": rooms.accounts.reset_password(login, user, origin)}


@router.post("/users/{login}/closing")
def close(login: _Login, typed: Closing, user: Bearer, rooms: Rooms, origin: Origin) -> Closed:
    """Close an account at once, and say what ended that its person could still come in by."""
    ended = rooms.accounts.close_account(login, user, origin, why=typed.reason)
    return Closed(login=login, **asdict(ended))


@router.post("/users/{login}/release", status_code=204)
def release(login: _Login, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Release an account that failed sign-ins have locked."""
    rooms.accounts.unlock(login, user, origin)
    return Response(status_code=204)


@router.get("/trainings")
def trainings(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Sequence[Any]]:
    """The courses of the people of the user's agency."""
    return {"trainings": [asdict(each) for each in rooms.people.list_trainings(user, origin)]}


@router.post("/trainings", status_code=201)
def record(typed: Taught, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """Keep that a person was taught; nobody records their own training."""
    return asdict(rooms.people.record_training(user, **typed.model_dump(), origin=origin))


@router.post("/trainings/{number}/strike", status_code=204)
def strike(number: _Number, typed: Because, user: Bearer, rooms: Rooms, origin: Origin) -> Response:
    """Have a training that was recorded by mistake count no more."""
    rooms.people.strike_training(user, number, typed.reason, origin)
    return Response(status_code=204)


@router.get("/user-reviews")
def reviews(user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Sequence[Any]]:
    """The yearly reviews of the agency's list of users."""
    return {"reviews": [asdict(each) for each in rooms.people.list_user_reviews(user, origin)]}


@router.post("/user-reviews", status_code=201)
def open_review(typed: Opened, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, int]:
    """Set down the list of the agency's users for review."""
    return {"review": rooms.people.open_user_review(user, origin, agency=typed.agency)}


@router.get("/user-reviews/{number}")
def review(number: _Number, user: Bearer, rooms: Rooms, origin: Origin) -> Mapping[str, Any]:
    """A review with its list, and the digest of the list as it is now."""
    found, lines, digest = rooms.people.show_user_review(user, number, origin)
    return asdict(found) | {"lines": [asdict(each) for each in lines], "digest_now": digest}


@router.post("/user-reviews/{number}/signature")
def sign(
    number: _Number, typed: Signature, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, str]:
    """Say, as the agency's representative, who keeps their account, and sign the list."""
    digest = rooms.people.sign_review_as_representative(user, number, typed.confirmed, origin)
    return {"digest": digest}


@router.post("/user-reviews/{number}/certification")
def certify(
    number: _Number, typed: Certification, user: Bearer, rooms: Rooms, origin: Origin
) -> Mapping[str, Sequence[str]]:
    """Certify the list as the agency's head; whoever was not confirmed is closed."""
    return {"closed": rooms.people.certify_review_as_head(user, number, typed.digest, origin)}


def _plain(account: Account) -> Mapping[str, Any]:
    user = account.user
    return {
        "login": user.login,
        "name": user.name,
        "agency": user.agency,
        "position": user.position,
        "roles": sorted(user.roles),
        "must_change_password": user.must_change_password,
        "locked_at": account.locked_at,
        "closed_at": account.disabled_at,
        "closed_because": account.disabled_why,
        "last_used_at": account.last_used_at,
    }
