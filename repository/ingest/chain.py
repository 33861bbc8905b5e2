"""Where a batch stands in its unit's chain: pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, TypeAlias

from edge.contract.batch import Batch
from repository.ingest.arrived import Arrived
from repository.ingest.verdicts import OpenBatch, UnitState

GAP_AFTER = timedelta(minutes=1)
"""A unit that is told where its chain stands sends what follows there. If batches from beyond it
still come this long after the first of them, what lies between is not on its way."""

Standing = Literal["next", "known", "ahead", "forked"]
UnitName: TypeAlias = tuple[str, str]
"""A unit's agency and its name within it."""


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


def within_reach(
    arrived: Sequence[Arrived],
    overdue: Sequence[bool],
    through: Mapping[UnitName, int],
    rows_at_most: int,
) -> list[int]:
    """Which of the messages can be taken now, by their indexes, in the order to take them in.

    Left for later are batches ahead of what is committed and of what is taken before them, unless
    ``overdue``; and of batches what goes beyond that many rows, those of the units that have
    waited longest coming first. ``through`` says how far each unit's chain is committed.
    """
    waited: dict[str, int] = {}
    for index, one in enumerate(arrived):
        waited.setdefault(one.topic, index)
    order = sorted(range(len(arrived)), key=lambda index: _turn(arrived[index], waited))
    reached, put_off = dict(through), set[UnitName]()
    taken: list[int] = []
    rows = 0
    for index in order:
        content = arrived[index].content
        if isinstance(content, OpenBatch):
            name, batch = (content.batch.agency, content.batch.unit), content.batch
            ahead = name in reached and batch.first_seq > reached[name] + 1
            if name in put_off or (ahead and not overdue[index]):
                continue
            if rows and rows + arrived[index].rows > rows_at_most:
                put_off.add(name)
                continue
            rows += arrived[index].rows
            if name in reached:
                reached[name] = max(reached[name], batch.last_seq)
        taken.append(index)
    return taken


def _turn(one: Arrived, waited: Mapping[str, int]) -> tuple[int, int]:
    """Batches of a unit in the order of their chain, after all that is no batch."""
    if isinstance(one.content, OpenBatch):
        return waited[one.topic], one.content.batch.first_seq
    return -1, 0
