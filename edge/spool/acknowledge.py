"""What a receipt does to the spool: how far it is believed, and what it purges.

The rules stand at the head of `edge.spool.store`; two more hold after damage:

- A receipt that ends where a batch ended that was given up (`edge.spool.salvage`) says that the
  repository has this batch after all. It purges what the batch held, stand-ins and all, and what
  was sealed since is sealed anew behind it. The same holds where the batch's row was lost, if the
  receipt's root is the root over the spool's own records.
- A receipt that refuses a batch as out of chain, and stands at a record or root that this spool
  never sealed, says that the spool lost its place: its disk forgot what it had written, or was set
  back to an older copy. The repository has more of this unit than the unit knows, and the unit's
  records need numbers behind that. They are renumbered from there on and sealed anew; nothing is
  purged. The repository has nothing twice, since it knows a record by its id: one that came before
  under another number is refused alone. The receipt is the repository's own, signed; an old one
  that comes late stands before the last one receipted, and changes nothing.

Every function works inside the caller's transaction.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Literal

import msgspec

from edge.contract.batch import MAX_BATCH_RECORDS, Receipt, leaf_hashes
from edge.contract.merkle import root as merkle_root
from edge.contract.records import decode_record, encode_record
from edge.spool.encryption import Vault
from edge.spool.records import between, record_name

Verdict = Literal["advanced", "repeated", "old", "ahead", "other_chain", "taken_up"]
_LAST_SEQUENCE = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a receipt did.

    ``verdict`` is ``advanced`` if records were purged, ``repeated`` if it ends where the spool
    already stands, ``old`` if it ends before, ``ahead`` if it ends after everything that was ever
    sealed, ``other_chain`` if no batch of this spool ends there with that root, ``taken_up`` if
    the spool had lost its place and has it again from this receipt. ``resealed`` says that batches
    handed out before mean nothing any more, and are to be asked for anew.
    """

    verdict: Verdict
    receipted_through: int
    records_purged: int
    pictures_purged: int
    refused: int
    resealed: bool = False


def apply_receipt(connection: sqlite3.Connection, vault: Vault, receipt: Receipt) -> Acknowledged:
    """Purge what this receipt covers, and say what it did."""
    verdict = _judge(connection, vault, receipt)
    records_purged = pictures_purged = refused = 0
    resealed = verdict == "taken_up"
    if verdict == "taken_up":
        _take_up(connection, vault, receipt)
    elif verdict == "advanced":
        resealed = not _is_sealed(connection, receipt)
        records_purged = _purge_records(connection, receipt)
        if resealed:
            connection.execute("DELETE FROM batches")
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
        resealed=resealed,
    )


def receipted(connection: sqlite3.Connection) -> tuple[int, str]:
    """The last sequence that a receipt covered, and the root of the batch that ended there."""
    last_seq, root = connection.execute("SELECT receipted, receipted_root FROM chain").fetchone()
    return last_seq, root


def _judge(connection: sqlite3.Connection, vault: Vault, receipt: Receipt) -> Verdict:
    last_receipted, receipted_root = receipted(connection)
    through = receipt.committed_through
    if through < last_receipted:
        return "old"
    out_of_chain = any(one.seq is None and one.reason == "out_of_chain" for one in receipt.refused)
    if through == last_receipted:
        if receipt.chain_root == receipted_root:
            return "repeated"
        return "taken_up" if out_of_chain else "other_chain"
    if _is_sealed(connection, receipt) or _was_given_up(connection, receipt):
        return "advanced"
    if out_of_chain:
        return "advanced" if _is_root_of_ours(connection, vault, receipt) else "taken_up"
    (sealed_through,) = connection.execute("SELECT max(last_seq) FROM batches").fetchone()
    return "ahead" if through > (sealed_through or 0) else "other_chain"


def _is_sealed(connection: sqlite3.Connection, receipt: Receipt) -> bool:
    row = connection.execute(
        "SELECT root FROM batches WHERE last_seq = ?", (receipt.committed_through,)
    ).fetchone()
    return bool(row == (receipt.chain_root,))


def _was_given_up(connection: sqlite3.Connection, receipt: Receipt) -> bool:
    row = connection.execute(
        "SELECT 1 FROM given_up WHERE last_seq = ? AND root = ?",
        (receipt.committed_through, receipt.chain_root),
    ).fetchone()
    return row is not None


def _is_root_of_ours(connection: sqlite3.Connection, vault: Vault, receipt: Receipt) -> bool:
    """Whether the receipt's last batch held these very records, though its row is lost.

    Where it began is not known: every beginning that a batch may have is tried.
    """
    last_receipted, _ = receipted(connection)
    first_seq = max(last_receipted, receipt.committed_through - MAX_BATCH_RECORDS) + 1
    leaves = [
        leaf
        for seq, sealed in between(connection, first_seq, receipt.committed_through)
        for leaf in leaf_hashes([vault.open(record_name(seq), sealed)])
    ]
    if len(leaves) != receipt.committed_through - first_seq + 1:
        return False
    root = bytes.fromhex(receipt.chain_root)
    return any(merkle_root(leaves[start:]) == root for start in range(len(leaves)))


def _take_up(connection: sqlite3.Connection, vault: Vault, receipt: Receipt) -> None:
    """Give every waiting record a number behind the receipt's, and forget what was sealed."""
    last_receipted, _ = receipted(connection)
    shift = receipt.committed_through - last_receipted
    waiting = list(between(connection, last_receipted + 1, _LAST_SEQUENCE, limit=_LAST_SEQUENCE))
    for seq, sealed in reversed(waiting):
        record = decode_record(vault.open(record_name(seq), sealed))
        moved = encode_record(msgspec.structs.replace(record, seq=seq + shift))
        sealed = vault.seal(connection, record_name(seq + shift), moved)
        connection.execute(
            "UPDATE records SET seq = ?, sealed = ?, data_key = ? WHERE seq = ?",
            (seq + shift, sealed.blob, sealed.data_key, seq),
        )
    connection.execute(
        "UPDATE picture_owners SET seq = -(seq + ?) WHERE seq > ?", (shift, last_receipted)
    )
    connection.execute("UPDATE picture_owners SET seq = -seq WHERE seq < 0")
    connection.execute("DELETE FROM batches")
    connection.execute("DELETE FROM given_up")
    connection.execute(
        "UPDATE chain SET spooled = spooled + ?, receipted = ?, receipted_root = ?",
        (shift, receipt.committed_through, receipt.chain_root),
    )


def _purge_records(connection: sqlite3.Connection, receipt: Receipt) -> int:
    through = receipt.committed_through
    purged = connection.execute("DELETE FROM records WHERE seq <= ?", (through,)).rowcount
    connection.execute("DELETE FROM batches WHERE last_seq <= ?", (through,))
    connection.execute("DELETE FROM given_up WHERE last_seq <= ?", (through,))
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
