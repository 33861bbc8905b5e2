"""Whether a key is the spool's, asked beside a running daemon: reads alone, without its lock."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from edge.spool.database import DATABASE_FILE
from edge.spool.encryption import Vault


def is_another_keys(folder: Path, spool_keys: Iterable[bytes]) -> bool:
    """Whether the spool in this folder was written with none of these keys.

    False as well where there is no spool yet, or nothing in it can tell.
    """
    path = folder / DATABASE_FILE
    if not path.is_file():
        return False
    uri = f"file:{quote(str(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=5)) as connection:
            row = connection.execute("SELECT key_check FROM chain").fetchone()
            return row is not None and not any(
                Vault(key, os.urandom).recognises(connection, row[0]) for key in spool_keys
            )
    except sqlite3.Error:
        return False
