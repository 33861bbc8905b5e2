"""How long audits are kept: monthly ones five years from their sign-off, the others for good.

Nothing but this purge removes an audit, and it leaves an entry with what went.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select

from repository.ledger import log
from repository.ledger.entry import Actor, Entry, digest_of_ids
from repository.store.tables.audits import (
    audit_counts,
    audit_findings,
    audit_papers,
    audit_samples,
    audits,
)

_PARTS = (audit_counts, audit_samples, audit_findings, audit_papers)


def purge(engine: Engine, by: Actor, origin: str, now: datetime) -> list[int]:
    """Remove the audits whose time is over, and have no finding open; gives their numbers."""
    with engine.begin() as connection:
        gone = _over(connection, now)
        if gone:
            for table in _PARTS:
                connection.execute(delete(table).where(table.c.audit_id.in_(gone)))
            connection.execute(delete(audits).where(audits.c.id.in_(gone)))
            digest = digest_of_ids(map(str, gone))
            entry = Entry(
                "audits.purge",
                by,
                now,
                origin,
                {"audits": gone},
                count=len(gone),
                result_digest=digest,
            )
            log.append(connection, entry)
    return gone


def _over(connection: Connection, now: datetime) -> list[int]:
    still_open = select(audit_findings.c.audit_id).where(audit_findings.c.closed_at.is_(None))
    query = select(audits.c.id).where(
        audits.c.keep_until <= now,
        audits.c.id.not_in(still_open),
    )
    # As many as one entry has room for; the rest goes the next time.
    return list(connection.scalars(query.order_by(audits.c.id).limit(1000)))
