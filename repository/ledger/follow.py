"""Follow the tree through the ledger's rows: is each what the ones before it and its body give."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from edge.contract import merkle
from repository.ledger import entry as entries
from repository.ledger import log
from repository.ledger.errors import LedgerError


class MismatchError(Exception):
    """Something in the ledger is not what it should be, in the entry of that index if known."""

    def __init__(self, index: int | None, problem: str) -> None:
        super().__init__(problem)
        self.index = index
        self.problem = problem


def follow(
    connection: Connection, tree: merkle.Frontier
) -> Iterator[tuple[merkle.Frontier, bytes]]:
    """The tree with each row after those in ``tree``, one at a time, and that row's leaf hash.

    Raises:
        MismatchError: at the first row whose index, columns, digest or root is not what it should.
    """
    for row in log.rows(connection, tree.size or None):
        _check_row(row, tree.size)
        hashed = merkle.leaf_hash(row.leaf)
        tree = tree.append(hashed)
        if tree.root() != row.root:
            raise MismatchError(
                row.index, f"entry {row.index}: its root does not follow from the entries"
            )
        yield tree, hashed


def check_state(connection: Connection, tree: merkle.Frontier) -> None:
    """Whether the ledger's state is that tree, which followed every row.

    Raises:
        MismatchError: if not, or if the state is damaged.
    """
    try:
        state = log.state(connection)
    except LedgerError as error:
        raise MismatchError(None, str(error)) from error
    if state.size > tree.size:
        raise MismatchError(
            tree.size, f"entry {tree.size}: missing; the ledger's state counts {state.size}"
        )
    if state.size < tree.size:
        raise MismatchError(
            state.size, f"entry {state.size}: added past the ledger's state, which ends before it"
        )
    if state.hashes != tree.hashes:
        raise MismatchError(None, "the ledger's state is not the tree of its entries")


def _check_row(row: log.Row, expected: int) -> None:
    if row.index > expected:
        raise MismatchError(expected, f"entry {expected}: missing; the next one is {row.index}")
    if row.index < expected:
        raise MismatchError(row.index, f"entry {row.index}: out of place")
    if entries.leaf(row.body) != row.leaf:
        raise MismatchError(row.index, f"entry {row.index}: its contents do not fit its digest")
    try:
        recorded = entries.read(row.body)
    except LedgerError as error:
        raise MismatchError(row.index, f"entry {row.index}: {error}") from error
    if recorded.index != row.index:
        problem = f"entry {row.index}: was recorded as entry {recorded.index}"
        raise MismatchError(row.index, problem)
    entry = recorded.entry
    inside = (entry.action, entry.actor.user_id, entry.actor.agency, entry.at)
    if (row.action, row.user_id, row.agency, row.at) != inside:
        raise MismatchError(row.index, f"entry {row.index}: its columns are not what its body says")
