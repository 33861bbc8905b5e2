"""Where a batch stands in its unit's chain: pure decisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from edge.contract.batch import Batch
from repository.ingest.verdicts import UnitState

GAP_AFTER = timedelta(minutes=1)
"""A unit that is told where its chain stands sends what follows there. If batches from beyond it
still come this long after the first of them, what lies between is not on its way."""

Standing = Literal["next", "known", "ahead", "forked"]


def standing(batch: Batch, unit: UnitState, committed_root: str | None) -> Standing:
    """Where the batch stands.

    ``committed_root`` is the root of the unit's committed batch with the same first sequence, None
    if there is none. A batch is known only if it is that very batch: another one in its place
    comes from a unit that lost its place in the chain, or from a second unit with the same key,
    and calling it committed would let it purge what is stored nowhere.

    One that is ahead follows nothing that is committed yet: the batches between may be with
    another ingest process, or on their way, or lost.
    """
    if batch.last_seq <= unit.committed_through and batch.root == committed_root:
        return "known"
    if batch.first_seq > unit.committed_through + 1:
        return "ahead"
    if batch.first_seq == unit.committed_through + 1 and batch.previous_root == unit.chain_root:
        return "next"
    return "forked"
