"""The last frame of a camera that the daemon holds, handed to who checks its aim.

A device serves one program at a time. So a request is a file, ``NAME.asked``, beside the aim
checks; the daemon takes it away and puts its next frame, ``NAME.frame``, in place; who asked reads
that and removes it. Both files are of mode 0600.

Plates can be read in a frame, and who asks may be killed, so it never lies there in the clear. The
request is a fresh X25519 public key (RFC 7748) whose private half nobody but who asked ever has,
in memory. The answer is a fresh public key of the daemon's, and the frame as PNG under AES-256-GCM
with the key that both make by HKDF-SHA-256 (RFC 5869). It serves once, so its nonce is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from edge.vision.aim_reference import write_private
from edge.vision.errors import CaptureError

UNFETCHED_AFTER_S = 60.0
POLL_S = 0.2

_PUBLIC_BYTES = 32
_NONCE = bytes(12)
_LEFT_BEHIND = ("*.asked", "*.frame", ".*.asked.new", ".*.frame.new")
_FORMERLY_LEFT_BEHIND = ("*.frame.png", ".*.frame.png.new")
"""Frames in the clear, as releases before this way of sealing left them."""


def remove_left_behind(folder: Path) -> None:
    """Remove the requests and frames of aim checks that were killed; before any is answered.

    Raises CaptureError where one cannot be removed.
    """
    for pattern in _LEFT_BEHIND + _FORMERLY_LEFT_BEHIND:
        for path in folder.glob(pattern):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise CaptureError(
                    f"{path}: {error.strerror}; plates may be read in it: remove it by hand"
                ) from error


def answer_request(
    folder: Path, camera: str, image: NDArray[np.uint8], wall_clock_s: Callable[[], float]
) -> None:
    """Hand over this (H, W, 3) uint8 BGR frame if it was asked for; remove one left lying.

    Raises CaptureError where the folder cannot be written.
    """
    asked, frame = _paths(folder, camera)
    try:
        left_s = wall_clock_s() - frame.stat().st_mtime
        if left_s > UNFETCHED_AFTER_S:
            frame.unlink(missing_ok=True)
    except OSError:
        pass  # the usual case: none lies there
    try:
        with asked.open("rb") as file:
            request = file.read(_PUBLIC_BYTES + 1)
        asked.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise CaptureError(f"{asked}: {error.strerror}; it must be the daemon's own") from error
    done, encoded = cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise CaptureError("a frame cannot be encoded as PNG")
    with suppress(ValueError):  # what asked has no key that could open an answer
        write_private(frame, _sealed(encoded.tobytes(), request))


def ask_daemon(
    folder: Path, camera: str, patience_s: float, wait: Callable[[float], None]
) -> NDArray[np.uint8] | None:
    """The next frame of a camera from the running daemon; None where it does not answer.

    Raises CaptureError where the folder cannot be written, or the answer is another's.
    """
    asked, frame = _paths(folder, camera)
    own = X25519PrivateKey.generate()
    try:
        frame.unlink(missing_ok=True)
        write_private(asked, own.public_key().public_bytes_raw())
        for _ in range(round(patience_s / POLL_S)):
            if frame.exists():
                return _opened(frame.read_bytes(), own)
            wait(POLL_S)
    except OSError as error:
        raise CaptureError(
            f"{folder}: {error.strerror}; run as the user of the daemon, who owns the unit's data"
        ) from error
    else:
        return None
    finally:
        for path in (asked, frame):
            _remove(path)


def _sealed(content: bytes, request: bytes) -> bytes:
    """The content for who holds the private half of this public key; ValueError if it is none."""
    theirs, own = X25519PublicKey.from_public_bytes(request), X25519PrivateKey.generate()
    key = _key(own.exchange(theirs))
    return own.public_key().public_bytes_raw() + AESGCM(key).encrypt(_NONCE, content, None)


def _opened(answer: bytes, own: X25519PrivateKey) -> NDArray[np.uint8]:
    try:
        theirs = X25519PublicKey.from_public_bytes(answer[:_PUBLIC_BYTES])
        content = AESGCM(_key(own.exchange(theirs))).decrypt(_NONCE, answer[_PUBLIC_BYTES:], None)
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (InvalidTag, ValueError) as error:
        raise CaptureError(
            "the frame was handed to another aim check of this camera, run at the same time: run "
            "this one again"
        ) from error
    return np.asarray(image, dtype=np.uint8)


def _key(shared: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"plateward/aim-frame/1").derive(shared)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # what went wrong before this is what is said


def _paths(folder: Path, camera: str) -> tuple[Path, Path]:
    return folder / f"{camera}.asked", folder / f"{camera}.frame"
