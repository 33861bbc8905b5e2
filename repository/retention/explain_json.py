"""An explanation as JSON. Pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from repository.ledger.entry import Recorded
from repository.retention.explain import Duty, Gone, Keeping, Kept
from repository.retention.explain_ledger import RuleChange
from repository.retention.explain_people import who
from repository.retention.explain_purges import Purged
from repository.retention.explain_words import without_plate
from repository.retention.holds_present import as_mapping


def kept_as_mapping(kept: Kept, plate: dict[str, str | None] | None) -> dict[str, Any]:
    """A read that is here; ``plate`` is left out unless it is given."""
    first = kept.duties[0]
    said: dict[str, Any] = {
        "read_id": str(kept.read_id),
        "here": True,
        "agency": kept.agency,
        "unit": kept.unit,
        "camera": kept.camera,
        "captured_at": kept.captured_at.isoformat(),
        "received_at": kept.received_at.isoformat(),
        "class": "hit" if kept.hit else "read",
        "rule": {
            "name": kept.rule.name,
            "source": kept.rule.source,
            "note": kept.rule.note,
            "sha256": kept.rule.sha256,
            "term": str(kept.rule.term(hit=kept.hit)),
            "of": "agency" if kept.agency_rule else "repository",
            "expires_at": kept.expires_at.isoformat(),
        },
        "rule_changes": [
            _change_as_mapping(each, kept.captured_at, (kept.hit,)) for each in kept.changes
        ],
        "holds": [
            _keeping_as_mapping(duty.keeping) | {"keeps_until": _end_of(duty)}
            for duty in kept.duties
            if duty.keeping is not None
        ],
        "ended_holds": [_keeping_as_mapping(each) for each in kept.ended],
        "restores": [_restore_as_mapping(each) for each in kept.restores],
        "decided_by": "rule" if first.hold is None else f"hold {first.hold.id}",
        "goes_at": kept.goes_at.isoformat() if kept.goes_at else None,
        "withdrawn": kept.withdrawn,
    }
    return said if plate is None else said | {"plate": plate}


def gone_as_mapping(gone: Gone) -> dict[str, Any]:
    """A read that is not here; of several ``purges`` one took it."""
    nothing_hidden = not gone.purges and not gone.restores
    return {
        "read_id": str(gone.read_id),
        "here": False,
        "captured_at": gone.captured_at.isoformat(),
        "was_here": True if gone.was_here else False if nothing_hidden else None,
        "agencies": list(gone.owners),
        "holds": [_keeping_as_mapping(each) for each in gone.holds],
        "shown": [
            {"at": each.at.isoformat(), "ledger_index": each.ledger_index} for each in gone.shown
        ],
        "disposed": None if gone.disposed is None else _done_as_mapping(gone.disposed),
        "rule_changes": [
            _change_as_mapping(each, gone.captured_at, (False, True)) for each in gone.changes
        ],
        "restores": [_restore_as_mapping(each) for each in gone.restores],
        "spared_by": list(gone.spared),
        "purges": [_purge_as_mapping(each) for each in gone.purges],
    }


def _keeping_as_mapping(keeping: Keeping) -> dict[str, Any]:
    ended_at = keeping.named.ended_at
    return as_mapping(without_plate(keeping.hold)) | {
        "kept_it_until": ended_at.isoformat() if ended_at else None,
        "placed_entry": keeping.placed.index if keeping.placed else None,
        "ended_entry": keeping.ended.index if keeping.ended else None,
    }


def _end_of(duty: Duty) -> str | None:
    return duty.ends_at.isoformat() if duty.ends_at else None


def _purge_as_mapping(purge: Purged) -> dict[str, Any]:
    return {
        "at": purge.at.isoformat(),
        "by": who(purge.by),
        "day": purge.day.isoformat() if purge.day else None,
        "ledger_index": purge.ledger_index,
        "reads_purged": purge.reads_purged,
        "agencies": list(purge.agencies),
        "rules": [asdict(rule) for rule in purge.rules],
        "only_this": purge.only_this,
    }


def _done_as_mapping(recorded: Recorded) -> dict[str, Any]:
    return {
        "at": recorded.entry.at.isoformat(),
        "by": who(recorded.entry.actor),
        "ledger_index": recorded.index,
    }


def _restore_as_mapping(restore: Recorded) -> dict[str, Any]:
    return _done_as_mapping(restore) | {"backup_made_at": restore.entry.request["made_at"]}


def _change_as_mapping(
    change: RuleChange, captured_at: datetime, classes: tuple[bool, ...]
) -> dict[str, Any]:
    request = change.recorded.entry.request
    moves = {hit: change.moves(captured_at, hit=hit) for hit in classes}
    return _done_as_mapping(change.recorded) | {
        "agency": change.agency,
        "reason": request.get("reason"),
        "rule_digest_before": request.get("rule_digest_before"),
        "rule_digest": request.get("rule_digest"),
        "ends": {
            "hit" if hit else "read": {"before": move[0].isoformat(), "after": move[1].isoformat()}
            for hit, move in moves.items()
            if move is not None
        },
    }
