"""Sealed pictures in a bucket of an S3-compatible store; needs the extra ``s3``.

A PUT there is whole or not at all, and lasting when it is answered. What the store keeps of deleted
objects (versions, delays) is sealed under keys that it never sees.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from repository.store.keyfiles import require_private
from repository.store.pictures_place import PictureError, PictureMissingError

if TYPE_CHECKING:
    from minio import Minio

_CONNECT_S = 10.0
_READ_S = 60.0
_RETRIES = 2
_PART_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class BucketOfPictures:
    """A bucket; ``client`` is bound to its store, region and credentials."""

    client: Minio
    bucket: str

    def write(self, name: str, content: bytes) -> None:
        """Put the object in place of what had the name."""
        with self._at(name):
            self.client.put_object(
                self.bucket, name, io.BytesIO(content), len(content), part_size=_PART_BYTES
            )

    def read(self, name: str) -> bytes:
        """The object's bytes."""
        with self._at(name):
            answer = self.client.get_object(self.bucket, name)
            try:
                content: bytes = answer.read()
            finally:
                answer.close()
                answer.release_conn()
            return content

    def remove(self, name: str) -> None:
        """Delete the object; S3 answers the same where there is none."""
        with self._at(name):
            self.client.remove_object(self.bucket, name)

    def remove_folder(self, name: str) -> None:
        """Delete every object below that name, one by one."""
        for each in list(self.names(name)):
            self.remove(each)

    def folders(self, below: str = "") -> list[str]:
        """The common prefixes right below one, in order."""
        found = self._list(below, recursive=False)
        return sorted(
            each.object_name.rstrip("/").rpartition("/")[2] for each in found if each.is_dir
        )

    def names(self, below: str = "") -> Iterator[str]:
        """The names of all objects below."""
        for each in self._list(below, recursive=True):
            yield each.object_name

    def _list(self, below: str, *, recursive: bool) -> Iterator[Any]:
        prefix = f"{below}/" if below else ""
        with self._at(prefix):
            yield from self.client.list_objects(self.bucket, prefix, recursive=recursive)

    @contextmanager
    def _at(self, name: str) -> Iterator[None]:
        from minio.error import MinioException, S3Error
        from urllib3.exceptions import HTTPError

        where = f"picture {self.bucket}/{name}"
        try:
            yield
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise PictureMissingError(f"{where}: is not in the bucket") from error
            raise PictureError(f"{where}: the store answers {error.code}") from error
        except (MinioException, HTTPError, ValueError, OSError) as error:
            raise PictureError(
                f"{where}: the store does not answer ({type(error).__name__})"
            ) from error


def open_bucket(
    *, endpoint: str, bucket: str, region: str, credentials: Path | None, ca: Path | None
) -> BucketOfPictures:
    """The bucket at that address; nothing is asked of it yet.

    Args:
        endpoint: ``https://HOST`` or ``https://HOST:PORT``.
        bucket: its name; it is there.
        region: as the store names it.
        credentials: a file with ``aws_access_key_id`` and ``aws_secret_access_key`` under
            ``[default]``, for its owner alone; without one AWS_ACCESS_KEY_ID and
            AWS_SECRET_ACCESS_KEY of the environment are taken.
        ca: PEM file of the authority behind the store's certificate; the system's unless given.

    Raises:
        PictureError: if the extra is not installed, or the credentials are missing.
        KeyFileError: if others can read the credentials.
    """
    try:
        import urllib3
        from minio import Minio
        from minio.credentials.providers import AWSConfigProvider, EnvAWSProvider
    except ModuleNotFoundError as error:
        raise PictureError(
            "pictures: the store 's3' needs one more package; in a checkout: `pip install '.[s3]'`"
        ) from error
    if credentials is not None:
        require_private(credentials)
    provider = EnvAWSProvider() if credentials is None else AWSConfigProvider(str(credentials))
    try:
        provider.retrieve()
    except ValueError as error:
        where = credentials or "environment"
        raise PictureError(
            f"pictures: {where}: holds no aws_access_key_id and aws_secret_access_key"
        ) from error
    address = urlsplit(endpoint)
    pool = urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=_CONNECT_S, read=_READ_S),
        retries=urllib3.Retry(_RETRIES, backoff_factor=0.2, status_forcelist=(500, 502, 503, 504)),
        cert_reqs="CERT_REQUIRED",
        ca_certs=None if ca is None else str(ca),
    )
    client = Minio(
        address.netloc,
        credentials=provider,
        region=region,
        secure=address.scheme == "https",
        http_client=pool,
    )
    return BucketOfPictures(client, bucket)
