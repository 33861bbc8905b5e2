"""What the spool keeps in memory does not grow with what went through it."""

from __future__ import annotations

import pytest

from edge.spool.store import Spool
from tests.edge.spool.samples import UNIT_KEY, read_with, receipt


def test_data_keys_of_what_is_gone_are_forgotten(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.spool.encryption.SEALS_PER_DATA_KEY", 4)

    def pass_through(records: int) -> int:
        for _ in range(records):
            spool.add([read_with()], {})
            batch = spool.seal(UNIT_KEY)
            assert batch is not None
            spool.add([read_with()], {})  # something always waits, as on the road
            spool.acknowledge(receipt(batch.last_seq, batch.root))
        return len(spool._vault._ciphers)

    few = pass_through(10)
    assert pass_through(40) <= few + 1
