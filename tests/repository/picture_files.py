"""Pictures in a folder, as tests make them and look at them."""

from __future__ import annotations

import secrets
from datetime import date
from pathlib import Path

from repository.store.pictures import PictureStore, name
from repository.store.pictures_place import FolderOfPictures


def pictures_in(folder: Path, master_key: bytes) -> PictureStore:
    """A store over that folder."""
    place = FolderOfPictures(folder, secrets.token_bytes)
    return PictureStore(place, lambda: master_key, secrets.token_bytes)


def folder_of(store: PictureStore) -> Path:
    """The folder that such a store is over."""
    assert isinstance(store.place, FolderOfPictures)
    return store.place.folder


def picture_file(store: PictureStore, day: date, sha256: str) -> Path:
    """The file of a picture under the key of its day."""
    return folder_of(store) / name(day, sha256)
