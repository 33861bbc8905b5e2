"""A spool of an older layout brought to the present one, with everything in it, or left as it was.

It is one transaction. What layout 2 held in the clear is copied into new tables and the old ones
are dropped: their pages are overwritten when the log is written into the file. Until then the disk
needs room for a second copy of the reads that are kept apart.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from edge.spool import layout
from edge.spool.carry_apart import CarriedApart
from edge.spool.encryption import Vault
from edge.spool.layout import LAYOUT_VERSION
from edge.spool.sound_rows import rows

_NEVER_NOTED = {"age_s": 0.0, "at": None}


def upgrade(connection: sqlite3.Connection, vault: Vault) -> CarriedApart | None:
    """Bring an older layout to the present one; None where it is that already.

    What is lost in it did not open any more.

    Raises:
        sqlite3.Error: if that fails; nothing is changed then.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == LAYOUT_VERSION:
        return None
    with _tables_made_anew(connection):
        if version == 1:
            for statement in layout.FROM_LAYOUT_1:
                connection.execute(statement)
            vault.adopt(connection, 1, vault.spool_key)
        vault.load(connection)
        carried = _from_layout_2(connection, vault)
        connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")
    return carried


@contextmanager
def _tables_made_anew(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction in which rows do not go with those that they refer to.

    What it may have to take back stays in memory: it is in the clear, and a temporary file is not
    overwritten.
    """
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA temp_store = DEFAULT")
        connection.execute("PRAGMA foreign_keys = ON")


def _from_layout_2(connection: sqlite3.Connection, vault: Vault) -> CarriedApart:
    """Make the tables of reads kept apart anew, as many at a time as the first page has room for.

    All but the parts of withheld reads, which are many, go through memory.
    """
    carried = CarriedApart(connection, vault)
    read = {
        table: list(rows(connection, table))
        for table in ("provisional_pictures", "provisional", "withheld_age", "withheld")
    }
    for table in read:
        connection.execute(f"DROP TABLE {table}")
    connection.execute("ALTER TABLE withheld_parts RENAME TO former_parts")
    for statement in layout.WITHHELD:
        connection.execute(statement)
    carried.withheld(
        read["withheld"], rows(connection, "former_parts"), read["withheld_age"] or [_NEVER_NOTED]
    )
    connection.execute("DROP TABLE former_parts")
    for statement in layout.PROVISIONAL:
        connection.execute(statement)
    carried.provisional(read["provisional"], read["provisional_pictures"])
    connection.execute(
        "UPDATE chain SET lost = lost + ?",
        (carried.records_lost,),
    )
    return carried
