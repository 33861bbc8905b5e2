"""An agency's own reads: found, corrected, withdrawn, disposed of (policy C-6a).

- A correction stands beside the read: the record stays as its unit signed it and can be proven.
- A withdrawn read is shown to its owner's people alone. It stays under its rule and its holds.
- What is disposed of is gone at once with its hits, what officers said of them, and its pictures,
  unless a hold of any agency names it. Its unit's batches still hold its salted digest, which says
  nothing of it, so that its neighbours can still be proven.

Everything runs in the caller's transaction, which has the turn RETENTION of ``store.locks``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, or_, select, update

from edge.contract.plates import STATES, normalise
from repository.accounts.user import User
from repository.agencies import counts
from repository.agencies.errors import AgencyError
from repository.cases import shown
from repository.retention.holds import catch, is_held
from repository.store import plates
from repository.store.rows import insert_new, put
from repository.store.tables.agency_data import error_reports, read_corrections, withdrawn_reads
from repository.store.tables.cases import case_search_reads
from repository.store.tables.fleet import agencies, units
from repository.store.tables.reads import hits, pictures, reads, unit_records
from repository.store.tables.retention import doomed_pictures, hold_reads, holds
from repository.typed_plate import only_of_plates

MAX_READS = 500  # all of them stand in the ledger's entry, which has a largest size
_PLATE = re.compile(r"[A-Z0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class SeenRead:
    """A read by what leads to it, and whose it is."""

    unit_id: int
    captured_at: datetime
    read_id: UUID
    agency_id: int
    agency: str
    unit: str
    seq: int
    plate: str
    state: str | None

    @property
    def key(self) -> dict[str, Any]:
        """Its primary key."""
        return {
            "unit_id": self.unit_id,
            "captured_at": self.captured_at,
            "read_id": self.read_id,
        }


def find(connection: Connection, read_ids: Sequence[UUID]) -> list[SeenRead]:
    """Every read that is there under one of these ids, whosever it is.

    An id holds the millisecond of its capture: that and the units lead to its row.
    """
    found: list[SeenRead] = []
    for read_id in dict.fromkeys(read_ids):
        try:
            start = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=read_id.int >> 80)
        except OverflowError:  # no id of a read
            continue
        query = (
            select(
                reads.c.unit_id,
                reads.c.captured_at,
                reads.c.read_id,
                reads.c.agency_id,
                agencies.c.name.label("agency"),
                units.c.name.label("unit"),
                reads.c.seq,
                reads.c.plate,
                reads.c.state,
            )
            .join(units, units.c.id == reads.c.unit_id)
            .join(agencies, agencies.c.id == reads.c.agency_id)
            .where(
                reads.c.unit_id.in_(select(units.c.id)),
                reads.c.captured_at >= start,
                reads.c.captured_at < start + timedelta(milliseconds=1),
                reads.c.read_id == read_id,
            )
        )
        found += [SeenRead(**row) for row in connection.execute(query).mappings()]
    return found


def find_own(connection: Connection, user: User, read_ids: Sequence[UUID]) -> list[SeenRead]:
    """The user's agency's reads of these ids, each of them.

    Raises:
        AgencyError: if one is not there, or another agency's; the text is the same for both.
    """
    if not 1 <= len(read_ids) <= MAX_READS:
        raise AgencyError(f"reads: 1 to {MAX_READS} at a time")
    found = [each for each in find(connection, read_ids) if each.agency_id == user.agency_id]
    missing = sorted(map(str, set(read_ids) - {each.read_id for each in found}))
    if missing:
        raise AgencyError(f"reads: not reads of agency {user.agency}: {', '.join(missing)}")
    return found


def correct(
    connection: Connection,
    read: SeenRead,
    *,
    plate: str,
    plate_folded: str,
    state: str | None,
    user: User,
    now: datetime,
) -> None:
    """Say what the plate and the state really are, in place of an earlier correction.

    A hold that stands on that plate reaches the read from now on.

    Raises:
        AgencyError: if both are what the machine read.
    """
    if (plate, state) == (read.plate, read.state):
        raise AgencyError("plate, state: these are what the machine read; nothing to correct")
    row = {
        **read.key,
        "agency_id": read.agency_id,
        "plate": plate,
        "plate_folded": plate_folded,
        "state": state,
        "corrected_by": str(user.id),
        "corrected_by_name": user.name,
        "corrected_at": now,
    }
    put(connection, read_corrections, row)
    changed = {**read.key, "agency_id": read.agency_id, "plate": plate, "state": state}
    catch(connection, [changed])


def check_plate(typed: str) -> str:
    """A plate as it is stored.

    Raises:
        AgencyError: if it is none.
    """
    plate = normalise(typed)
    if not only_of_plates(typed) or not _PLATE.fullmatch(plate):
        raise AgencyError("plate: 1 to 12 letters and digits, blanks and dashes between them")
    return plate


def check_state(typed: str | None) -> str | None:
    """A state of issuance as it is stored.

    Raises:
        AgencyError: if it is none of the states or DC.
    """
    if typed is None:
        return None
    state = typed.strip().upper()
    if state not in STATES:
        raise AgencyError("state: the two letters of a state or of DC, as in MA")
    return state


def withdraw(
    connection: Connection, found: Sequence[SeenRead], *, user: User, now: datetime
) -> None:
    """Release these reads to no other agency any more."""
    rows = [
        {
            **read.key,
            "agency_id": read.agency_id,
            "withdrawn_by": str(user.id),
            "withdrawn_by_name": user.name,
            "withdrawn_at": now,
        }
        for read in found
    ]
    insert_new(connection, withdrawn_reads, rows)


def release_again(connection: Connection, found: Sequence[SeenRead]) -> None:
    """Undo a withdrawal."""
    for read in found:
        connection.execute(delete(withdrawn_reads).where(_is(withdrawn_reads, read)))


def dispose(connection: Connection, found: Sequence[SeenRead]) -> None:
    """Let go of these reads for good; the files of their pictures go after the commit.

    Raises:
        AgencyError: if a hold stands on one of them; nothing is gone then.
    """
    for read in found:
        _refuse_held(connection, read)
    for read in found:
        _dispose(connection, read)


def is_withdrawn(table: Table) -> ColumnElement[bool]:
    """Whether the read of a row of ``reads``, ``hits`` or ``pictures`` is withdrawn."""
    return exists().where(
        withdrawn_reads.c.unit_id == table.c.unit_id,
        withdrawn_reads.c.read_id == table.c.read_id,
    )


def withdrawn(connection: Connection, read: SeenRead) -> bool:
    """Whether its owner has withdrawn the read."""
    return bool(connection.scalar(select(exists().where(_is(withdrawn_reads, read)))))


def forget_purged(connection: Connection) -> None:
    """Let what is said here of reads go with them; the purge calls it in its transaction."""
    for table in (read_corrections, withdrawn_reads):
        connection.execute(delete(table).where(~_there(table)))
    connection.execute(
        update(error_reports)
        .where(
            or_(error_reports.c.error.is_not(None), error_reports.c.answer_text.is_not(None)),
            ~_there(error_reports),
        )
        .values(error=None, answer_text=None)
    )


def _refuse_held(connection: Connection, read: SeenRead) -> None:
    query = (
        select(holds.c.id, agencies.c.name, holds.c.case_number, holds.c.kind)
        .join(hold_reads, hold_reads.c.hold_id == holds.c.id)
        .join(agencies, agencies.c.id == holds.c.agency_id)
        .where(
            hold_reads.c.unit_id == read.unit_id,
            hold_reads.c.captured_at == read.captured_at,
            hold_reads.c.read_id == read.read_id,
            hold_reads.c.lapsed_at.is_(None),
            holds.c.released_at.is_(None),
        )
        .order_by(holds.c.id)
    )
    standing = connection.execute(query).first()
    if standing is not None:
        raise AgencyError(
            f"read {read.read_id}: hold {standing.id} of agency {standing.name} stands on it "
            f"(case {standing.case_number}, {standing.kind}); it can go once that is released"
        )
    # Whatever else may hold a read, the one question of the retention's room decides.
    if connection.scalar(select(exists().where(_is(reads, read), is_held(reads)))):
        raise AgencyError(f"read {read.read_id}: it is held; it can go once no hold stands on it")


def _dispose(connection: Connection, read: SeenRead) -> None:
    of_read = and_(hits.c.unit_id == read.unit_id, hits.c.read_id == read.read_id)
    counts.keep(connection, _is(reads, read), of_read)
    read_hits = connection.execute(select(hits.c.hit_id, hits.c.plate).where(of_read)).all()
    connection.execute(
        delete(unit_records).where(
            unit_records.c.unit_id == read.unit_id,
            unit_records.c.hit_id.in_([each.hit_id for each in read_hits]),
        )
    )
    connection.execute(delete(hits).where(of_read))
    digests = connection.scalars(select(pictures.c.sha256).where(_is(pictures, read))).all()
    day = read.captured_at.astimezone(UTC).date()
    insert_new(
        connection, doomed_pictures, [{"day": day, "sha256": each} for each in sorted(digests)]
    )
    for table in (pictures, reads, read_corrections, withdrawn_reads):
        connection.execute(delete(table).where(_is(table, read)))
    connection.execute(
        update(error_reports).where(_is(error_reports, read)).values(error=None, answer_text=None)
    )
    shown.forget(connection, _is(case_search_reads, read))
    plates.forget_unused(connection, {read.plate, *(each.plate for each in read_hits)})


def _is(table: Table, read: SeenRead) -> ColumnElement[bool]:
    return and_(
        table.c.unit_id == read.unit_id,
        table.c.captured_at == read.captured_at,
        table.c.read_id == read.read_id,
    )


def _there(table: Table) -> ColumnElement[bool]:
    return exists().where(
        reads.c.unit_id == table.c.unit_id,
        reads.c.captured_at == table.c.captured_at,
        reads.c.read_id == table.c.read_id,
    )
