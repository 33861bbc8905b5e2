"""The register of requests on paper to others who search faces.

The repository recognises no face and keeps no picture of one (policy F-none). By law an agency may
ask for such a search only in writing, of the Registry of Motor Vehicles, the State Police or the
FBI: under a court's order, to identify a deceased person, or in an emergency whose facts it writes
down. Here stands that it asked, and what was answered, for the quarterly report. An agency whose
own ordinance forbids it (policy F-local) is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.audits.documented import ENTITIES
from repository.audits.errors import AuditError, require_line, require_text
from repository.cases import events, files
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed, digest_of_ids
from repository.store.rows import put
from repository.store.tables.audits import face_request_bans, face_requests
from repository.store.tables.fleet import agencies

BASES = ("court_order", "deceased", "emergency")
AFFIRMATION = (
    "This request does not aim at anyone for their religion, politics, views, lawful association "
    "or any protected characteristic; what comes back is a lead and identifies nobody by itself."
)
MAX_REQUEST = 16_000
MAX_MATCHES = 1_000_000
MAX_LISTED = 1000
_MIN_WORDS = 6
_WORD = re.compile(r"[^\W\d_]{2,}")
_FIRST = datetime(2021, 7, 1, tzinfo=UTC)  # the law's first day
_REFUSALS = (AuditError, NotAllowedError)


@dataclass(frozen=True, slots=True)
class FaceRequest:
    """A request as it was written; ``basis`` is one of ``BASES``, ``entity`` of ``ENTITIES``."""

    requested_at: datetime
    requester_name: str
    requester_position: str
    entity: str
    database_searched: str
    basis: str
    case_number: str
    reason: str
    suspected_crime: str
    characteristics: str
    request: str
    affirmed: bool
    court_order: str | None = None
    emergency_facts: str | None = None
    matches: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A request in a list: nothing of whom it is about."""

    id: int
    agency: str
    requested_at: datetime
    requester_name: str
    entity: str
    basis: str
    case_number: str
    request_sha256: str
    matches: int | None


@dataclass(frozen=True, slots=True)
class FaceRegister:
    """The register, for people who keep it for their agency."""

    engine: Engine
    now: Callable[[], datetime]

    def add(self, user: User, asked: FaceRequest, origin: str) -> int:
        """Record a request; gives its number.

        Raises:
            AuditError: if the agency's ordinance forbids it, or something the law wants is missing.
            NotAllowedError: if the user's roles do not let them.
        """
        entry = self._entry(
            "face_requests.add",
            user.actor,
            origin,
            {
                "case": as_typed(asked.case_number),
                "entity": as_typed(asked.entity),
                "basis": as_typed(asked.basis),
                "affirmed": AFFIRMATION if asked.affirmed else None,
            },
        )
        with attempt(self.engine, entry, _REFUSALS), self.engine.begin() as connection:
            require(user, Power.KEEP_FACE_REGISTER)
            _require_allowed(connection, user.agency_id, asked.requested_at)
            now = self.now()
            row = _checked(asked, now)
            case_id = files.open_case(connection, user, row["case_number"], now)
            number: int = connection.execute(
                insert(face_requests)
                .values(agency_id=user.agency_id, recorded_by=user.id, recorded_at=now, **row)
                .returning(face_requests.c.id)
            ).scalar_one()
            digest = row["request_sha256"]
            request = {**entry.request, "face_request": number, "request_sha256": digest}
            done = log.append(connection, replace(entry, at=now, request=request))
            events.add_event(
                connection,
                case_id,
                "request",
                by=user,
                at=now,
                detail={
                    "face_request": number,
                    "entity": asked.entity,
                    "request_sha256": digest,
                },
                ledger_index=done.index,
            )
        return number

    def answer(self, user: User, number: int, matches: int, origin: str) -> None:
        """Record how many matches the entity returned.

        Raises:
            AuditError: if the agency has no such request, or it is answered.
            NotAllowedError: if the user's roles do not let them.
        """
        asked: dict[str, JSON] = {"face_request": number, "matches": matches}
        entry = self._entry("face_requests.answer", user.actor, origin, asked)
        with attempt(self.engine, entry, _REFUSALS), self.engine.begin() as connection:
            require(user, Power.KEEP_FACE_REGISTER)
            _check_matches(matches)
            columns = face_requests.c
            done = connection.execute(
                update(face_requests)
                .where(
                    columns.id == number,
                    columns.agency_id == user.agency_id,
                    columns.matches.is_(None),
                )
                .values(matches=matches, matches_recorded_at=self.now())
            )
            if done.rowcount != 1:
                raise AuditError(f"face request {number}: there is none, or it is answered already")
            log.append(connection, entry)

    def list(self, user: User, origin: str) -> list[Listed]:
        """The agency's requests, or everybody's for who audits all; the newest first.

        At most `MAX_LISTED`.

        Raises:
            NotAllowedError: if the user's roles do not let them.
        """
        entry = self._entry("face_requests.list", user.actor, origin, {})
        with attempt(self.engine, entry, _REFUSALS), self.engine.begin() as connection:
            require(user, Power.KEEP_FACE_REGISTER, Power.AUDIT_OWN_AGENCY, Power.AUDIT_ALL)
            columns = face_requests.c
            query = (
                select(
                    columns.id,
                    agencies.c.name.label("agency"),
                    columns.requested_at,
                    columns.requester_name,
                    columns.entity,
                    columns.basis,
                    columns.case_number,
                    columns.request_sha256,
                    columns.matches,
                )
                .join(agencies, agencies.c.id == columns.agency_id)
                .order_by(columns.id.desc())
                .limit(MAX_LISTED)
            )
            if not may(user, Power.AUDIT_ALL):
                query = query.where(columns.agency_id == user.agency_id)
            found = [Listed(**row) for row in connection.execute(query).mappings()]
            digest = digest_of_ids(str(each.id) for each in found)
            log.append(connection, replace(entry, count=len(found), result_digest=digest))
        return found

    def forbid(self, agency: str, ordinance: str, since: date, by: Actor, origin: str) -> None:
        """Refuse an agency's requests from that day on, by the ordinance that is named.

        Raises:
            AuditError: if the agency is not known, or no ordinance named.
        """
        asked: dict[str, JSON] = {
            "agency": as_typed(agency),
            "ordinance": as_typed(ordinance),
            "since": since.isoformat(),
        }
        entry = self._entry("face_requests.forbid", by, origin, asked)
        with attempt(self.engine, entry, AuditError), self.engine.begin() as connection:
            row = {
                "agency_id": _agency_id(connection, agency),
                "ordinance": require_text("ordinance", ordinance),
                "since": since,
                "set_by": by.user_id,
                "set_by_name": by.name,
                "set_at": self.now(),
            }
            put(connection, face_request_bans, row)
            log.append(connection, entry)

    def permit(self, agency: str, reason: str, by: Actor, origin: str) -> None:
        """End the refusal of an agency's requests, since its ordinance ended.

        Raises:
            AuditError: if none is refused, or no reason given.
        """
        asked: dict[str, JSON] = {"agency": as_typed(agency), "reason_given": as_typed(reason)}
        entry = self._entry("face_requests.permit", by, origin, asked)
        with attempt(self.engine, entry, AuditError), self.engine.begin() as connection:
            require_text("reason", reason)
            found = _agency_id(connection, agency)
            columns = face_request_bans.c
            gone = connection.execute(delete(face_request_bans).where(columns.agency_id == found))
            if gone.rowcount != 1:
                raise AuditError(f"agency {agency}: no ordinance stands against its requests")
            log.append(connection, entry)

    def _entry(self, action: str, by: Actor, origin: str, request: dict[str, JSON]) -> Entry:
        return Entry(action, by, self.now(), origin, request)


def _require_allowed(connection: Connection, agency_id: int, at: datetime) -> None:
    ban = connection.execute(
        select(face_request_bans).where(face_request_bans.c.agency_id == agency_id)
    ).one_or_none()
    if ban is not None and at.date() >= ban.since:
        raise AuditError(
            f"your agency may not ask for such a search since {ban.since}: {ban.ordinance}"
        )


def _checked(asked: FaceRequest, now: datetime) -> dict[str, Any]:
    if asked.requested_at.utcoffset() is None or not _FIRST <= asked.requested_at <= now:
        raise AuditError("requested at: a moment from July 2021 until now")
    if asked.entity not in ENTITIES:
        raise AuditError(f"entity: expected one of {', '.join(ENTITIES)}; no other may be asked")
    if asked.basis not in BASES:
        raise AuditError(f"basis: expected one of {', '.join(BASES)}")
    if not asked.affirmed:
        raise AuditError(f"affirm: the request needs your word: {AFFIRMATION}")
    if asked.matches is not None:
        _check_matches(asked.matches)
    request = require_text("request", asked.request, MAX_REQUEST)
    order, emergency = asked.court_order, asked.emergency_facts
    if (order is not None) != (asked.basis == "court_order"):
        raise AuditError("court order: belongs to that basis, and names the court and the order")
    if (emergency is not None) != (asked.basis == "emergency"):
        raise AuditError("emergency: belongs to that basis, and says what it is")
    return {
        "requested_at": asked.requested_at,
        "requester_name": require_line("requester", asked.requester_name),
        "requester_position": require_line("position", asked.requester_position),
        "entity": asked.entity,
        "database_searched": require_line("database", asked.database_searched),
        "basis": asked.basis,
        "court_order": None if order is None else require_line("court order", order),
        "emergency_facts": None if emergency is None else _facts("emergency", emergency),
        "case_number": require_line("case", asked.case_number, 64),
        "reason": _facts("reason", asked.reason),
        "suspected_crime": require_line("suspected crime", asked.suspected_crime),
        "characteristics": require_text("characteristics", asked.characteristics),
        "request": request,
        "request_sha256": hashlib.sha256(request.encode()).hexdigest(),
        "matches": asked.matches,
        "matches_recorded_at": None if asked.matches is None else now,
    }


def _facts(field: str, typed: str) -> str:
    text = require_text(field, typed)
    if len({word.lower() for word in _WORD.findall(text)}) < _MIN_WORDS:
        raise AuditError(f"{field}: say in words what is known: who, what, where and when")
    return text


def _check_matches(matches: int) -> None:
    if not 0 <= matches <= MAX_MATCHES:
        raise AuditError(f"matches: expected 0 to {MAX_MATCHES}")


def _agency_id(connection: Connection, agency: str) -> int:
    found: int | None = connection.scalar(select(agencies.c.id).where(agencies.c.name == agency))
    if found is None:
        raise AuditError(f"agency {agency!r}: not known")
    return found
