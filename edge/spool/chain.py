"""The spool's one row of its own: whose it is, how far it is numbered, how far it is receipted."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from edge.contract.batch import GENESIS_ROOT
from edge.spool.database import damaged, sync_folder, wrong_key
from edge.spool.encryption import Vault
from edge.spool.errors import SpoolError
from edge.spool.records import Owner


def claim(connection: sqlite3.Connection, folder: Path, owner: Owner, vault: Vault) -> None:
    """Make the spool this unit's if it is new; else require that it is.

    Raises:
        WrongKeyError: if it was written with another key.
        DamagedSpoolError: if what says whose it is is damaged.
        SpoolError: if it is another unit's.
    """
    row = connection.execute("SELECT agency, unit, key_check FROM chain").fetchone()
    if row is None:
        _require_empty(connection, folder)
        connection.execute(
            "INSERT INTO chain (one, agency, unit, key_check, receipted_root)"
            " VALUES (1, ?, ?, ?, ?)",
            (owner.agency, owner.unit, vault.seal_key_check(), GENESIS_ROOT),
        )
        # From here on a torn log can no longer make this spool look new.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sync_folder(folder)
        sync_folder(folder.parent)
        return
    agency, unit, key_check = row
    if (agency, unit) != (owner.agency, owner.unit):
        raise SpoolError(
            f"{folder}: this spool belongs to unit {unit} of agency {agency}: give unit "
            f"{owner.unit} of agency {owner.agency} a folder of its own"
        )
    if not vault.opens(key_check):
        if vault.recognises(connection, key_check):
            raise damaged(folder, "its key's check cannot be decrypted")
        raise wrong_key(folder)


def require_gapless(connection: sqlite3.Connection, folder: Path) -> None:
    """Check that every record from the last receipted on is there.

    Raises:
        DamagedSpoolError: if one is missing.
    """
    spooled, receipted, number, first, last = connection.execute(
        "SELECT spooled, receipted, (SELECT count(*) FROM records),"
        " (SELECT min(seq) FROM records), (SELECT max(seq) FROM records) FROM chain"
    ).fetchone()
    whole = number == spooled - receipted
    if not whole or (number and (first, last) != (receipted + 1, spooled)):
        raise damaged(folder, f"records {receipted + 1} to {spooled} should be there, {number} are")


def _require_empty(connection: sqlite3.Connection, folder: Path) -> None:
    if connection.execute("SELECT 1 FROM records UNION SELECT 1 FROM batches").fetchone():
        raise damaged(folder, "the row of its chain is gone")
