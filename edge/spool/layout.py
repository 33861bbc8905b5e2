"""The tables of the spool's SQLite file, and the way there from older layouts.

``chain`` is one row: whose spool it is, the last sequence given, the last one receipted and the
root that ended there, how many records damage destroyed, how many pictures gave way to newer
ones. ``records`` holds a row for each waiting record, ``batches`` one for each batch sealed and
not receipted, with a digest of the row (rows of layout 1 have none), ``pictures`` each picture
once, and ``picture_owners`` the records that name it; ``pictures.standing`` says which give way
first (`edge.spool.pictures`). ``provisional`` and ``provisional_pictures`` hold reads that rang
before their pass ended. ``withheld`` and ``withheld_parts`` hold reads that must not leave the
unit, and when they are due; ``withheld_age`` the age that they are due by, one row while any are
kept (`edge.spool.withheld`). A read's id tells when a car was where: these tables file it under a
pseudonym, and hold ages sealed; in them ``data_key`` stands before ``sealed``, so that which keys
are in use is told without reading the blobs. ``places`` holds how far each recording was read.
``refusals`` remembers by sequence what the repository put into quarantine, ``given_up`` the ends of
batches that damage made impossible to send again (`edge.spool.salvage`). ``data_keys`` holds the
keys under which the ``sealed`` columns are sealed (`edge.spool.encryption`); ``data_keys_again``
holds them on other pages, since so much hangs on each.

A later data key has a higher number than those in use. Records do not lie under them in their
order: after damage, or where they were numbered anew, an early one may have the newest key. So
``record_keys`` and ``picture_keys`` say which is the oldest that is needed. A spool of before has
these indexes once it was opened with room for them.

All of this is described on the file's first page, of which there is a copy
(`edge.spool.first_page`): it has no room for another table or index.

Layout 1 sealed everything under the spool key itself. That key becomes data key 1, so that
upgrading rewrites no record and no picture. Layout 2 held the ids and ages of provisional and
withheld reads in the clear: their tables are made anew (`edge.spool.upgrade`), since SQLite
overwrites the whole of a table that is dropped, but may leave on a page what was moved from it.
"""

from __future__ import annotations

LAYOUT_VERSION = 3

INDEXES = (
    "CREATE INDEX IF NOT EXISTS record_keys ON records(data_key)",
    "CREATE INDEX IF NOT EXISTS picture_keys ON pictures(data_key)",
)

PROVISIONAL = (
    "CREATE TABLE provisional (read TEXT PRIMARY KEY, data_key INTEGER NOT NULL,"
    " sealed BLOB NOT NULL) STRICT",
    "CREATE TABLE provisional_pictures (read TEXT NOT NULL REFERENCES provisional (read)"
    " ON DELETE CASCADE, picture TEXT NOT NULL, data_key INTEGER NOT NULL,"
    " sealed BLOB NOT NULL, PRIMARY KEY (read, picture)) STRICT",
)

WITHHELD = (
    "CREATE TABLE withheld (read TEXT PRIMARY KEY, data_key INTEGER NOT NULL,"
    " sealed BLOB NOT NULL) STRICT",
    "CREATE TABLE withheld_parts (read TEXT NOT NULL REFERENCES withheld (read)"
    " ON DELETE CASCADE, name TEXT NOT NULL, data_key INTEGER NOT NULL, sealed BLOB NOT NULL,"
    " PRIMARY KEY (read, name)) STRICT",
    "CREATE TABLE withheld_age (one INTEGER PRIMARY KEY CHECK (one = 1),"
    " data_key INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT",
)

CREATE = f"""
BEGIN IMMEDIATE;
CREATE TABLE chain (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    agency TEXT NOT NULL,
    unit TEXT NOT NULL,
    key_check BLOB NOT NULL,
    spooled INTEGER NOT NULL DEFAULT 0,
    receipted INTEGER NOT NULL DEFAULT 0,
    receipted_root TEXT NOT NULL,
    lost INTEGER NOT NULL DEFAULT 0,
    gave_way INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE data_keys (
    number INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE data_keys_again (
    number INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;
CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    hit_waiting INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    data_key INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX waiting_hits ON records (seq) WHERE hit_waiting = 1;
CREATE TABLE batches (
    first_seq INTEGER PRIMARY KEY,
    last_seq INTEGER NOT NULL UNIQUE,
    previous_root TEXT NOT NULL,
    root TEXT NOT NULL,
    key TEXT NOT NULL,
    signature TEXT NOT NULL,
    digest TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE pictures (
    sha256 TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    data_key INTEGER NOT NULL DEFAULT 1,
    standing INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX pictures_by_standing ON pictures (standing);
CREATE TABLE picture_owners (
    sha256 TEXT NOT NULL REFERENCES pictures (sha256),
    seq INTEGER NOT NULL,
    PRIMARY KEY (sha256, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX pictures_of_record ON picture_owners (seq);
{"; ".join((*PROVISIONAL, *WITHHELD))};
CREATE TABLE withheld_totals (
    rule TEXT PRIMARY KEY,
    reads INTEGER NOT NULL
) STRICT;
CREATE TABLE places (
    source TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    data_key INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE refusals (
    seq INTEGER PRIMARY KEY,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE given_up (
    last_seq INTEGER NOT NULL,
    root TEXT NOT NULL
) STRICT;
{"; ".join(INDEXES)};
PRAGMA user_version = {LAYOUT_VERSION};
COMMIT;
"""

FROM_LAYOUT_1 = (
    "ALTER TABLE chain ADD COLUMN lost INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chain ADD COLUMN gave_way INTEGER NOT NULL DEFAULT 0",
    "CREATE TABLE data_keys (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
    "CREATE TABLE data_keys_again (number INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT",
    "CREATE TABLE given_up (last_seq INTEGER NOT NULL, root TEXT NOT NULL) STRICT",
    "ALTER TABLE batches ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE records ADD COLUMN data_key INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE pictures ADD COLUMN data_key INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE pictures ADD COLUMN standing INTEGER NOT NULL DEFAULT 1",
    "CREATE INDEX pictures_by_standing ON pictures (standing)",
    "ALTER TABLE places ADD COLUMN data_key INTEGER NOT NULL DEFAULT 1",
    "CREATE TABLE provisional (read TEXT PRIMARY KEY, sealed BLOB NOT NULL,"
    " data_key INTEGER NOT NULL) STRICT",
    "CREATE TABLE provisional_pictures (read TEXT NOT NULL REFERENCES provisional (read)"
    " ON DELETE CASCADE, sha256 TEXT NOT NULL, sealed BLOB NOT NULL, data_key INTEGER NOT NULL,"
    " PRIMARY KEY (read, sha256)) STRICT",
    "CREATE TABLE withheld (read TEXT PRIMARY KEY, due_s REAL NOT NULL) STRICT",
    "CREATE TABLE withheld_parts (read TEXT NOT NULL REFERENCES withheld (read)"
    " ON DELETE CASCADE, name TEXT NOT NULL, sealed BLOB NOT NULL, data_key INTEGER NOT NULL,"
    " PRIMARY KEY (read, name)) STRICT",
    "CREATE TABLE withheld_totals (rule TEXT PRIMARY KEY, reads INTEGER NOT NULL) STRICT",
    "CREATE TABLE withheld_age (one INTEGER PRIMARY KEY CHECK (one = 1), age_s REAL NOT NULL,"
    " at TEXT) STRICT",
)
