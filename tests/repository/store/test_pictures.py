"""Pictures are encrypted under their day, appear whole, and open for nobody else."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from repository.store.keyfiles import (
    KeyFileError,
    load_secret,
    load_signing_key,
    make_secret,
    make_signing_key,
)
from repository.store.pictures import PictureError, PictureKeyError, PictureStore
from repository.store.tables.reads import picture_keys
from tests.repository.picture_files import folder_of, picture_file, pictures_in

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)
PICTURE = b"a picture" * 100
DIGEST = hashlib.sha256(PICTURE).hexdigest()
MASTER = secrets.token_bytes(32)


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return pictures_in(tmp_path / "pictures", MASTER)


def test_what_is_put_comes_back_and_the_disk_has_no_trace_of_it(
    store: PictureStore, engine: Engine
) -> None:
    with engine.begin() as connection:
        for day in (DAY, NEXT, DAY):
            store.put(connection, day, DIGEST, PICTURE, NOW)
        assert store.get(connection, DAY, DIGEST) == store.get(connection, NEXT, DIGEST) == PICTURE
    files = {path for path in folder_of(store).rglob("*") if path.is_file()}
    assert files == {picture_file(store, DAY, DIGEST), picture_file(store, NEXT, DIGEST)}
    assert all(PICTURE[:9] not in path.read_bytes() for path in files)
    assert store.days() == [DAY, NEXT]
    store.remove(DAY, DIGEST)
    store.remove(DAY, DIGEST)
    store.remove_day(DAY)
    store.remove_day(DAY)
    assert store.days() == [NEXT]


def test_a_changed_moved_or_keyless_picture_does_not_open(
    store: PictureStore, engine: Engine
) -> None:
    with engine.begin() as connection:
        for day in (DAY, NEXT):
            store.put(connection, day, DIGEST, PICTURE, NOW)
        path = picture_file(store, DAY, DIGEST)
        whole = path.read_bytes()
        for damaged in (whole[:-1], whole[:5], b"", bytes([whole[0] ^ 1]) + whole[1:],
                        picture_file(store, NEXT, DIGEST).read_bytes()):  # fmt: skip
            path.write_bytes(damaged)
            with pytest.raises(PictureError, match="was changed since it was kept"):
                store.get(connection, DAY, DIGEST)
        path.write_bytes(whole)
        other = replace(store, master_key=lambda: bytes(32))
        with pytest.raises(PictureError, match="master key is not the one"):
            other.get(connection, DAY, DIGEST)
        connection.execute(delete(picture_keys))
        with pytest.raises(PictureError, match="key of its day is gone"):
            store.get(connection, DAY, DIGEST)
        with pytest.raises(PictureError, match="No such file"):
            store.get(connection, DAY, "0" * 64)


def test_a_master_key_is_tried_before_it_is_needed(store: PictureStore, engine: Engine) -> None:
    other = replace(store, master_key=lambda: bytes(32))
    with engine.begin() as connection:
        other.check_master_key(connection)  # there is nothing yet that it should open
        for day in (DAY, NEXT):
            store.put(connection, day, DIGEST, PICTURE, NOW)
        store.check_master_key(connection)
        with pytest.raises(PictureKeyError, match="master key is not the one"):
            other.check_master_key(connection)
        damaged = update(picture_keys).where(picture_keys.c.day == NEXT)
        connection.execute(damaged.values(wrapped_key=b"short"))
        store.check_master_key(connection)  # one damaged key costs one day


def test_a_disk_that_refuses_leaves_no_half_picture(store: PictureStore, engine: Engine) -> None:
    folder_of(store).mkdir()
    (folder_of(store) / DAY.isoformat()).write_text("a file in the folder's place")
    with engine.begin() as connection, pytest.raises(PictureError, match=r"pictures: "):
        store.put(connection, DAY, DIGEST, PICTURE, NOW)
    assert [path.name for path in folder_of(store).iterdir()] == [DAY.isoformat()]


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    secret, key = tmp_path / "secret", tmp_path / "key.pem"
    assert make_secret(secret, secrets.token_bytes)
    assert make_signing_key(key)
    assert not make_secret(secret, secrets.token_bytes)
    assert not make_signing_key(key)
    assert len(load_secret(secret)) == 32
    load_signing_key(key)
    for path, load in ((secret, load_secret), (key, load_signing_key)):
        assert path.stat().st_mode & 0o777 == 0o600
        path.chmod(0o640)
        with pytest.raises(KeyFileError, match=f"others can read it; run `chmod 600 {path}`"):
            load(path)
        path.chmod(0o600)
        path.write_text("nonsense")
        with pytest.raises(KeyFileError, match=f"key {path}: not"):
            load(path)
        path.unlink()
        with pytest.raises(KeyFileError, match="does not exist"):
            load(path)
