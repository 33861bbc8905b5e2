"""Reviewing an agency's list of users: each use case one transaction, on the ledger."""

from __future__ import annotations

import hmac
from collections.abc import Collection

from sqlalchemy import ColumnElement

from repository.accounts import closing, users
from repository.accounts.authority import By
from repository.accounts.errors import AccountError, NotAllowedError
from repository.accounts.people_acting import Act, PeopleBase
from repository.accounts.roles import Power, Role
from repository.accounts.user import User
from repository.accounts.user_review import (
    Line,
    Review,
    confirm,
    digest,
    find,
    lines,
    open_review,
    sign,
)
from repository.ledger.entry import JSON, as_typed
from repository.store.tables.people import user_reviews

_OPENING = (Power.CERTIFY_USERS, Power.MANAGE_USERS)
_SEEING = (*_OPENING, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)


class UserReviews(PeopleBase):
    """The yearly review, signed by the agency's representative and by its head."""

    def open_user_review(self, by: By, origin: str, *, agency: str | None = None) -> int:
        """Set down the list of an agency's users for review; gives the review's number.

        Raises:
            AccountError: if one is under way, or the agency is none that they act for.
        """
        with self._act(by, "user_review.open", {}, origin, *_OPENING) as act:
            agency_id, name = act.agency(agency)
            users.take_turn(act.connection)
            under_way = (user_reviews.c.agency_id == agency_id, user_reviews.c.head_at.is_(None))
            if find(act.connection, *under_way):
                raise AccountError(f"agency {name}: a review is under way already")
            number = open_review(act.connection, agency_id, act.actor.name, act.now)
            act.facts["review"] = number
            return number

    def show_user_review(self, by: By, number: int, origin: str) -> tuple[Review, list[Line], str]:
        """A review with its list, and the digest of the list as it is now.

        Raises:
            AccountError: if there is none at an agency that they act for.
        """
        with self._act(by, "user_review.show", {"review": number}, origin, *_SEEING) as act:
            found = _find(act, number)
            listed = lines(act.connection, number)
            act.ids = [str(each.user_id) for each in listed]
            return found, listed, digest(listed)

    def list_user_reviews(self, by: By, origin: str) -> list[Review]:
        """The reviews of the agencies that they act for."""
        with self._act(by, "user_review.list", {}, origin, *_SEEING) as act:
            found = find(act.connection, *_reached(act))
            act.ids = [str(each.id) for each in found]
            return found

    def sign_review_as_representative(
        self, user: User, number: int, confirmed: Collection[str], origin: str
    ) -> str:
        """Say who keeps their account, by login, and sign the list; gives its digest.

        Raises:
            AccountError: if there is no such review to sign, or a login is not on its list.
            NotAllowedError: if they do not represent the agency.
        """
        asked: dict[str, JSON] = {"review": number, "confirmed": len(confirmed)}
        with self._act(user, "user_review.sign", asked, origin, Power.CERTIFY_USERS) as act:
            _require_role(act, Role.REPRESENTATIVE)
            review = _find(act, number)
            if review.head_at is not None:
                raise AccountError(f"review {number}: is certified already")
            listed = {each.login: each.user_id for each in lines(act.connection, number)}
            unknown = sorted(set(confirmed) - listed.keys())
            if unknown:
                raise AccountError(f"login {as_typed(unknown[0])!r}: not on the list")
            confirm(act.connection, number, [listed[each] for each in confirmed])
            signed = digest(lines(act.connection, number))
            sign(act.connection, number, "representative", user, act.now, signed)
            act.facts |= {"as": Role.REPRESENTATIVE.value, "digest": signed}
            return signed

    def certify_review_as_head(
        self, user: User, number: int, signed: str, origin: str
    ) -> list[str]:
        """Certify the list that the representative signed, by its digest.

        Gives the logins that were closed, since nobody confirmed them.

        Raises:
            AccountError: if there is no such review to sign, or its list is another.
            NotAllowedError: if they do not head the agency, or are its representative too.
        """
        asked: dict[str, JSON] = {"review": number, "digest": as_typed(signed)}
        with self._act(user, "user_review.certify", asked, origin, Power.CERTIFY_USERS) as act:
            _require_role(act, Role.AGENCY_HEAD)
            review = _find(act, number)
            if review.digest is None or review.head_at is not None:
                raise AccountError(
                    f"review {number}: is certified already, or its representative has not signed"
                )
            if review.representative_id == user.id:
                raise NotAllowedError("review: head and representative are two people")
            listed = lines(act.connection, number)
            if digest(listed) != review.digest or not hmac.compare_digest(
                signed.encode("utf-8", "replace"), review.digest.encode()
            ):
                raise AccountError(f"review {number}: its list is another; look at it again")
            sign(act.connection, number, "head", user, act.now, review.digest)
            closed = _close(act, listed)
            act.facts |= {"as": Role.AGENCY_HEAD.value, "closed": list(closed)}
            return closed


def _close(act: Act, listed: list[Line]) -> list[str]:
    closed = []
    for line in listed:
        account = users.lock(act.connection, line.user_id)
        if line.confirmed or account is None or account.disabled_at is not None:
            continue
        closing.close(act.connection, line.user_id, closing.NOT_CONFIRMED, act.now)
        closed.append(line.login)
    return closed


def _require_role(act: Act, role: Role) -> None:
    if not isinstance(act.by, User) or role not in act.by.roles:
        raise NotAllowedError(f"review: that is for the agency's {role.value} alone")


def _reached(act: Act) -> tuple[ColumnElement[bool], ...]:
    return () if act.own_agency is None else (user_reviews.c.agency_id == act.own_agency,)


def _find(act: Act, number: int) -> Review:
    found = find(act.connection, user_reviews.c.id == number, *_reached(act))
    if not found:
        raise AccountError(f"review {number}: there is none at your agency")
    return found[0]
