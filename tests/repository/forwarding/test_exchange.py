"""The file that bridges a gap says what its unit signed, or nothing."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select

from repository.agencies.errors import AgencyError
from repository.forwarding import exchange
from repository.forwarding.exchange import EnrolmentFile
from repository.forwarding.rebuild import GONE, KeptBack, next_batch
from repository.forwarding.state import positions
from repository.store.engine import reading
from repository.store.tables.fleet import chains
from repository.store.tables.reads import reads
from tests.repository.forwarding.conftest import Pair
from tests.repository.sender import AGENCY
from tests.repository.whole import NOW


@pytest.fixture
def file(pair: Pair) -> EnrolmentFile:
    """Two batches are left out, of two records and of one."""
    pair.take(2)
    pair.take(1)
    with pair.department.engine.begin() as connection:
        connection.execute(delete(reads))
    pair.forward(3)
    with reading(pair.department.engine) as connection:
        return exchange.export(connection, AGENCY)


def take(pair: Pair, file: EnrolmentFile, *heads: exchange.Head) -> int:
    unit = msgspec.structs.replace(file.units[0], left_out=heads or file.units[0].left_out)
    with pair.state.engine.begin() as connection:
        (done,) = exchange.take(connection, msgspec.structs.replace(file, units=(unit,)), NOW)
    return done.left_out


def committed(pair: Pair) -> int:
    with reading(pair.state.engine) as connection:
        return connection.scalar(select(chains.c.committed_through)) or 0


@pytest.mark.policy("M-VI")
def test_it_is_taken_once(pair: Pair, file: EnrolmentFile) -> None:
    assert [each.last_seq for each in file.units[0].left_out] == [2, 3]
    assert take(pair, file, file.units[0].left_out[0]) == 2
    assert take(pair, file) == 1
    assert take(pair, file) == 0
    assert committed(pair) == 3
    with reading(pair.state.engine) as connection:
        (there,) = positions(connection, [AGENCY])
        assert next_batch(connection, there) == KeptBack(2, GONE)


def test_what_the_unit_did_not_sign_is_refused(pair: Pair, file: EnrolmentFile) -> None:
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"root": "a" * 64}, "not signed"),
        ({"last_seq": 3}, "not signed"),
        ({"last_seq": 9_000_000_000}, "not signed"),
        ({"key": "0" * 16}, "not signed"),
        ({"previous_root": "a" * 64}, "do not follow"),
        ({"first_seq": 2, "last_seq": 2}, "do not follow"),
    )
    for change, said in changes:
        head = msgspec.structs.replace(file.units[0].left_out[0], **change)
        with pytest.raises(AgencyError, match=said):
            take(pair, file, head)
        assert committed(pair) == 0
