"""Places for pictures, each of its kind in turn: a folder, and a bucket behind real HTTP."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from repository.store.pictures import PictureStore
from repository.store.pictures_place import FolderOfPictures, PicturePlace
from repository.store.pictures_s3 import BucketOfPictures, open_bucket
from tests.repository.people import command_line as command_line

_numbers = count(1)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An S3-compatible server on a free loopback port."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_credentials(tmp_path: Path) -> Path:
    path = tmp_path / "s3-credentials"
    path.write_text("[default]\naws_access_key_id = plateward\naws_secret_access_key = secret\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def bucket(s3_endpoint: str, s3_credentials: Path) -> BucketOfPictures:
    """A fresh bucket."""
    opened = open_bucket(
        endpoint=s3_endpoint,
        bucket=f"pictures-{next(_numbers)}",
        region="us-east-1",
        credentials=s3_credentials,
        ca=None,
    )
    opened.client.make_bucket(opened.bucket)
    return opened


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> PicturePlace:
    """A place of each kind in turn."""
    if request.param == "folder":
        return FolderOfPictures(tmp_path / "pictures", secrets.token_bytes)
    opened: BucketOfPictures = request.getfixturevalue("bucket")
    return opened


@pytest.fixture
def store(place: PicturePlace) -> PictureStore:
    """Pictures under a master key of the test's own."""
    master = secrets.token_bytes(32)
    return PictureStore(place, lambda: master, secrets.token_bytes)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out a bucket beside PostgreSQL: each is tried with the other's simpler one."""
    items[:] = [item for item in items if not {"s3", "postgresql"} <= _kinds(item)]


def _kinds(item: pytest.Item) -> set[object]:
    call = getattr(item, "callspec", None)
    return {each for each in call.params.values() if isinstance(each, str)} if call else set()
