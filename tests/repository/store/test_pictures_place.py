"""What every place for pictures does, and how each says what is wrong."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from repository.settings import SettingsError, load_settings
from repository.store.keyfiles import KeyFileError
from repository.store.pictures_place import PictureError, PictureMissingError, PicturePlace
from repository.store.pictures_s3 import BucketOfPictures, open_bucket
from tests.servers import free_port


def test_what_is_written_is_read_listed_and_removed_by_its_name(place: PicturePlace) -> None:
    assert (list(place.names()), place.folders()) == ([], [])
    for name in ("2026-03-01/ab/one", "2026-03-01/cd/two", "2026-03-010/ab/three", "held/x/four"):
        place.write(name, name.encode())
        place.write(name, name.encode() * 2)
    assert place.read("2026-03-01/ab/one") == b"2026-03-01/ab/one" * 2
    assert place.folders() == ["2026-03-01", "2026-03-010", "held"]
    assert place.folders("2026-03-01") == ["ab", "cd"]
    assert set(place.names("2026-03-01")) == {"2026-03-01/ab/one", "2026-03-01/cd/two"}
    for _ in range(2):
        place.remove("2026-03-01/cd/two")
        place.remove_folder("held")
    assert set(place.names()) == {"2026-03-01/ab/one", "2026-03-010/ab/three"}
    place.remove_folder("2026-03-01")
    assert set(place.names()) == {"2026-03-010/ab/three"}
    with pytest.raises(PictureMissingError):
        place.read("2026-03-01/ab/one")


def test_more_than_one_page_of_names_is_listed(bucket: BucketOfPictures) -> None:
    from minio import Minio

    for number in range(7):
        bucket.write(f"day/ab/{number}", b"x")
    asked: list[str] = []
    real = Minio._execute

    def few(self: Minio, method: str, *arguments: object, **named: object) -> object:
        query = named.get("query_params")
        if isinstance(query, dict) and "max-keys" in query:
            query["max-keys"] = "3"
            asked.append(method)
        return real(self, method, *arguments, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Minio, "_execute", few)
        assert len(list(bucket.names("day"))) == 7
    assert len(asked) == 3


def test_a_bucket_that_is_not_there_and_a_store_that_is_gone_are_told(
    bucket: BucketOfPictures, s3_credentials: Path
) -> None:
    with pytest.raises(PictureError, match="the store answers NoSuchBucket"):
        replace(bucket, bucket="another").write("day/ab/x", b"x")
    gone = open_bucket(
        endpoint=f"http://127.0.0.1:{free_port()}", bucket="pictures", region="us-east-1",
        credentials=s3_credentials, ca=None,
    )  # fmt: skip
    for attempt in (
        lambda: gone.write("day/ab/x", b"x"),
        lambda: gone.read("day/ab/x"),
        lambda: list(gone.names()),
    ):
        with pytest.raises(PictureError, match="the store does not answer"):
            attempt()


def test_credentials_come_from_a_closed_file_or_the_environment(
    s3_credentials: Path, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY", "AWS_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)

    def opened(credentials: Path | None) -> BucketOfPictures:
        return open_bucket(
            endpoint=s3_endpoint, bucket="pictures", region="us-east-1",
            credentials=credentials, ca=None,
        )  # fmt: skip

    with pytest.raises(PictureError, match="environment: holds no aws_access_key_id"):
        opened(None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "plateward")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    opened(None)
    opened(s3_credentials)
    s3_credentials.chmod(0o644)
    with pytest.raises(KeyFileError, match="others can read it"):
        opened(s3_credentials)
    s3_credentials.chmod(0o600)
    s3_credentials.write_text("[default]\n")
    with pytest.raises(PictureError, match=f"{s3_credentials}: holds no"):
        opened(s3_credentials)
    monkeypatch.setitem(sys.modules, "minio", None)
    with pytest.raises(PictureError, match=r"in a checkout: .pip install '\.\[s3\]'"):
        opened(s3_credentials)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("store = 's3'", "the store s3 needs endpoint and bucket"),
        (
            "store = 's3'\nbucket = 'abc'\nendpoint = 'http://s3.example.gov'",
            "only loopback is reached without TLS",
        ),
        ("bucket = 'a_b'", "pictures.bucket: "),
        ("endpoint = 's3.example.gov'", "pictures.endpoint: "),
    ],
)
def test_settings_that_would_not_do_are_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "repository.toml"
    path.write_text(f"[pictures]\n{content}\n")
    with pytest.raises(SettingsError, match=said):
        load_settings(path)
