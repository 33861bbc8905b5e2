"""Replacing the key that the unit's files are sealed under, crash-safe at each step.

1. The new key is written to a file beside the old one.
2. The old key gets the name ``spool.key.former``, then the new one the name ``spool.key``.
3. Whatever is opened with both keys is sealed under the new one: the spool's data keys in one
   transaction, the keys of hot lists file by file.
4. The former key's file is overwritten and removed.

After a crash before the second name is given, the old key is in use, and the next rotation begins
anew. After that, both keys are there, and the daemon's next start or the next rotation goes on
with step 3. A daemon that gets its keys as systemd credentials gets both by the same names; which
of them to remove afterwards is the administrator's part.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from edge.enrolment import (
    FORMER_SPOOL_KEY,
    SPOOL_KEY,
    SPOOL_KEY_BYTES,
    EnrolmentError,
    load_spool_key,
    sync_folder,
    write_new,
)

_NEXT = "spool.key.next"


def begin_rotation(folder: Path, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
    """Put a new spool key in use beside the former, unless both are there already.

    Raises:
        EnrolmentError: if there is no key in this folder, or it cannot be written.
    """
    current, former, fresh = folder / SPOOL_KEY, folder / FORMER_SPOOL_KEY, folder / _NEXT
    load_spool_key(current)
    try:
        if former.exists() and not former.samefile(current):
            return
        fresh.unlink(missing_ok=True)
        key = random_bytes(SPOOL_KEY_BYTES).hex().encode("ascii") + b"\n"
        write_new(fresh, key, 0o600, [])
        # A second name, not a copy: the file that is overwritten in the end is the old one itself.
        if not former.exists():
            os.link(current, former)
        sync_folder(folder)
        fresh.replace(current)
        sync_folder(folder)
    except OSError as error:
        raise _refused(folder, error) from error


def finish_rotation(folder: Path) -> None:
    """Overwrite and remove the former key: everything is sealed under the new one.

    Raises:
        EnrolmentError: if the disk refuses.
    """
    former = folder / FORMER_SPOOL_KEY
    try:
        if not former.exists() or former.samefile(folder / SPOOL_KEY):
            former.unlink(missing_ok=True)
            return
        with former.open("r+b") as file:
            file.write(bytes(former.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        former.unlink()
        sync_folder(folder)
    except OSError as error:
        raise _refused(folder, error) from error


def _refused(folder: Path, error: OSError) -> EnrolmentError:
    return EnrolmentError(
        f"{folder}: the spool's key cannot be replaced here ({error.strerror}): run as the user "
        "who enrolled, with room on the disk; what was begun goes on with the next try"
    )
