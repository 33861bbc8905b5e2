"""What is sound in a damaged spool, carried into a new file; what is lost, said in its place.

A spool is damaged where SQLite finds its pages so, where a blob does not open under its name, or
where records are missing. The rules:

- Every row is read by itself, so that a bad page costs what lies on it and no more; records and
  pictures to which no sound page leads are read from their own (`edge.spool.loose_rows`). A row
  counts as sound if its blob opens: that proves it to be what was written under that name.
- A lost record's sequence is taken by a malfunction (disk) that says so. The sequence stays
  gapless, and the repository learns of every record that it will never get.
- A sealed batch whose row and records are all sound, after others that are, stays sealed: it may
  be on its way, and goes up byte for byte as before. From the first batch that is not, nothing
  can be sent again as it was, so these batches are given up: their records are sealed anew, from
  the same sequence and the same root before. Had the repository taken the old batch, only its
  receipt was missing; it then refuses the new one as out of chain, and says in the receipt that it
  stands at the end of the old. So the bounds and roots of batches given up are remembered, and a
  receipt that ends with one of them purges what it covers, the stand-ins too: those records were
  not lost after all. Had the repository not taken it, the new one is its successor in every way,
  and an old copy still with the broker is refused.
- How far records were numbered is not believed of a batch's row that its digest does not fit.
- Where the chain's own row is lost, the first sealed batch says where the chain stood. Where that
  is lost too, records are counted from 1 again, the repository refuses them as out of chain, and
  its receipt says where its chain ends: the spool takes up its count from there
  (`edge.spool.acknowledge`).
- A picture without its record is of no use and goes; a picture of a receipted record stays until a
  receipt says held, or that no read names it.
- The damaged file is moved aside as it is, still encrypted; a few are kept, until room runs out.
- Where the disk has no room for two copies, ordinary pictures are not carried, then others; those
  lie in the damaged file as long as that is kept.

The new file is built beside the old under one name and renamed when it is on the disk. From then
on it is the spool: a start that finds it there moves the old file and its log aside, then gives
the new one its name. Every step can be done again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from edge.spool import first_page, layout
from edge.spool.carry import Carrier, StandIn
from edge.spool.database import DATABASE_FILE, sync_folder, wrong_key
from edge.spool.encryption import Vault
from edge.spool.pictures import Standing
from edge.spool.records import Owner
from edge.spool.sound_rows import sound_rows

BUILDING_FILE = "spool.building"
SALVAGED_FILE = "spool.salvaged"
DAMAGED_FOLDER = "damaged"
_MOVING = "moving"
KEEP_DAMAGED = 2


@dataclass(frozen=True, slots=True)
class Salvage:
    """What a salvage found. ``aside`` is where the damaged file lies, None if none is kept.

    ``took_up``: nothing was damaged, but the disk had forgotten what it had written, and the
    chain was taken up behind this record (`edge.spool.acknowledge`). ``in_place``: no file was
    made anew, what did not open was left out.
    """

    damage: str
    records_lost: int
    pictures_lost: int
    place_lost: bool
    aside: Path | None
    took_up: int | None = None
    in_place: bool = False

    @property
    def sentence(self) -> str:
        """What happened, for the operator."""
        if self.took_up is not None:
            return (
                f"the repository had more of this unit's records than the unit knew of, up to "
                f"{self.took_up}; what waits was numbered behind them: the disk forgot what was "
                "written to it, or was set back to an older copy, or another unit uses the same "
                "key. Reads that only the disk had may be lost: check it"
            )
        if self.in_place:
            return (
                f"{self.damage}: {self.records_lost} records and {self.pictures_lost} pictures "
                "were lost. Check this unit's disk, and replace it if this happens again"
            )
        place = (
            " Where the unit stands in its chain was lost: the repository's receipt will say."
            if self.place_lost
            else ""
        )
        kept = f" The damaged file is kept in {self.aside}." if self.aside else ""
        return (
            f"the spool was damaged ({self.damage}); what is sound was carried into a new file, "
            f"{self.records_lost} records and {self.pictures_lost} pictures were lost.{place}{kept}"
            " Check this unit's disk, and replace it if this happens again"
        )


def taken_up(behind: int) -> Salvage:
    """The chain was taken up behind this record."""
    return Salvage("", 0, 0, place_lost=False, aside=None, took_up=behind)


def left_out(records: int, pictures: int) -> Salvage:
    """So much of what is kept apart from the records did not open any more."""
    damage = "reads that were kept apart in the spool could not be decrypted any more"
    return Salvage(damage, records, pictures, place_lost=False, aside=None, in_place=True)


def finish_swap(folder: Path, keep_damaged: int = KEEP_DAMAGED) -> Path | None:
    """Put a salvaged file in use if one waits for it; where the damaged one lies then, if kept.

    Raises:
        OSError: if the disk refuses.
    """
    for left in (BUILDING_FILE, f"{BUILDING_FILE}-journal"):
        (folder / left).unlink(missing_ok=True)
    if (folder / SALVAGED_FILE).exists():
        _set_aside(folder)
        sync_folder(folder)
        (folder / SALVAGED_FILE).replace(folder / DATABASE_FILE)
        sync_folder(folder)
    moving = folder / DAMAGED_FOLDER / _MOVING
    return _number(moving, keep_damaged) if moving.exists() else None


def salvage(
    folder: Path,
    vault: Vault,
    owner: Owner,
    stand_in: StandIn,
    damage: str,
    *,
    keep_damaged: int,
    room_bytes: int,
) -> Salvage:
    """Carry what is sound in this folder's damaged database into a new one, and put that in use.

    Pictures are carried as far as there is room for them beside the damaged file.

    Raises:
        WrongKeyError: if the damaged spool was written with another key.
        sqlite3.Error, OSError: if the new file cannot be written; the old one is as it was.
    """
    finish_swap(folder, keep_damaged)
    building = folder / BUILDING_FILE
    os.close(os.open(building, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(building, isolation_level=None)) as new:
        new.execute("PRAGMA synchronous = FULL")
        new.execute("PRAGMA secure_delete = ON")
        new.executescript(layout.CREATE)
        new.execute("BEGIN IMMEDIATE")
        with closing(_open_damaged(folder)) as old:
            _require_key(folder, old, vault)
            least = Standing.ORDINARY if _fits_again(folder, room_bytes) else Standing.HIT_SCENE
            file = folder / DATABASE_FILE
            carrier = Carrier(old, new, vault, owner, stand_in, file, room_bytes, least)
            carrier.carry()
        new.execute("COMMIT")
    building.replace(folder / SALVAGED_FILE)
    sync_folder(folder)
    aside = finish_swap(folder, keep_damaged)
    return Salvage(damage, carrier.records_lost, carrier.pictures_lost, carrier.place_lost, aside)


def forget_oldest(folder: Path) -> bool:
    """Remove the oldest damaged file kept aside, since room runs out; false if there is none.

    Raises:
        OSError: if the disk refuses.
    """
    kept = sorted((folder / DAMAGED_FOLDER).glob("[0-9]*"))
    if kept:
        shutil.rmtree(kept[0])
    return bool(kept)


def _fits_again(folder: Path, room_bytes: int) -> bool:
    database = folder / DATABASE_FILE
    return not database.exists() or database.stat().st_size <= room_bytes


def _open_damaged(folder: Path) -> sqlite3.Connection:
    """The damaged database, its first page mended if nothing can be read otherwise."""
    database = folder / DATABASE_FILE
    if not database.exists():
        return sqlite3.connect(":memory:", isolation_level=None)
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("SELECT count(*) FROM chain").fetchone()
    except sqlite3.Error:
        connection.close()
        first_page.restore(database)
        connection = sqlite3.connect(database, isolation_level=None)
    with suppress(sqlite3.Error):  # so that all pages are in one file
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    return connection


def _require_key(folder: Path, old: sqlite3.Connection, vault: Vault) -> None:
    """A spool whose data keys are sound, and sealed under another key, is not damaged."""
    has_keys = next(sound_rows(old, "data_keys", "number"), None) is not None
    if has_keys and not vault.recognises(old, b""):
        raise wrong_key(folder)


def _set_aside(folder: Path) -> None:
    """Move the damaged database and its log aside, or what an earlier attempt left of them."""
    moving = folder / DAMAGED_FOLDER / _MOVING
    moving.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in (f"{DATABASE_FILE}-wal", f"{DATABASE_FILE}-shm", DATABASE_FILE):
        if (folder / name).exists():
            (folder / name).replace(moving / name)
    sync_folder(moving)


def _number(moving: Path, keep_damaged: int) -> Path | None:
    """Give what was moved aside the next number, and remove the oldest beyond those kept."""
    parent = moving.parent
    kept = sorted(path for path in parent.iterdir() if path.name.isdecimal())
    aside = parent / f"{int(kept[-1].name) + 1 if kept else 1:04}"
    moving.replace(aside)
    for old in [*kept, aside][: -keep_damaged or None]:
        shutil.rmtree(old)
    sync_folder(parent)
    return aside if aside.exists() else None
