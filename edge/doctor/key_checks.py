"""The unit's keys and passwords: there, sound, and readable for nobody else."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from edge.doctor.findings import Finding, fail, ok, own, split, warning
from edge.enrolment import (
    FORMER_SPOOL_KEY,
    PUBLIC_KEY,
    SIGNING_KEY,
    SPOOL_KEY,
    KeyPairError,
    load_keys,
    load_public_key,
)
from edge.errors import EdgeError
from edge.settings import Settings

_RESTORE = "restore the keys from the copy that was made at enrolment"


def check_keys(settings: Settings, *, runs: bool) -> Iterator[Finding]:
    """The keys of enrolment, the repository's key, and every file that holds a secret.

    A daemon that ``runs`` has its keys, if not from the folder, then from its service.
    """
    folder = settings.unit.keys
    try:
        load_keys(folder)
        yield ok("keys", "the unit's keys are there, sound, and belong together")
    except KeyPairError as error:
        yield fail("keys", *split(str(error)))
    except EdgeError as error:
        if runs:
            yield ok("keys", "the running daemon has them as credentials of its service")
        elif _was_never_enrolled(settings):
            yield fail(
                "keys",
                f"the unit is not enrolled: {folder} holds no key, and there is no spool",
                f"run: alpr-edge enrol --keys {folder}, as the daemon's user, and have unit.pub "
                "added on the server (deploy/README.md, A unit); where systemd is to hand out the "
                "keys, start the daemon",
            )
        elif isinstance(error.__cause__, PermissionError):
            yield fail("keys", split(str(error))[0], own(folder))
        else:
            yield fail("keys", *split(str(error), _RESTORE))
    yield _check_repositorys(settings.uplink.repository_public_key)
    yield from _check_folder(folder)
    for what, path in _secrets(settings):
        yield _check_secret(what, path)


def _was_never_enrolled(settings: Settings) -> bool:
    """Whether nothing speaks for a unit that once had keys."""
    unit = settings.unit
    kept = [unit.keys / name for name in (SIGNING_KEY, PUBLIC_KEY, SPOOL_KEY, FORMER_SPOOL_KEY)]
    try:
        return not any(path.exists() for path in (*kept, unit.data / "spool"))
    except OSError:
        return False


def _check_repositorys(path: Path) -> Finding:
    check = "repository's key"
    try:
        load_public_key(path)
    except EdgeError as error:
        found, _ = split(str(error))
        if isinstance(error.__cause__, PermissionError):
            return fail(check, found, own(path))
        return fail(
            check,
            found,
            f"copy the repository's receipts.pub to {path} (deploy/README.md, A unit): without it "
            "no receipt is believed",
        )
    return ok(check, "it is there and sound")


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
            f"put the file there, owned by the daemon's user (chown plateward {path}), with mode "
            "600",
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
