"""The unit's own list: plates entered, changed and ended by hand, kept sealed on the disk.

An entry alerts once a second person has checked it (model policy, IV.E.2): until then it is kept
and shown, and matches nothing. A change of its content has to be checked again.

A change is made in two steps, so that none is without a record: :meth:`LocalList.enter` and the
others say what would change, the caller puts the ManualEntry record in the spool, and
:meth:`LocalList.apply` makes the change durable.

The file holds a nonce of 12 bytes and, sealed with AES-256-GCM under the hot lists' key, the
msgpack of all entries; it is written anew for each change and renamed over the old one.
"""

from __future__ import annotations

import fcntl
import hashlib
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.contract.plates import Confusables
from edge.contract.records import HotlistKind
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import ListFacts
from edge.hotfile.local_entries import (
    LocalChange,
    LocalEntry,
    LocalIndex,
    plate_of,
    require_complete,
    require_said,
)
from edge.hotfile.match import Hotlist
from edge.hotfile.settings import LOCAL_LIST
from edge.hotfile.write import sync_folder

MAX_LOCAL_ENTRIES = 1000
"""What one unit may be told by hand; more is a list of the department's."""

_NONCE_BYTES = 12
_DOMAIN = b"plateward/hotfile/local/1"
_NEVER = datetime.min.replace(tzinfo=UTC)


class LocalList:
    """The list in one file; several processes may change it, one after the other."""

    def __init__(
        self,
        path: Path,
        key: bytes,
        confusables: Confusables,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Nothing is read yet; ``key`` is what :func:`edge.hotfile.keys.hotfile_key` derives."""
        self._path = path
        self._cipher = AESGCM(key)
        self._confusables = confusables
        self._random_bytes = random_bytes
        self._signature: tuple[int, int, int] | None = None
        self._entries: dict[str, LocalEntry] = {}
        self._hotlist = self._made("0" * 64, _NEVER)

    @property
    def entries(self) -> tuple[LocalEntry, ...]:
        """Every entry that has not ended, in the order of their ids, expired ones among them."""
        return tuple(self._entries[entry] for entry in sorted(self._entries))

    @property
    def hotlist(self) -> Hotlist:
        """The checked entries, as reads are matched with them."""
        return self._hotlist

    def poll(self) -> None:
        """Read the file if it has changed; without one there are no entries.

        Raises:
            HotfileError: if it is damaged or cannot be read, anew each time; the entries stay as
                they were.
        """
        try:
            status = self._path.stat()
        except FileNotFoundError:
            if self._signature is not None:
                self._signature, self._entries = None, {}
                self._hotlist = self._made("0" * 64, _NEVER)
            return
        except OSError as error:
            raise self._unread(error) from error
        signature = (status.st_ino, status.st_size, status.st_mtime_ns)
        if signature != self._signature:
            self._read(datetime.fromtimestamp(status.st_mtime, UTC))
            self._signature = signature

    def enter(
        self,
        *,
        plate: str,
        state: str | None,
        kind: HotlistKind,
        priority: int,
        reason: str,
        officer: str,
        authorized_by: str,
        expires: datetime | None,
        now: datetime,
    ) -> LocalChange:
        """A new entry, not yet checked.

        Raises:
            HotfileError: if something is missing or makes no sense; the text says what.
        """
        if len(self._entries) >= MAX_LOCAL_ENTRIES:
            raise HotfileError(
                f"the unit's own list has {MAX_LOCAL_ENTRIES} entries; end those that are over"
            )
        entry = LocalEntry(
            entry=f"local-{self._random_bytes(6).hex()}",
            plate=plate_of(plate),
            state=state,
            kind=kind,
            priority=priority,
            reason=reason.strip(),
            officer=officer.strip(),
            authorized_by=authorized_by.strip(),
            checked_by=None,
            entered=now,
            expires=expires,
        )
        require_complete(entry, now)
        return LocalChange("enter", entry, before=None)

    def update(
        self,
        entry: str,
        *,
        officer: str,
        reason: str,
        expires: datetime | None,
        now: datetime,
    ) -> LocalChange:
        """The entry with another reason and end, to be checked again.

        Raises:
            HotfileError: if there is no such entry, or something is missing.
        """
        before = self._get(entry)
        changed = msgspec.structs.replace(
            before,
            officer=officer.strip(),
            reason=reason.strip(),
            expires=expires,
            checked_by=None,
        )
        require_complete(changed, now)
        return LocalChange("update", changed, before)

    def check(self, entry: str, *, checked_by: str) -> LocalChange:
        """The entry as checked by a second person.

        Raises:
            HotfileError: if there is no such entry, or its author would check it.
        """
        found = self._get(entry)
        checker = checked_by.strip()
        if not checker or checker.casefold() == found.officer.casefold():
            raise HotfileError("a second person must check the entry, not the officer who made it")
        return LocalChange("update", msgspec.structs.replace(found, checked_by=checker), found)

    def end(self, entry: str, *, officer: str, reason: str) -> LocalChange:
        """The entry's end.

        Raises:
            HotfileError: if there is no such entry, or no officer or reason is given.
        """
        before = self._get(entry)
        ended = msgspec.structs.replace(
            before, officer=officer.strip(), reason=reason.strip(), checked_by=None
        )
        require_said(ended)
        return LocalChange("end", ended, before)

    def apply(self, change: LocalChange) -> None:
        """Make the change durable and matched with.

        Raises:
            HotfileError: if the disk refuses, or the entry was changed or has ended meanwhile.
        """
        name = change.entry.entry
        with self._locked():
            self.poll()
            entries = dict(self._entries)
            if change.action != "enter" and name not in entries:
                raise HotfileError(f"entry {name} has ended meanwhile")
            if entries.get(name) != change.before:
                raise HotfileError(f"entry {name} was changed meanwhile; look at it again")
            if change.action == "end":
                del entries[name]
            else:
                entries[name] = change.entry
            self._write(entries)
        self.poll()

    def _get(self, entry: str) -> LocalEntry:
        try:
            return self._entries[entry]
        except KeyError:
            raise HotfileError(f"the unit's own list has no entry {entry}") from None

    def seal_under(self, key: bytes) -> None:
        """Seal the file under another key from now on; it has been read under the old one.

        Raises:
            HotfileError: if the disk refuses; the file is as it was.
        """
        with self._locked():
            self.poll()
            self._cipher = AESGCM(key)
            self._write(self._entries)
        self.poll()

    def _read(self, changed_at: datetime) -> None:
        try:
            sealed = self._path.read_bytes()
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _DOMAIN)
            entries = _decoder.decode(content)
        except OSError as error:
            raise self._unread(error) from error
        except (InvalidTag, ValueError, msgspec.DecodeError) as error:
            raise HotfileError(
                f"{self._path}: was altered, or belongs to another key; remove it and enter its"
                " plates again"
            ) from error
        self._entries = {one.entry: one for one in entries}
        self._hotlist = self._made(hashlib.sha256(sealed).hexdigest(), changed_at)

    def _write(self, entries: dict[str, LocalEntry]) -> None:
        content = msgspec.msgpack.encode(tuple(entries.values()))
        nonce = self._random_bytes(_NONCE_BYTES)
        fresh = self._path.with_name(f"{self._path.name}.new")
        try:
            with os.fdopen(_private(fresh, os.O_WRONLY | os.O_TRUNC), "wb") as file:
                file.write(nonce + self._cipher.encrypt(nonce, content, _DOMAIN))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise HotfileError(f"{self._path}: cannot be written: {error.strerror}") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = _private(self._path.with_name(f"{self._path.name}.lock"), os.O_WRONLY)
        except OSError as error:
            raise HotfileError(f"{self._path}: cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _made(self, sha256: str, changed_at: datetime) -> Hotlist:
        checked = [one for one in self._entries.values() if one.alerts]
        facts = ListFacts(
            name=LOCAL_LIST,
            version=sha256[:12],
            number=None,
            sha256=sha256,
            issued_at=changed_at,
            source="local",
            entries=len(checked),
        )
        return Hotlist(facts, math.inf, LocalIndex(checked, self._confusables))

    def _unread(self, error: OSError) -> HotfileError:
        return HotfileError(f"{self._path}: cannot be read: {error.strerror}")


_decoder = msgspec.msgpack.Decoder(tuple[LocalEntry, ...])


def _private(path: Path, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, 0o600)
