"""Proofs about the ledger's tree, each checked against a signed checkpoint before it is shown."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from edge.contract import merkle
from edge.contract.errors import ContractError
from repository.ledger import entry as entries
from repository.ledger import log
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.errors import LedgerError, NotCoveredError
from repository.ledger.tiles import node_hashes


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an entry stands in the tree which the checkpoint signs; hashes in hexadecimal.

    ``leaf`` is the SHA-256 of the entry's body; a verifier hashes it as a leaf of RFC 9162.
    """

    index: int
    body: str
    leaf: str
    path: tuple[str, ...]
    size: int
    checkpoint: str


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree which the checkpoint signs only added to that of an older size."""

    old_size: int
    old_root: str
    path: tuple[str, ...]
    size: int
    root: str
    checkpoint: str


def root_at(connection: Connection, size: int) -> bytes:
    """Root of the tree of the first ``size`` entries, as the tiles have it."""
    (root,) = node_hashes(connection, [(0, size)])
    return root


def inclusion(connection: Connection, index: int, note: str, signed: Checkpoint) -> InclusionProof:
    """Proof of one entry under a checkpoint, ``note``, that was opened as ``signed``.

    Raises:
        LedgerError: if it does not cover the entry, or what is stored does not lead to its root.
    """
    if not 0 <= index < signed.size:
        raise NotCoveredError(
            f"entry {index}: the newest checkpoint covers {signed.size} entries, from 0; "
            "'alpr-repository ledger checkpoint' signs the newer ones"
        )
    row = next(log.rows(connection, index, index + 1), None)
    if row is None or row.index != index or entries.leaf(row.body) != row.leaf:
        raise _broken(f"entry {index} is missing or its contents do not fit its digest")
    path = node_hashes(connection, merkle.inclusion_ranges(index, signed.size))
    try:
        hashed = merkle.leaf_hash(row.leaf)
        merkle.verify_inclusion(hashed, index, signed.size, path, signed.root)
    except ContractError as error:
        raise _broken(f"entry {index}: {error}") from error
    return InclusionProof(
        index=index,
        body=row.body.decode(),
        leaf=row.leaf.hex(),
        path=tuple(each.hex() for each in path),
        size=signed.size,
        checkpoint=note,
    )


def consistency(
    connection: Connection,
    old_size: int,
    note: str,
    signed: Checkpoint,
    old_root: bytes | None = None,
) -> ConsistencyProof:
    """Proof that the tree which a checkpoint signs holds the first ``old_size`` entries unchanged.

    ``old_root`` is what somebody who kept it says of that size; what the tiles give counts else.

    Raises:
        LedgerError: if the size is not covered, or the roots are not of one growing ledger.
    """
    path = consistency_path(connection, old_size, signed.size)
    if old_root is None:
        old_root = root_at(connection, old_size)
    try:
        merkle.verify_consistency(old_size, signed.size, old_root, signed.root, path)
    except ContractError as error:
        raise _broken(f"sizes {old_size} and {signed.size}: {error}") from error
    return ConsistencyProof(
        old_size=old_size,
        old_root=old_root.hex(),
        path=tuple(each.hex() for each in path),
        size=signed.size,
        root=signed.root.hex(),
        checkpoint=note,
    )


def consistency_path(connection: Connection, old_size: int, size: int) -> list[bytes]:
    """The hashes of that proof, unchecked.

    Raises:
        LedgerError: if the sizes are not those of a growing tree, or a tile is missing.
    """
    if not 0 < old_size <= size:
        raise NotCoveredError(f"size {old_size}: expected one from 1 to {size}")
    return node_hashes(connection, merkle.consistency_ranges(old_size, size))


def _broken(problem: str) -> LedgerError:
    return LedgerError(
        f"no proof can be shown: {problem}; run 'alpr-repository ledger verify' to see what was "
        "changed"
    )
