"""The record of a plate that was entered, changed or ended by hand on the unit."""

from __future__ import annotations

from collections.abc import Callable

from edge.contract import records
from edge.contract.records import AnyRecord
from edge.hotfile.local_entries import LocalChange
from edge.instant import Instant
from edge.pipeline import Draft, Identity


def manual_entry_draft(
    change: LocalChange,
    *,
    identity: Identity,
    at: Instant,
    random_bytes: Callable[[int], bytes],
) -> Draft:
    """The record of a change of the unit's own list, to be stored before it is applied."""
    identifier = records.mint_id(at.at, random_bytes)
    entry = change.entry

    def build(seq: int) -> AnyRecord:
        return records.ManualEntry(
            id=identifier,
            agency=identity.agency,
            unit=identity.unit,
            seq=seq,
            salt=random_bytes(16).hex(),
            captured_at=at.at,
            clock=at.clock,
            officer=entry.officer,
            action=change.action,
            entry=entry.entry,
            plate=entry.plate,
            state=entry.state,
            kind=entry.kind,
            reason=entry.reason,
            authorized_by=entry.authorized_by,
            checked_by=entry.checked_by,
            expires=entry.expires,
        )

    return Draft(builders=(build,), pictures={})
