"""What every room of the repository stands on, built from settings."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from repository.bootstrap.keys import PICTURES_KEY, RECEIPTS_KEY
from repository.retention.duties import Duties
from repository.retention.rules import RetentionRule, load_rule, shipped_rule
from repository.settings import Settings
from repository.store import keyfiles
from repository.store.pictures import PictureStore
from repository.store.pictures_place import FolderOfPictures, PicturePlace
from repository.store.pictures_s3 import open_bucket


@dataclass(frozen=True)
class Foundation:
    """What every room works with. Keys are read from their files on first use."""

    settings: Settings
    engine: Engine
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]

    @functools.cached_property
    def receipts_key(self) -> Ed25519PrivateKey:
        """The key that signs receipts and hot-list manifests."""
        return keyfiles.load_signing_key(self.settings.keys_folder / RECEIPTS_KEY)

    @property
    def receipts_public_key_file(self) -> Path:
        """The PEM file that every unit needs, to know a receipt from a forgery."""
        return keyfiles.public_path(self.settings.keys_folder / RECEIPTS_KEY)

    @functools.cached_property
    def pictures(self) -> PictureStore:
        """The pictures under their master key."""
        return PictureStore(self._pictures_place(), self._master_key, self.random_bytes)

    def _pictures_place(self) -> PicturePlace:
        chosen = self.settings.pictures
        if chosen.endpoint is None or chosen.bucket is None or chosen.store == "folder":
            return FolderOfPictures(self.settings.pictures_folder, self.random_bytes)
        return open_bucket(
            endpoint=chosen.endpoint,
            bucket=chosen.bucket,
            region=chosen.region,
            credentials=chosen.credentials,
            ca=chosen.ca,
        )

    @functools.cached_property
    def _master_key(self) -> Callable[[], bytes]:
        path = self.settings.keys_folder / PICTURES_KEY
        return functools.cache(lambda: keyfiles.load_secret(path))

    @functools.cached_property
    def retention_rule(self) -> RetentionRule:
        """The rule that says how long reads are kept."""
        chosen = self.settings.retention
        return load_rule(chosen.rule_file) if chosen.rule_file else shipped_rule(chosen.rule)

    def duties(self, connection: Connection) -> Duties:
        """The rules of the repository and of every agency, as they are now."""
        return Duties.load(connection, self.retention_rule, shipped_rule)
