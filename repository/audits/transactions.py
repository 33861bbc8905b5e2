"""The report of all transactions of an agency's users, for the agency's head (policy G-6b)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from repository.accounts.errors import NotAllowedError
from repository.accounts.roles import Power, may, require
from repository.accounts.user import User
from repository.audits import entries
from repository.audits.entries import Place, Which
from repository.audits.errors import AuditError
from repository.documents.csv import Cell
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, Recorded, digest_of_ids, format_time
from repository.store.tables.accounts import users
from repository.store.tables.fleet import agencies

FIELDS = (
    "index",
    "at",
    "name",
    "login",
    "user_id",
    "agency",
    "action",
    "outcome",
    "origin",
    "request",
    "count",
    "result_digest",
)
MAX_PAGE = 5000
MAX_ON_PAPER = 2000
ACTION = "audits.transactions"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for: an agency's entries, or with None those of nobody's agency.

    From ``start`` until before ``end``; of one person by their login, and of one action, where
    these are given.
    """

    agency: str | None
    start: datetime
    end: datetime
    login: str | None = None
    action: str | None = None

    def as_json(self) -> dict[str, JSON]:
        """The same for the ledger."""
        asked: dict[str, JSON] = {
            "agency": self.agency,
            "from": self.start.isoformat(),
            "to": self.end.isoformat(),
        }
        more = {"login": self.login, "action": self.action}
        return asked | {key: value for key, value in more.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a report; ``next`` asks for the one after it, and is None at the end."""

    entries: list[Recorded]
    next: str | None


@dataclass(frozen=True, slots=True)
class Transactions:
    """Reports of transactions from the ledger; each page is itself an entry of it."""

    engine: Engine
    now: Callable[[], datetime]

    def page(
        self, asked: Asked, by: Actor, origin: str, *, after: str | None = None, limit: int = 1000
    ) -> Page:
        """At most ``limit`` entries in order of time, for one who may have them.

        Raises:
            AuditError: if there is no such agency or person, or an entry is not what its digest
                says.
        """
        with attempt(self.engine, self._entry(asked, by, origin, after), AuditError):
            if not 1 <= limit <= MAX_PAGE:
                raise AuditError(f"limit: expected 1 to {MAX_PAGE}")
            place = None if after is None else Place.of(after)
            with self.engine.begin() as connection:
                size = log.state(connection).size
                which = _which(connection, asked, size)
                found = entries.page(connection, which, place, limit + 1)
                shown = found[:limit]
                digest = digest_of_ids(str(each.index) for each in shown)
                entry = self._entry(asked, by, origin, after)
                log.append(connection, replace(entry, count=len(shown), result_digest=digest))
        more = str(entries.place_of(shown[-1])) if len(found) > limit else None
        return Page(shown, more)

    def allow(self, user: User, asked: Asked, origin: str) -> None:
        """Let a person go on who may have the report: of their own agency, or of any.

        Raises:
            NotAllowedError: if their roles do not let them.
            AuditError: if it is another's agency, which is then as unknown as one that is none.
        """
        entry = self._entry(asked, user.actor, origin, None)
        with attempt(self.engine, entry, (NotAllowedError, AuditError)):
            require(user, Power.SEE_TRANSACTIONS)
            if asked.agency != user.agency and not may(user, Power.AUDIT_ALL):
                raise _unknown(asked.agency)

    def every(self, asked: Asked, by: Actor, origin: str) -> Iterator[Recorded]:
        """All of them, page after page, each page on the ledger before it is given.

        What is recorded meanwhile, this report's own entries above all, is left out.

        Raises:
            AuditError: as with `page`.
        """
        asked = replace(asked, end=min(asked.end, self.now()))
        after = None
        while True:
            part = self.page(asked, by, origin, after=after, limit=MAX_PAGE)
            yield from part.entries
            if part.next is None:
                return
            after = part.next

    def _entry(self, asked: Asked, by: Actor, origin: str, after: str | None) -> Entry:
        request = asked.as_json() | ({} if after is None else {"after": after[:64]})
        return Entry(ACTION, by, self.now(), origin, request)


def as_mapping(recorded: Recorded) -> Mapping[str, Any]:
    """An entry flat, its keys those of ``FIELDS``; the request stays a mapping."""
    entry = recorded.entry
    return {
        "index": recorded.index,
        "at": format_time(entry.at),
        "name": entry.actor.name,
        "login": entry.actor.login,
        "user_id": entry.actor.user_id,
        "agency": entry.actor.agency,
        "action": entry.action,
        "outcome": entry.outcome,
        "origin": entry.origin,
        "request": entry.request,
        "count": entry.count,
        "result_digest": entry.result_digest,
    }


def as_row(recorded: Recorded) -> list[Cell]:
    """An entry as a row under ``FIELDS``."""
    row = as_mapping(recorded)
    request = json.dumps(row["request"], ensure_ascii=False, sort_keys=True)
    return [{**row, "request": request}[field] for field in FIELDS]


def as_paper(asked: Asked, found: Iterable[Recorded]) -> bytes:
    """The report as a PDF.

    Raises:
        AuditError: if it is longer than paper is good for.
    """
    rows: list[tuple[str, ...]] = []
    for each in found:
        if len(rows) == MAX_ON_PAPER:
            raise AuditError(
                f"the report has more than {MAX_ON_PAPER} entries: ask for a shorter time, one "
                "person or one action, or have it as CSV"
            )
        row = as_mapping(each)
        request = json.dumps(row["request"], ensure_ascii=False, sort_keys=True)
        who = f"{row['name']} ({row['login']})\nfrom {row['origin']}"
        what = f"{row['action']}\n{row['outcome']}"
        count = "" if row["count"] is None else str(row["count"])
        rows.append((str(row["index"]), row["at"], who, what, request, count))
    from repository.documents.pdf import Document  # late: most commands print nothing

    paper = Document(
        "Transactions",
        f"agency {asked.agency or 'none: operators and jobs'}; from {asked.start.isoformat()} "
        f"until before {asked.end.isoformat()}; person: {asked.login or 'all'}; "
        f"action: {asked.action or 'all'}",
    )
    paper.paragraph(f"Entries of the ledger: {len(rows)}")
    header = ("entry", "when", "who", "what", "asked", "returned")
    paper.table(header, rows, (1, 2, 2.6, 2, 6, 1))
    return paper.render()


def _which(connection: Connection, asked: Asked, before: int) -> Which:
    if asked.start >= asked.end:
        raise AuditError("from: not before to")
    if asked.agency is not None and not _known(connection, asked.agency):
        raise _unknown(asked.agency)
    user_id = None if asked.login is None else _person(connection, asked)
    return Which(
        (asked.agency or "",),
        asked.start,
        asked.end,
        user_id,
        () if asked.action is None else (asked.action,),
        before,
    )


def _unknown(agency: str | None) -> AuditError:
    return AuditError(f"agency {agency!r}: not known")


def _known(connection: Connection, agency: str) -> bool:
    query = select(agencies.c.id).where(agencies.c.name == agency)
    return connection.execute(query).one_or_none() is not None


def _person(connection: Connection, asked: Asked) -> str:
    found = connection.scalar(
        select(users.c.id)
        .join(agencies, agencies.c.id == users.c.agency_id)
        .where(users.c.login == asked.login, agencies.c.name == asked.agency)
    )
    if found is None:
        raise AuditError(f"login {asked.login!r}: nobody of agency {asked.agency!r} has it")
    return str(found)
