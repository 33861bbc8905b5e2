"""An agency's access: suspended for a time, ended, or given back (policy G-19).

Its people cannot sign in or search from then on, and their sessions end. Its data stays: it keeps
its owner, its rule of retention and its holds, and is released to the other agencies as before.
While its access is suspended its units go on sending, so that no read is lost meanwhile; once it
is ended their messages are refused with a receipt that says so, and they keep what they have.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias

from sqlalchemy import Connection, update

from repository.accounts import sessions, users
from repository.agencies.errors import AgencyError, require_text
from repository.ledger import log
from repository.ledger.entry import Actor, Entry
from repository.store.tables.fleet import agencies
from repository.units.enrolment import find_agency

Closing: TypeAlias = Literal["suspended", "ended"]

_ACTIONS = {"suspended": "agency.suspend", "ended": "agency.end", None: "agency.restore"}


def change(
    connection: Connection,
    name: str,
    access: Closing | None,
    *,
    reason: str,
    requested_by: str | None,
    actor: Actor,
    origin: str,
    now: datetime,
) -> None:
    """Suspend, end, or with None give back an agency's access, on the ledger.

    ``requested_by`` is who asked for it in writing, where the agency itself did.

    Raises:
        AgencyError: if there is no such agency, it is so already, or no reason is given.
    """
    reason = require_text("reason", reason)
    agency = find_agency(connection, name)
    if agency is None:
        raise AgencyError(f"agency {name}: not known; `alpr-repository agencies list` shows all")
    if agency.access == access:
        raise AgencyError(f"agency {name}: its access is {access or 'open'} already")
    users.lock_agency(connection, agency.id)
    connection.execute(
        update(agencies)
        .where(agencies.c.id == agency.id)
        .values(access=access, access_changed_at=now)
    )
    sessions.end_of_agency(connection, agency.id)
    request = {"agency": name, "before": agency.access, "reason": reason}
    if requested_by is not None:
        request["requested_by"] = require_text("requested by", requested_by, 200)
    log.append(connection, Entry(_ACTIONS[access], actor, now, origin, request))
