"""What tests of taking messages ask of answers and tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, Table, func, select

from edge.contract import batch as b
from repository.ingest.take import Taken
from repository.store.engine import reading
from tests.repository.ingest.conftest import NOW

SEEN = NOW - timedelta(minutes=5)


def receipt(taken: Taken, key: Ed25519PrivateKey) -> b.Receipt:
    assert taken.reply is not None
    found = b.decode_receipt(taken.reply.payload)
    b.verify_receipt(found, key.public_key())
    return found


def count(engine: Engine, table: Table) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def one(engine: Engine, table: Table) -> Any:
    with reading(engine) as connection:
        return connection.execute(select(table)).one()
