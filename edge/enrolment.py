"""A unit's keys: made once at enrolment, read by the daemon at every start.

Layout of the key folder (mode 0700):

- ``unit.key``   the unit's Ed25519 private key, PKCS #8 PEM, mode 0600: signs batches and hits;
- ``unit.pub``   its public part, PEM: what the repository is given;
- ``spool.key``  32 bytes in hexadecimal, mode 0600: encrypts the spool at rest.

- ``spool.key.former``  the key before, while a rotation is under way (`edge.key_rotation`).

A key that systemd hands to the daemon as a credential of the same name (``LoadCredential=`` or
``LoadCredentialEncrypted=``) goes before the one in the folder, which then need not be there.

An existing key is never overwritten: with another signing key the repository refuses the unit,
and without the spool's key nothing that lies in the spool can be read again. The signing key is
replaced by enrolling anew: the repository knows one key for each unit, for good, so that what the
unit signed can be proven years later.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from edge.errors import EdgeError

SIGNING_KEY = "unit.key"
PUBLIC_KEY = "unit.pub"
SPOOL_KEY = "spool.key"
FORMER_SPOOL_KEY = "spool.key.former"
SPOOL_KEY_BYTES = 32
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"


class EnrolmentError(EdgeError):
    """Keys cannot be made or read; the text names the file and what to do."""


class KeyPairError(EnrolmentError):
    """The signing key is sound, and another one than the unit was enrolled with."""


@dataclass(frozen=True, slots=True)
class EnrolledKeys:
    """A unit's keys. No secret is shown by ``repr``.

    ``former_spool_key`` is there while the spool may still be sealed under it.
    """

    signing_key: Ed25519PrivateKey = field(repr=False)
    spool_key: bytes = field(repr=False)
    former_spool_key: bytes | None = field(default=None, repr=False)

    @property
    def public_pem(self) -> str:
        """The public part of the signing key, which the repository is given."""
        public = self.signing_key.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def enrol(folder: Path) -> EnrolledKeys:
    """Make a unit's keys in this folder, on the disk before this returns.

    Raises:
        EnrolmentError: if a key is there already, or the folder cannot be written; then no new
            file is left behind.
    """
    keys = EnrolledKeys(Ed25519PrivateKey.generate(), os.urandom(SPOOL_KEY_BYTES))
    private_pem = keys.signing_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # The signing key comes last: with it in place the folder is complete.
    files = (
        (SPOOL_KEY, keys.spool_key.hex().encode("ascii") + b"\n", 0o600),
        (PUBLIC_KEY, keys.public_pem.encode("ascii"), 0o644),
        (SIGNING_KEY, private_pem, 0o600),
    )
    _refuse_existing([folder / name for name, _, _ in files])
    made: list[Path] = []
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
        for name, content, mode in files:
            write_new(folder / name, content, mode, made)
        sync_folder(folder)
        sync_folder(folder.parent)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise EnrolmentError(
            f"{folder}: the unit's keys cannot be written here ({error.strerror}): "
            "name a folder that this user may write"
        ) from error
    return keys


def load_keys(folder: Path, credentials: Path | None = None) -> EnrolledKeys:
    """The keys that ``enrol`` made in this folder, or those among a service's credentials.

    Raises:
        EnrolmentError: if one is missing, damaged or readable by others, or if ``unit.pub`` lies
            beside ``unit.key`` and is another key's.
    """
    signing, spool, former = (
        _secret_path(folder, credentials, name)
        for name in (SIGNING_KEY, SPOOL_KEY, FORMER_SPOOL_KEY)
    )
    signing_key = _load_signing_key(signing)
    _require_pair(signing_key, signing)
    return EnrolledKeys(
        signing_key,
        load_spool_key(spool),
        load_spool_key(former) if former.exists() else None,
    )


def credentials_folder(environment: Mapping[str, str]) -> Path | None:
    """The folder of the credentials that systemd gives this service, if it gives any."""
    named = environment.get(CREDENTIALS_VARIABLE)
    return Path(named) if named else None


def load_public_key(path: Path) -> Ed25519PublicKey:
    """An Ed25519 public key from a PEM file: the repository's, whose receipts the unit trusts.

    Raises:
        EnrolmentError: if there is none in the file.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise EnrolmentError(
            f"{path}: the public key cannot be read ({error.strerror}): copy it here"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise EnrolmentError(f"{path}: not a public key in PEM: copy it here again") from error
    if not isinstance(key, Ed25519PublicKey):
        raise EnrolmentError(f"{path}: not an Ed25519 public key: copy the repository's own")
    return key


def _load_signing_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(_read_secret(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise EnrolmentError(
            f"{path}: not a private key in PEM: restore it from the unit's backup, or enrol anew"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise EnrolmentError(f"{path}: not an Ed25519 key: restore the one made at enrolment")
    return key


def _require_pair(key: Ed25519PrivateKey, path: Path) -> None:
    """Refuse a key taken for another, before it signs what the repository will not take.

    A public part that is not there, or cannot be read, proves nothing against the key.
    """
    public = path.with_name(PUBLIC_KEY)
    try:
        enrolled = load_public_key(public)
    except EnrolmentError:
        return
    if enrolled != key.public_key():
        raise KeyPairError(
            f"{path}: this is another key than the one that {public} belongs to, and the "
            "repository would refuse all that it signs: put back the unit.key made at enrolment"
        )


def load_spool_key(path: Path) -> bytes:
    """A spool key from its file.

    Raises:
        EnrolmentError: if it is missing, damaged or readable by others.
    """
    try:
        key = bytes.fromhex(_read_secret(path).decode("ascii"))
    except ValueError as error:
        raise EnrolmentError(f"{path}: not hexadecimal: restore it from the backup") from error
    if len(key) != SPOOL_KEY_BYTES:
        raise EnrolmentError(
            f"{path}: {len(key)} bytes instead of {SPOOL_KEY_BYTES}: restore it from the backup"
        )
    return key


def _secret_path(folder: Path, credentials: Path | None, name: str) -> Path:
    if credentials is not None and (credentials / name).exists():
        return credentials / name
    return folder / name


def _read_secret(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            # systemd lets the service's user read a credential by an access list, whose mask
            # stands where the group's bits do.
            others = 0o007 if path.parent == credentials_folder(os.environ) else 0o077
            if mode & others:
                raise EnrolmentError(
                    f"{path}: others can use this key (mode {mode:04o}): run 'chmod 600 {path}'"
                )
            return file.read()
    except FileNotFoundError as error:
        raise EnrolmentError(
            f"{path}: there is no key: restore it from its copy, since what waits in the spool "
            "cannot be read without it; a new unit is enrolled first with 'alpr-edge enrol'"
        ) from error
    except OSError as error:
        raise EnrolmentError(
            f"{path}: the key cannot be read ({error.strerror}): run as the user who enrolled"
        ) from error


def _refuse_existing(paths: list[Path]) -> None:
    try:
        existing = [path for path in paths if path.exists()]
    except OSError as error:
        raise EnrolmentError(
            f"{paths[0].parent}: this folder cannot be looked into ({error.strerror})"
        ) from error
    if existing:
        raise EnrolmentError(
            f"{existing[0]}: this unit has a key already, and it is never overwritten: "
            "name an empty folder, or move the old keys away if no unit uses them"
        )


def write_new(path: Path, content: bytes, mode: int, made: list[Path]) -> None:
    """Write a file that is not there yet, on the disk when this returns; note it in ``made``."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    made.append(path)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names of new files in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
