"""Keys are made once, are nobody else's to read, and come back as they were."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from edge.contract.batch import key_id
from edge.enrolment import (
    PUBLIC_KEY,
    SIGNING_KEY,
    SPOOL_KEY,
    EnrolmentError,
    enrol,
    load_keys,
    load_public_key,
)

FILES = {SIGNING_KEY, PUBLIC_KEY, SPOOL_KEY}


def test_enrolled_keys_load_again(tmp_path: Path) -> None:
    keys = enrol(tmp_path / "keys")
    loaded = load_keys(tmp_path / "keys")
    assert loaded.spool_key == keys.spool_key
    assert len(loaded.spool_key) == 32
    assert loaded.public_pem == keys.public_pem
    public = load_public_key(tmp_path / "keys" / PUBLIC_KEY)
    assert key_id(public) == key_id(keys.signing_key.public_key())
    public.verify(loaded.signing_key.sign(b"x"), b"x")


def test_two_units_never_share_a_key(tmp_path: Path) -> None:
    one, two = enrol(tmp_path / "one"), enrol(tmp_path / "two")
    assert one.public_pem != two.public_pem
    assert one.spool_key != two.spool_key


@pytest.mark.policy("M-C7")
def test_secret_files_are_the_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        enrol(tmp_path / "keys")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for name in (SIGNING_KEY, SPOOL_KEY):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize("name", [SIGNING_KEY, SPOOL_KEY])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_use_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    enrol(tmp_path)
    (tmp_path / name).chmod(mode)
    with pytest.raises(EnrolmentError, match=rf"{name}: others can use this key .*chmod 600"):
        load_keys(tmp_path)


@pytest.mark.parametrize("name", sorted(FILES))
def test_no_existing_file_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(EnrolmentError, match="never overwritten"):
        enrol(tmp_path)
    assert (tmp_path / name).read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {name}


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnrolmentError, match="name a folder that this user may write"):
        enrol(tmp_path / "file" / "keys")


def test_a_failure_midway_leaves_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter([None, OSError(28, "No space left on device")])

    def failing(descriptor: int) -> None:
        if error := next(calls):
            raise error

    monkeypatch.setattr(os, "fsync", failing)
    with pytest.raises(EnrolmentError, match="No space left on device"):
        enrol(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [SIGNING_KEY, SPOOL_KEY])
def test_a_missing_key_says_to_enrol(tmp_path: Path, name: str) -> None:
    enrol(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(EnrolmentError, match=f"{name}: there is no key: restore it from its copy"):
        load_keys(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (SIGNING_KEY, b"", "not a private key in PEM"),
        (SIGNING_KEY, b"\xff\xfe", "not a private key in PEM"),
        (
            SIGNING_KEY,
            X25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ),
            "not an Ed25519 key",
        ),
        (SPOOL_KEY, b"zz", "not hexadecimal"),
        (SPOOL_KEY, b"\xff", "not hexadecimal"),
        (SPOOL_KEY, b"00ff\n", "2 bytes instead of 32"),
    ],
)
def test_a_damaged_key_is_refused(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    enrol(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(EnrolmentError, match=f"{name}: {sentence}"):
        load_keys(tmp_path)


def test_a_public_key_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "repository.pub"
    with pytest.raises(EnrolmentError, match=r"repository\.pub: the public key cannot be read"):
        load_public_key(path)
    path.write_text("no key")
    with pytest.raises(EnrolmentError, match="not a public key in PEM"):
        load_public_key(path)
    other = X25519PrivateKey.generate().public_key()
    path.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(EnrolmentError, match="not an Ed25519 public key"):
        load_public_key(path)


def test_no_secret_is_shown_by_repr(tmp_path: Path) -> None:
    keys = enrol(tmp_path)
    assert isinstance(keys.signing_key, Ed25519PrivateKey)
    assert keys.spool_key.hex() not in repr(keys)
    assert repr(keys.spool_key) not in repr(keys)


def test_a_signing_key_taken_for_another_is_refused(tmp_path: Path) -> None:
    enrol(tmp_path / "keys")
    enrol(tmp_path / "others")
    shutil.copy(tmp_path / "others" / SIGNING_KEY, tmp_path / "keys" / SIGNING_KEY)
    with pytest.raises(EnrolmentError, match=r"another key than .*: put back the unit\.key"):
        load_keys(tmp_path / "keys")
    # Without its public part beside it, or with one that is damaged, nothing speaks against it.
    (tmp_path / "keys" / PUBLIC_KEY).write_text("no key")
    load_keys(tmp_path / "keys")
    (tmp_path / "keys" / PUBLIC_KEY).unlink()
    load_keys(tmp_path / "keys")
