"""Append to the ledger and read it back.

The entry, the new state of the tree and its tiles are written in the caller's transaction, so that
what the entry records and the entry itself are kept or lost together. Appending is serial: the
state's row stays locked until that transaction ends, so a use case appends last, just before its
commit.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from edge.contract import merkle
from edge.contract.errors import ContractError
from repository.ledger import entry as entries
from repository.ledger import tiles
from repository.ledger.entry import Entry
from repository.ledger.errors import LedgerError
from repository.store.engine import at_once
from repository.store.tables.ledger import ledger_entries, ledger_state

_HASH_BYTES = 32
_ROWS_AT_ONCE = 1000
# Run for every entry, so built once.
_STATE = select(ledger_state.c.size, ledger_state.c.frontier)
_STATE_TO_CHANGE = _STATE.with_for_update()
_ADD = insert(ledger_entries)
_CHANGE_STATE = update(ledger_state)


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an entry stands, and the tree with it as the last."""

    index: int
    size: int
    root_hex: str


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it lies in the database, unchecked."""

    index: int
    action: str
    user_id: str
    agency: str
    at: datetime
    body: bytes
    leaf: bytes
    root: bytes


def append(
    connection: Connection,
    entry: Entry,
    *,
    also: Callable[[int], None] = lambda _index: None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> Appended:
    """Add an entry in the caller's transaction.

    ``also`` writes what bears the entry's index, and asks nothing: it goes to the database with
    the entry, since everybody else's entry waits meanwhile (see `at_once`).

    Raises:
        LedgerError: if the entry has no canonical form, or the ledger's state is missing or broken.
    """
    tree = state(connection, lock=True)
    index = tree.size
    recorded = entries.body(entry, index, random_bytes(entries.SALT_BYTES))
    leaf = entries.leaf(recorded)
    grown = tree.append(merkle.leaf_hash(leaf))
    root = grown.root()
    row = {
        "entry_index": index,
        "action": entry.action,
        "user_id": entry.actor.user_id,
        "agency": entry.actor.agency,
        "at": entries.to_hundredths(entry.at),
        "body": recorded,
        "leaf": leaf,
        "root": root,
    }
    with at_once(connection):
        connection.execute(_ADD, row)
        connection.execute(_CHANGE_STATE, {"size": grown.size, "frontier": b"".join(grown.hashes)})
        also(index)
    tiles.grow(connection, grown.size)
    return Appended(index=index, size=grown.size, root_hex=root.hex())


def state(connection: Connection, *, lock: bool = False) -> merkle.Frontier:
    """The tree as the last append left it; with ``lock``, nothing is appended until commit.

    Raises:
        LedgerError: if its row is missing or no tree's.
    """
    row = connection.execute(_STATE_TO_CHANGE if lock else _STATE).one_or_none()
    if row is None:
        raise LedgerError(
            "the ledger's state is missing from the database; "
            "restore it from a backup, nothing is recorded or answered until then"
        )
    try:
        return frontier(row.size, row.frontier)
    except LedgerError as error:
        raise LedgerError(
            "the ledger's state in the database is damaged; run 'alpr-repository ledger verify'"
        ) from error


def frontier(size: int, stored: bytes) -> merkle.Frontier:
    """The tree of that size in the form in which it is stored, its hashes one after another.

    Raises:
        LedgerError: if they are no such tree's.
    """
    if len(stored) % _HASH_BYTES:
        raise LedgerError("its last hash is cut off")
    starts = range(0, len(stored), _HASH_BYTES)
    try:
        return merkle.Frontier(size, tuple(stored[at : at + _HASH_BYTES] for at in starts))
    except ContractError as error:
        raise LedgerError(str(error)) from error


def rows(
    connection: Connection, first: int | None = None, until: int | None = None
) -> Iterator[Row]:
    """Entries in order from index ``first``, up to but not including ``until``.

    Fetched in pages, so that a reader who stops halfway leaves no cursor open.
    """
    index = ledger_entries.c.entry_index
    query = select(ledger_entries).order_by(index).limit(_ROWS_AT_ONCE)
    if until is not None:
        query = query.where(index < until)
    page_query = query if first is None else query.where(index >= first)
    while page := connection.execute(page_query).all():
        for row in page:
            yield Row(
                index=row.entry_index,
                action=row.action,
                user_id=row.user_id,
                agency=row.agency,
                at=row.at,
                body=row.body,
                leaf=row.leaf,
                root=row.root,
            )
        page_query = query.where(index > page[-1].entry_index)
