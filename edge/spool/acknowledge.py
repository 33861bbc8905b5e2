"""What a receipt does to the spool: how far it is believed, and what it purges.

The rules stand at the head of `edge.spool.store`. Every function works inside the caller's
transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

from edge.contract.batch import Receipt

Verdict = Literal["advanced", "repeated", "old", "ahead", "other_chain"]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a receipt did.

    ``verdict`` is ``advanced`` if records were purged, ``repeated`` if it ends where the spool
    already stands, ``old`` if it ends before, ``ahead`` if it ends after everything that was ever
    sealed, ``other_chain`` if no batch of this spool ends there with that root.
    """

    verdict: Verdict
    receipted_through: int
    records_purged: int
    pictures_purged: int
    refused: int


def apply_receipt(connection: sqlite3.Connection, receipt: Receipt) -> Acknowledged:
    """Purge what this receipt covers, and say what it did."""
    verdict = _judge(connection, receipt)
    records_purged = pictures_purged = refused = 0
    if verdict == "advanced":
        records_purged = _purge_records(connection, receipt)
    if verdict not in ("ahead", "other_chain"):
        refused, touched = _note_refusals(connection, receipt)
        touched |= _note_held(connection, receipt)
        pictures_purged = _purge_pictures(connection, touched)
    receipted_through, _ = receipted(connection)
    return Acknowledged(
        verdict=verdict,
        receipted_through=receipted_through,
        records_purged=records_purged,
        pictures_purged=pictures_purged,
        refused=refused,
    )


def receipted(connection: sqlite3.Connection) -> tuple[int, str]:
    """The last sequence that a receipt covered, and the root of the batch that ended there."""
    last_seq, root = connection.execute("SELECT receipted, receipted_root FROM chain").fetchone()
    return last_seq, root


def _judge(connection: sqlite3.Connection, receipt: Receipt) -> Verdict:
    last_receipted, receipted_root = receipted(connection)
    through = receipt.committed_through
    if through < last_receipted:
        return "old"
    if through == last_receipted:
        return "repeated" if receipt.chain_root == receipted_root else "other_chain"
    (sealed_through,) = connection.execute("SELECT max(last_seq) FROM batches").fetchone()
    if through > (sealed_through or 0):
        return "ahead"
    row = connection.execute("SELECT root FROM batches WHERE last_seq = ?", (through,)).fetchone()
    return "advanced" if row == (receipt.chain_root,) else "other_chain"


def _purge_records(connection: sqlite3.Connection, receipt: Receipt) -> int:
    through = receipt.committed_through
    purged = connection.execute("DELETE FROM records WHERE seq <= ?", (through,)).rowcount
    connection.execute("DELETE FROM batches WHERE last_seq <= ?", (through,))
    connection.execute(
        "UPDATE chain SET receipted = ?, receipted_root = ?", (through, receipt.chain_root)
    )
    return purged


def _note_refusals(connection: sqlite3.Connection, receipt: Receipt) -> tuple[int, set[str]]:
    """Number of records newly known as refused, and the pictures that lost an owner."""
    refused = 0
    touched: set[str] = set()
    for refusal in receipt.refused:
        if refusal.seq is None:
            # With the picture's reads committed and none naming it, they were refused.
            if refusal.reason == "unknown_picture":
                connection.execute(
                    "DELETE FROM picture_owners WHERE sha256 = ? AND seq <= ?",
                    (receipt.message, receipt.committed_through),
                )
                touched.add(receipt.message)
        elif refusal.seq <= receipt.committed_through:
            refused += connection.execute(
                "INSERT INTO refusals VALUES (?, ?) ON CONFLICT DO NOTHING",
                (refusal.seq, refusal.reason),
            ).rowcount
            rows = connection.execute(
                "DELETE FROM picture_owners WHERE seq = ? RETURNING sha256", (refusal.seq,)
            ).fetchall()
            touched.update(sha256 for (sha256,) in rows)
    return refused, touched


def _note_held(connection: sqlite3.Connection, receipt: Receipt) -> set[str]:
    """Pictures on the repository's disk, whose receipted owners need this copy no longer.

    A receipt speaks of the owners it covers, not of a later record that names the same bytes.
    """
    through = min(receipt.committed_through, receipted(connection)[0])
    connection.executemany(
        "DELETE FROM picture_owners WHERE sha256 = ? AND seq <= ?",
        [(sha256, through) for sha256 in receipt.held_pictures],
    )
    return set(receipt.held_pictures)


def _purge_pictures(connection: sqlite3.Connection, candidates: set[str]) -> int:
    return sum(
        connection.execute(
            "DELETE FROM pictures WHERE sha256 = ? AND NOT EXISTS"
            " (SELECT 1 FROM picture_owners WHERE picture_owners.sha256 = pictures.sha256)",
            (sha256,),
        ).rowcount
        for sha256 in candidates
    )
