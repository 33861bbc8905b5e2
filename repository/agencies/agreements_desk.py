"""What is done with an agency's agreement and its posts: each use case one act, on the ledger."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

from sqlalchemy import Connection, update

from repository import business_days
from repository.accounts.roles import Power
from repository.agencies import agreements, representatives
from repository.agencies.acts import Act, Acts, By
from repository.agencies.agreements import Agreement, Due, Signing
from repository.agencies.agreements_papers import Papers
from repository.agencies.errors import AgencyError, require_line
from repository.agencies.representatives import SIGNED_ANEW, WORDS, Holder, Named, Person, Post
from repository.ledger.entry import JSON, as_typed
from repository.store.tables.fleet import agencies
from repository.units.enrolment import Agency, list_agencies, require_kind

Part: TypeAlias = Literal["text", "copy"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agency stands: what its heads signed, what is due, and who represents it."""

    agency: Agency
    in_force: bool
    agreements: list[Agreement]
    dues: list[Due]
    holders: list[Holder]
    vacant: list[Post]


@dataclass(frozen=True, slots=True)
class AgreementDesk:
    """Agreements and posts of every agency."""

    acts: Acts
    papers: Papers

    def sign(
        self, by: By, agency: str, signing: Signing, origin: str, *, kind: str | None = None
    ) -> Agreement:
        """Keep what the agency's head signed; ``kind`` says what makes it a participant, where that
        is not on record yet.

        Raises:
            AgencyError: if it cannot be kept, or the agency is none that may take part.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {
            "version": as_typed(signing.version),
            "signed_by": as_typed(signing.signed_by),
            "signed_as": as_typed(signing.signed_as),
            "signed_on": signing.signed_on.isoformat(),
            "text_sha256": _digest(signing.text),
            "copy_sha256": _digest(signing.copy),
        }
        with self.acts.begin(by, "agreement.sign", origin, asked, Power.OPERATE) as act:
            found = act.agency(agency)
            act.take_turn()
            kind = found.kind if kind is None else require_kind(kind)
            if kind is None:
                raise AgencyError(
                    f"agency {agency}: say with --kind what makes it a criminal-justice agency"
                )
            if kind != found.kind:
                connection = act.connection
                connection.execute(
                    update(agencies).where(agencies.c.id == found.id).values(kind=kind)
                )
                act.facts["kind"] = kind
            signed = agreements.sign(
                act.connection, self.papers, found, signing, by=act.name, now=act.now
            )
            act.facts["agreement"] = signed.id
        return signed

    def require_anew(self, by: By, agency: str | None, detail: str, origin: str) -> dict[str, date]:
        """Have an agency sign anew since the text was amended, or with None every agency that takes
        part and has signed; gives by when, each by its name.

        Raises:
            AgencyError: if nothing says what was amended, or there is no such agency.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {"detail": as_typed(detail)}
        with self.acts.begin(by, "agreement.require", origin, asked, Power.OPERATE) as act:
            detail = require_line("detail", detail, 500)
            today = business_days.day_of(act.now)
            chosen = [act.agency(agency)] if agency else _that_signed(act.connection)
            due = {
                each.name: agreements.require_anew(
                    act.connection, each.id, "amended", detail, today
                )
                for each in chosen
            }
            act.facts["agencies"] = list(due)
            act.count = len(due)
        return due

    def show(self, by: By, agency: str | None, origin: str) -> Standing:
        """How an agency stands, the person's own where none is named.

        Raises:
            AgencyError: if there is no such agency for them.
            NotAllowedError: if they may not.
        """
        with self._looking(by, "agreement.show", origin) as act:
            found = act.agency(agency)
            return Standing(
                found,
                agreements.in_force(act.connection, found.id, act.now),
                agreements.history(act.connection, found.id),
                agreements.open_dues(act.connection, found.id),
                representatives.holders(act.connection, found.id, former_too=True),
                representatives.vacant(act.connection, found.id, business_days.day_of(act.now)),
            )

    def standings(self, by: By, origin: str) -> list[tuple[Agency, Agreement | None]]:
        """Every agency with what its head signed last.

        Raises:
            NotAllowedError: if a person may not.
        """
        with self.acts.begin(
            by, "agreement.list", origin, {}, Power.OPERATE, Power.AUDIT_ALL
        ) as act:
            found = list_agencies(act.connection)
            act.count = len(found)
            return [(each, agreements.newest(act.connection, each.id)) for each in found]

    def dues(self, by: By, origin: str) -> list[Due]:
        """What is to be signed by when, of every agency that takes part.

        Raises:
            NotAllowedError: if a person may not.
        """
        with self.acts.begin(
            by, "agreement.due", origin, {}, Power.OPERATE, Power.AUDIT_ALL
        ) as act:
            found = agreements.open_dues(act.connection)
            act.count = len(found)
            return found

    def paper(self, by: By, agency: str | None, number: int, part: Part, origin: str) -> bytes:
        """The text or the signed copy of an agreement, as it was given.

        Raises:
            AgencyError: if the agency has no agreement of that number.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {"agreement": number, "part": part}
        with self._looking(by, "agreement.paper", origin, asked) as act:
            found = act.agency(agency)
            for each in agreements.history(act.connection, found.id):
                if each.id == number:
                    sha256 = each.text_sha256 if part == "text" else each.copy_sha256
                    act.facts["sha256"] = sha256
                    return self.papers.get(act.connection, sha256)
            raise AgencyError(f"agreement {number}: not one of agency {found.name}")

    def name(
        self, by: By, agency: str | None, post: Post, person: Person, from_on: date, origin: str
    ) -> tuple[Named, date | None]:
        """Have a person hold one of an agency's posts; gives by when its head signs anew, if so.

        Raises:
            AgencyError: if a field is not in form, or somebody held the post at that time.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {
            "post": post.value,
            "name": as_typed(person.name),
            "title": as_typed(person.title),
            "login": as_typed(person.login or ""),
            "from": from_on.isoformat(),
        }
        with self.acts.begin(
            by, "agency.name", origin, asked, Power.MANAGE_AGENCY, Power.OPERATE
        ) as act:
            found = self._post(act, agency, from_on)
            named = representatives.name(
                act.connection, found.id, post, person, from_on, by=act.name, now=act.now
            )
            due_on = None
            if named.changed:
                detail = f"{WORDS[post]} is {named.holder.name} from {from_on} on"
                due_on = _anew(act, found, post, detail, from_on)
        return named, due_on

    def vacate(
        self, by: By, agency: str | None, post: Post, on: date, origin: str
    ) -> tuple[Holder, date | None]:
        """Have nobody hold one of an agency's posts; gives by when its head signs anew, if so.

        Raises:
            AgencyError: if nobody holds it, or the day does not do.
            NotAllowedError: if a person may not.
        """
        asked: dict[str, JSON] = {"post": post.value, "from": on.isoformat()}
        with self.acts.begin(
            by, "agency.vacate", origin, asked, Power.MANAGE_AGENCY, Power.OPERATE
        ) as act:
            found = self._post(act, agency, on)
            left = representatives.vacate(act.connection, found.id, post, on)
            act.facts["name"] = left.name
            due_on = _anew(act, found, post, f"{WORDS[post]} is nobody from {on} on", on)
        return left, due_on

    def _post(self, act: Act, agency: str | None, on: date) -> Agency:
        found = act.agency(agency)
        act.take_turn()
        if on > business_days.day_of(act.now):
            raise AgencyError(f"{on}: that day has not come; record the change when it has")
        return found

    def _looking(
        self, by: By, action: str, origin: str, asked: dict[str, JSON] | None = None
    ) -> AbstractContextManager[Act]:
        powers = (Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS, Power.OPERATE, Power.AUDIT_ALL)
        return self.acts.begin(by, action, origin, asked or {}, *powers)


def _anew(act: Act, agency: Agency, post: Post, detail: str, on: date) -> date | None:
    """Have the head sign anew where that post's change takes it, unless they have since."""
    last = agreements.newest(act.connection, agency.id)
    if post not in SIGNED_ANEW or last is None:
        return None
    head = representatives.holder(act.connection, agency.id, Post.HEAD, on)
    by_this_head = head is not None and representatives.same_person(head.name, last.signed_by)
    if last.signed_on >= on and by_this_head:
        return None
    cause: agreements.Cause = "head_changed" if post is Post.HEAD else "representative_changed"
    due_on = agreements.require_anew(act.connection, agency.id, cause, detail, on)
    act.facts["sign_by"] = due_on.isoformat()
    return due_on


def _that_signed(connection: Connection) -> list[Agency]:
    return [
        each
        for each in list_agencies(connection)
        if each.access != "ended" and agreements.newest(connection, each.id) is not None
    ]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
