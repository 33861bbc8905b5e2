"""Sealing what lies of hot lists on the unit under another key, when the spool key is replaced.

A built list's own key stays and is wrapped anew; the list of plates entered by hand is sealed
anew. Each file is whole under its name at every moment, and one that is sealed under the new key
already is left alone, so this can be done again. What opens under neither key is left as it is:
whoever opens it says what to do.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from edge.contract.plates import Confusables
from edge.hotfile.errors import HotfileError
from edge.hotfile.folder import ENDING
from edge.hotfile.layout import HEADER_BYTES, unwrap_header, wrap_header
from edge.hotfile.local import LocalList
from edge.hotfile.settings import LOCAL_LIST
from edge.hotfile.write import sync_folder

ENTRIES_FILE = "entries"
_NONCE_BYTES = 12


def rekey(root: Path, old: bytes, new: bytes, confusables: Confusables) -> int:
    """Seal the lists in this folder under the new key; how many files had to be.

    Raises:
        HotfileError: if the disk refuses.
    """
    own = root / LOCAL_LIST / ENTRIES_FILE
    done = sum(_rewrap(path, old, new) for path in sorted(root.glob(f"*/*{ENDING}")))
    return done + (own.exists() and _reseal(LocalList(own, old, confusables), new))


def _reseal(own: LocalList, new: bytes) -> bool:
    try:
        own.poll()
    except HotfileError:
        return False
    own.seal_under(new)
    return True


def _rewrap(path: Path, old: bytes, new: bytes) -> bool:
    fresh = path.with_name(f"{path.name}.rekeyed")
    try:
        with path.open("rb") as file:
            block = file.read(HEADER_BYTES)
        size_bytes = path.stat().st_size
        try:
            header, file_key = unwrap_header(block, size_bytes, old, path)
        except HotfileError:
            return False
        shutil.copyfile(path, fresh)
        fresh.chmod(0o600)
        with fresh.open("r+b") as file:
            file.write(wrap_header(header, file_key, new, os.urandom(_NONCE_BYTES)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise HotfileError(f"{path}: cannot be sealed anew: {error.strerror}") from error
    return True
