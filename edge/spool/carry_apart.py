"""Reads kept apart from the records, provisional and withheld, from rows of any layout.

They come from a damaged file (`edge.spool.carry`) or from tables of layout 2
(`edge.spool.upgrade`), into the present tables, empty, within the caller's transaction. Layout 2
has a read's id where there is a pseudonym of it now, and ages in the clear.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from edge.spool import provisional as provisionals
from edge.spool import withheld as withholds
from edge.spool.encryption import DamagedBlobError, Sealed, Vault
from edge.spool.sound_rows import Row, insert_row
from edge.spool.withheld import Age, Stay


@dataclass
class CarriedApart:
    """Carries them into ``new``, and counts what does not open any more."""

    new: sqlite3.Connection
    vault: Vault
    records_lost: int = 0
    pictures_lost: int = 0

    def provisional(self, reads: Iterable[Row], pictures: Iterable[Row]) -> None:
        """Keep what opens of provisional reads, sealed anew."""
        found = provisionals.opened(self.vault, reads, pictures)
        for record, contents in found.reads:
            provisionals.keep(self.new, self.vault, record, contents)
        self.records_lost += found.lost
        self.pictures_lost += found.pictures_lost

    def withheld(self, reads: Iterable[Row], parts: Iterable[Row], ages: Iterable[Row]) -> None:
        """Keep what opens of withheld reads; of layout 2 sealed anew."""
        kept = {row["read"]: "due_s" in row for row in reads if self._keep(row)}
        for row in parts:
            if row["read"] in kept:
                self._keep_part(row, in_the_clear=kept[row["read"]])
        for noted in map(self._age, ages):
            if kept and noted is not None:
                withholds.note(self.new, self.vault, noted)

    def _keep(self, row: Row) -> bool:
        if isinstance(row.get("due_s"), float):
            name = withholds.row_of(self.new, self.vault, row["read"])
            withholds.keep(self.new, self.vault, name, Stay(-math.inf, row["due_s"]))
        elif withholds.opened_stay(self.vault, row["read"], _sealed(row)) is not None:
            insert_row(self.new, "withheld", row)
        else:
            self.records_lost += 1
            return False
        return True

    def _keep_part(self, row: Row, *, in_the_clear: bool) -> None:
        read, name = row["read"], str(row["name"])
        try:
            if in_the_clear:
                content = self.vault.open(name, _sealed(row))
                part = name.replace("withheld/", "record/")
                withholds.keep_part(self.new, self.vault, read, part, content)
            else:
                self.vault.open(withholds.part_name(read, name), _sealed(row))
                insert_row(self.new, "withheld_parts", row)
        except DamagedBlobError:
            if name.startswith("picture/"):
                self.pictures_lost += 1
            else:
                self.records_lost += 1

    def _age(self, row: Row) -> Age | None:
        if "age_s" not in row:
            return withholds.opened_age(self.vault, _sealed(row))
        at = None
        with suppress(TypeError, ValueError):
            at = datetime.fromisoformat(row["at"])
        return Age(row["age_s"], at) if isinstance(row["age_s"], float) else None


def _sealed(row: Row) -> Sealed:
    return Sealed(row.get("data_key", 0), row.get("sealed", b""))
