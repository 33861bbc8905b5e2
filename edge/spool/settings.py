"""Settings of the spool."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import Field

from edge.section import Section


class SpoolSettings(Section):
    """How much of the disk the spool may have, and what it leaves free.

    When room runs out, pictures of reads that must not leave the unit give way first, then those of
    other reads that no hot list matched, then scene pictures of hits, then the other pictures, the
    oldest of each first. Records never give way: when not even they can be kept, the unit says so
    and takes no more until there is room.
    """

    max_bytes: int | None = Field(
        None,
        ge=16 * 1024 * 1024,
        description="Most bytes that the spool may hold; without it, only the share counts.",
    )
    max_share: float = Field(
        0.8, gt=0, le=1, description="Largest share of the disk that the spool may hold."
    )
    reserve_bytes: int = Field(
        64 * 1024 * 1024,
        ge=8 * 1024 * 1024,
        description="Bytes of the disk that stay free, so that receipts can still be taken: at "
        "least 8 MiB, since the spool's log takes 4 MiB and a receipt's purge writes to it.",
    )
    keep_damaged: int = Field(
        2,
        ge=0,
        description="How many damaged spool files are kept aside for examination, encrypted as "
        "they are; the oldest goes first.",
    )

    def limit_bytes(self, folder: Path) -> int:
        """Most bytes that the spool may hold in this folder, which need not be there yet.

        Raises:
            OSError: if the disk cannot be looked at.
        """
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        share = int(self.max_share * shutil.disk_usage(there).total)
        return share if self.max_bytes is None else min(share, self.max_bytes)
