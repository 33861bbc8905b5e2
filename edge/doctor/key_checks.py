"""The unit's keys and passwords: there, sound, and readable for nobody else."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from edge.doctor.findings import Finding, fail, ok, split, warning
from edge.enrolment import KeyPairError, load_keys, load_public_key
from edge.errors import EdgeError
from edge.settings import Settings


def check_keys(settings: Settings, *, runs: bool) -> Iterator[Finding]:
    """The keys of enrolment, the repository's key, and every file that holds a secret.

    A daemon that ``runs`` has its keys, if not from the folder, then from its service.
    """
    try:
        load_keys(settings.unit.keys)
        yield ok("keys", "the unit's keys are there, sound, and belong together")
    except KeyPairError as error:
        yield fail("keys", *split(str(error)))
    except EdgeError as error:
        if runs:
            yield ok("keys", "the running daemon has them as credentials of its service")
        else:
            yield fail("keys", *split(str(error)))
    try:
        load_public_key(settings.uplink.repository_public_key)
        yield ok("repository's key", "it is there and sound")
    except EdgeError as error:
        yield fail("repository's key", *split(str(error)))
    yield from _check_folder(settings.unit.keys)
    for what, path in _secrets(settings):
        yield _check_secret(what, path)


def judge_mode(what: str, path: Path, mode: int) -> Finding:
    """Whether others may read a file that holds a secret; ``mode`` is its permission bits."""
    if mode & 0o077:
        return fail(
            what,
            f"others can read {path} (mode {mode:04o})",
            f"run: chmod 600 {path}; if others had time to read it, replace what it holds",
        )
    return ok(what, f"nobody else can read {path}")


def _secrets(settings: Settings) -> Iterator[tuple[str, Path]]:
    if settings.uplink.tls is not None:
        yield "certificate's key", settings.uplink.tls.key
    if settings.uplink.password_file is not None:
        yield "broker's password", settings.uplink.password_file
    for camera in settings.cameras:
        if camera.credentials_file is not None:
            yield f"password of camera {camera.name}", camera.credentials_file


def _check_secret(what: str, path: Path) -> Finding:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        with path.open("rb"):
            pass
    except OSError as error:
        return fail(
            what,
            f"{path} cannot be read ({error.strerror})",
            "put the file there, owned by the daemon's user, with mode 600",
        )
    return judge_mode(what, path, mode)


def _check_folder(folder: Path) -> Iterator[Finding]:
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError:
        return  # said above: the keys are not there
    if mode & 0o022:
        yield warning(
            "keys' folder",
            f"others can put files into {folder} (mode {mode:04o})",
            f"run: chmod 700 {folder}",
        )
