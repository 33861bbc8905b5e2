"""Putting a signed version of a list in use: news, plausible, built, proven, swapped; else not.

Beside the built lists lies ``<updates>/<list>/``: the manifest of the newest version that was
ever in use (``installed.manifest.json``, proven by its signature whenever it is read), a note of
a version that a person forced (``forced.json``), and what is being fetched.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract.errors import ContractError
from edge.contract.hotlist import (
    HotlistEntry,
    HotlistManifest,
    encode_manifest,
    verify_manifest,
)
from edge.contract.plates import Confusables
from edge.hotfile.build import build_hotfile
from edge.hotfile.errors import HotfileError, UnreadListError
from edge.hotfile.facts import Implausible, ListFacts, require_plausible
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.settings import ChangeRule
from edge.hotfile.update import RefusedListError, facts_of, is_news, require_ours
from edge.hotfile.write import sync_folder

INSTALLED = "installed.manifest.json"
FORCED = "forced.json"


class InUseError(HotfileError):
    """The version is in use already."""


class Forced(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A version that a person put in use against the rule of plausible change, and why."""

    version: str
    sha256: str
    at: datetime
    reason: str


@dataclass(frozen=True)
class Installation:
    """The lists of one unit as the repository signs them.

    ``root`` is the folder of updates, ``key`` what :func:`edge.hotfile.keys.hotfile_key` derives.
    """

    root: Path
    folder: HotlistFolder
    confusables: Confusables
    key: bytes
    agency: str
    repository_key: Ed25519PublicKey
    now: Callable[[], datetime]

    def verify(self, data: bytes, name: str) -> HotlistManifest:
        """The manifest in these bytes, if it is signed and for this list of this unit.

        Raises:
            RefusedListError: if it is not, or is dated ahead of the clock.
        """
        try:
            manifest = verify_manifest(data, self.repository_key)
        except ContractError as error:
            raise RefusedListError(
                f"hot list {name}: the manifest is not the repository's: {error}; compare the "
                "key in uplink.repository_public_key with the repository's receipts.pub"
            ) from error
        require_ours(manifest, agency=self.agency, name=name, now=self.now())
        return manifest

    def is_news(self, manifest: HotlistManifest) -> bool:
        """Whether the manifest's version is to take the place of what is in use.

        Raises:
            RefusedListError: if it is older than one that was in use here, or another of the same
                number.
            UnreadListError: if the unit is too short of memory or handles to tell.
        """
        name = manifest.list.name
        in_use, damaged = self._in_use(name)
        return is_news(manifest, in_use, self._once_in_use(name), damaged=damaged)

    def require_plausible(
        self, manifest: HotlistManifest, rule: ChangeRule, allow: Collection[Implausible] = ()
    ) -> None:
        """Accept a version that does not change more than the rule allows.

        Raises:
            ImplausibleListError: if it does, and ``allow`` does not name why.
        """
        # Whether it is older was settled by number: a list built from a file has none to compare.
        facts = facts_of(manifest, "repository")
        require_plausible(facts, self.folder.last(facts.name), rule, {*allow, "older"})

    def in_use(self, name: str) -> ListFacts | None:
        """What is known of the list in use; None if there is none, or its file does not open.

        Raises:
            UnreadListError: if the unit is too short of memory or handles to tell.
        """
        return self._in_use(name)[0]

    def sound(self, name: str) -> ListFacts | None:
        """What is known of the list in use; None if there is none, or it is damaged.

        Raises:
            UnreadListError: if the unit is too short of memory or handles to tell.
        """
        facts, damaged = self._in_use(name)
        return None if damaged else facts

    def _in_use(self, name: str) -> tuple[ListFacts | None, bool]:
        """What is known of the list in use, and whether it is known to be damaged."""
        try:
            stored = self.folder.open(name)
        except HotfileError as error:
            if isinstance(error, UnreadListError) and error.for_want:
                raise  # nothing is wrong with the list: it need not be fetched again
            return None, True
        if stored is None:
            return None, False
        with stored:
            return stored.facts, stored.fault is not None

    def put_in_use(
        self,
        manifest: HotlistManifest,
        entries: Iterable[HotlistEntry],
        *,
        source: Literal["repository", "usb"],
        rule: ChangeRule,
        allow: Collection[Implausible] = (),
        progress: Callable[[int], None] | None = None,
    ) -> ListFacts:
        """Build the version from its entries and swap it in, as the only process that does.

        ``entries`` raise ContractError if they turn out not to be the manifest's.

        Raises:
            InUseError: if it is in use already.
            RefusedListError: if it is not news in another way; see :meth:`is_news`.
            BusyListError: if another process changes the list now.
            ImplausibleListError: if it changes too much, and ``allow`` does not name why.
            ContractError: from ``entries``; whatever is raised, what was in use stays.
            HotfileError: if the disk refuses.
        """
        facts = facts_of(manifest, source)
        with self.folder.turn(facts.name):
            if not self.is_news(manifest):
                raise InUseError(f"hot list {facts.name}: version {facts.version} is in use")
            self.require_plausible(manifest, rule, allow)
            built = self.folder.path_for(facts.name, facts.version)
            build_hotfile(
                entries,
                facts=facts,
                confusables=self.confusables,
                key=self.key,
                target=built,
                progress=progress,
            )
            self.folder.install(facts.name, built)
            self._write(facts.name, INSTALLED, encode_manifest(manifest))
        return facts

    def note_forced(self, facts: ListFacts, reason: str) -> None:
        """Keep that a person forced this version, before it is put in use; it is said while it is.

        Raises:
            HotfileError: if the disk refuses.
        """
        note = Forced(version=facts.version, sha256=facts.sha256, at=self.now(), reason=reason)
        self._write(facts.name, FORCED, msgspec.json.encode(note))

    def mark(self, name: str) -> object:
        """Something that differs once :meth:`forced` may answer otherwise; cheap to ask for."""
        try:
            noted = (self.root / name / FORCED).stat().st_mtime_ns
            return noted, self.folder.in_use(name)
        except (OSError, HotfileError):
            return None

    def forced(self, name: str) -> Forced | None:
        """The note on the version in use, if a person forced it.

        Raises:
            UnreadListError: if the unit is too short of memory or handles to tell.
        """
        path = self.root / name / FORCED
        try:
            note = msgspec.json.decode(path.read_bytes(), type=Forced)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        facts = self.in_use(name)
        return note if facts is not None and facts.sha256 == note.sha256 else None

    def _once_in_use(self, name: str) -> HotlistManifest | None:
        """The manifest of the newest version that was in use here, if it is still the signed one.

        One that was altered counts as none: whoever can alter it could remove it as well.
        """
        try:
            return verify_manifest((self.root / name / INSTALLED).read_bytes(), self.repository_key)
        except (OSError, ContractError):
            return None

    def _write(self, name: str, file: str, content: bytes) -> None:
        path = self.root / name / file
        fresh = path.with_name(file + ".new")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with fresh.open("wb") as opened:
                fresh.chmod(0o600)
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            fresh.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            raise self._unwritten(path, error) from error

    def _unwritten(self, path: Path, error: OSError) -> HotfileError:
        return HotfileError(f"{path}: cannot be written: {error.strerror}")
