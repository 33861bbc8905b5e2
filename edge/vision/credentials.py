"""The user and password of a network camera, from a file of its own."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from edge.vision.errors import CaptureError


def with_credentials(url: str, path: Path) -> str:
    """A camera's address with the user and password of a file: one on each of its two lines.

    The result is a secret: hand it to the camera and to nothing else. Raises CaptureError where
    the file is missing, open to others or not two lines.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise CaptureError(f"credentials file {path}: {why}") from error
    if mode & 0o077:
        raise CaptureError(
            f"credentials file {path}: others can use it (mode {mode:04o}): run 'chmod 600 {path}'"
        )
    if len(lines) != 2 or not all(line.strip() for line in lines):
        raise CaptureError(
            f"credentials file {path}: must hold the user on its first line and the password on "
            "its second, and nothing else"
        )
    user, password = (quote(line.strip(), safe="") for line in lines)
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{parts.netloc}"))
