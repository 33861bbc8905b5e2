"""Making what a repository needs before it first runs."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from repository.bootstrap.keys import FACTORS_KEY, LEDGER_KEY, PICTURES_KEY, RECEIPTS_KEY
from repository.settings import Settings
from repository.store import contents, keyfiles, migrate
from repository.store.ahead import ensure_coming_days
from repository.store.engine import open_engine


def make_folders(settings: Settings) -> list[Path]:
    """Make the folders that the settings name, where they are missing.

    Returns:
        Those that were made, and the folders above them that were, the outer ones first.
    """
    folders = [settings.data, settings.keys_folder]
    if settings.pictures.store == "folder":
        folders.append(settings.pictures_folder)
    made: list[Path] = []
    for folder in folders:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made += reversed(missing)
    return made


def initialise(settings: Settings) -> list[Path]:
    """Make folders, keys and the database's tables where they are missing; harms nothing there.

    Returns:
        The keys that were made.

    Raises:
        KeyFileError: if a key is missing beside a database that was worked with under it.
    """
    make_folders(settings)
    engine = open_engine(settings.database_address)
    try:
        migrate.upgrade(engine)
        with engine.begin() as connection:
            ensure_coming_days(connection, datetime.now(UTC).date())
            made = _make_keys(connection, settings.keys_folder)
        for name in (RECEIPTS_KEY, LEDGER_KEY):
            keyfiles.make_public_part(settings.keys_folder / name)
        return made
    finally:
        engine.dispose()


def _make_keys(connection: Connection, folder: Path) -> list[Path]:
    missing = [
        folder / name
        for name in (RECEIPTS_KEY, LEDGER_KEY, PICTURES_KEY, FACTORS_KEY)
        if not (folder / name).exists()
    ]
    # A repository older than second factors has all keys but theirs.
    needed = [path for path in missing if path.name != FACTORS_KEY]
    held = contents.under_keys(connection) if needed else contents.second_factors(connection)
    if missing and held:
        raise keyfiles.KeyFileError(
            f"key {missing[0]}: does not exist, and the database holds {held}, which no new key "
            "fits; bring the keys back from your backup"
        )
    for path in missing:
        if path.name in (PICTURES_KEY, FACTORS_KEY):
            keyfiles.make_secret(path, secrets.token_bytes)
        else:
            keyfiles.make_signing_key(path)
    return missing
