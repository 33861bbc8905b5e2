"""Keeps the repository's lists up to date: looks for news by the clock, fetches, puts in use.

Whatever fails, the list in use stays. A list that must be refused is a trouble at once; one that
cannot be had is a trouble once that has lasted for the set time, for a car is often out of reach.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import structlog

from edge.contract.errors import ContractError
from edge.contract.hotlist import HotlistManifest, HotlistVersion, decode_delta
from edge.health.health import Health
from edge.hotfile.download import BrokenDeltaError, MissingDeltaError
from edge.hotfile.errors import (
    BusyListError,
    DamagedListError,
    HotfileError,
    UnreadListError,
)
from edge.hotfile.facts import ImplausibleListError
from edge.hotfile.install_process import Fetched, InstallProcess
from edge.hotfile.installation import Installation, InUseError
from edge.hotfile.partial import PartialFile
from edge.hotfile.process_apart import StoppedError
from edge.hotfile.settings import HotlistSource
from edge.hotfile.update import DeltaChain, Pace, RefusedListError

LOOK_EVERY_S = 2.0
LIMIT_S = 120.0
"""Longest silence of the updater: an answer that does not come, from the web or from a disk."""

DELTA_TRIES = 2
"""A delta that breaks off so often is given up for the whole list: what came of that is kept."""

_PARTIAL_ENDING = ".partial"

_log = structlog.get_logger()


class Web(Protocol):
    """The repository's web as the updater needs it; see :class:`edge.hotfile.download`."""

    def manifest(self, name: str, known: str | None) -> tuple[bytes, str] | None:
        """The newest manifest and its entity tag; None if it is the one of the tag ``known``."""
        ...

    def delta(self, name: str, version: int, limit_bytes: int) -> bytes | None:
        """The delta to that version; None if it is longer than the limit."""
        ...

    def fetch(self, version: HotlistVersion, partial: PartialFile) -> None:
        """Fetch what the file lacks."""
        ...

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        ...


@dataclass(slots=True)
class _Look:
    """How it stands with one list."""

    source: HotlistSource
    pace: Pace
    due_s: float = 0.0
    tag: str | None = None
    failing_since_s: float | None = None
    broken: tuple[int, int] = (0, 0)
    """The newest version for which a delta broke off, and how often."""


class HotlistUpdater:
    """Updates the lists whose settings say ``from = "repository"``; run in a thread of its own.

    Of every list it says while a version is in use that a person forced.
    """

    def __init__(
        self,
        lists: Sequence[HotlistSource],
        installation: Installation,
        web: Web | None,
        spool_key: bytes,
        health: Health,
        *,
        every_s: float,
        alarm_after_s: float,
        random: Callable[[], float],
        stop: threading.Event,
        process: InstallProcess,
        installed: Callable[[], None] = lambda: None,
        beat: Callable[[], None] = lambda: None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without ``web`` lists come from USB sticks alone, and only what was forced is said.

        ``installed`` is called as soon as a list was installed, to put it in use.
        """
        self._installation = installation
        self._web = web
        self._spool_key = spool_key
        self._health = health
        self._alarm_after_s = alarm_after_s
        self._stop = stop
        self._process = process
        self._installed = installed
        self._beat = beat
        self._monotonic_s = monotonic_s
        self._marks: dict[str, object] = dict.fromkeys((source.name for source in lists), None)
        self._looks = [
            _Look(source, Pace(every_s, random)) for source in lists if source.origin is not None
        ]

    def run(self) -> None:
        """Look after the lists until told to stop."""
        while not self._stop.is_set():
            self.look()
            self._stop.wait(LOOK_EVERY_S)

    def look(self) -> None:
        """Say what was forced, and update every list that is due."""
        self._beat()
        for name in self._marks:
            self._say_forced(name)
        for look in self._looks:
            self._beat()
            if self._web is None or self._monotonic_s() < look.due_s or self._stop.is_set():
                continue
            self._try(look, self._web)

    def _try(self, look: _Look, web: Web) -> None:
        part = f"hot list update {look.source.name}"
        try:
            self._update(look, web)
        except (BusyListError, InUseError, StoppedError):
            wait_s = look.pace.after_failure()
        except (RefusedListError, ImplausibleListError) as error:
            look.tag = None
            self._health.trouble(part, str(error))
            look.failing_since_s, wait_s = None, look.pace.after_success()
        except HotfileError as error:
            look.tag = None
            since_s = look.failing_since_s
            if since_s is None:
                since_s = look.failing_since_s = self._monotonic_s()
                _log.warning("hot list not updated", list=look.source.name, why=str(error))
            if self._monotonic_s() - since_s >= self._alarm_after_s:
                self._health.trouble(part, str(error))
            wait_s = look.pace.after_failure()
        else:
            self._health.recovered(part)
            look.failing_since_s, wait_s = None, look.pace.after_success()
        finally:
            web.close()
        look.due_s = self._monotonic_s() + wait_s

    def _update(self, look: _Look, web: Web) -> None:
        """Have the newest version in use.

        Raises:
            HotfileError: if that cannot be; what was in use stays.
        """
        name = look.source.name
        # Without a list that is sound, the manifest is wanted although it is the one known.
        known = look.tag if self._installation.sound(name) is not None else None
        offered = web.manifest(name, known)
        if offered is None:
            return
        data, tag = offered
        manifest = self._installation.verify(data, name)
        if self._installation.is_news(manifest):
            self._installation.require_plausible(manifest, look.source.change)
            if not self._from_deltas(look, web, manifest):
                self._from_file(look, web, manifest)
        self._remove_partials(look.source.name)
        look.tag = tag

    def _from_deltas(self, look: _Look, web: Web, manifest: HotlistManifest) -> bool:
        """Make the version of the one in use; False if the whole file has to be fetched."""
        name, issued = look.source.name, manifest.list
        if self._partial_path(name, issued).exists():
            return False  # the whole file was begun, and that is gone on with
        chain = DeltaChain(manifest, self._installation.sound(name))
        fetched: list[bytes] = []
        try:
            while (wanted := chain.wanted) is not None:
                self._beat()
                data = web.delta(name, wanted, chain.left_bytes)
                if data is None:
                    return False
                chain.add(decode_delta(data), len(data))
                fetched.append(data)
            if not chain.complete:
                return False
            self._install(look, Fetched(manifest=manifest, deltas=tuple(fetched)))
        except MissingDeltaError:
            return False
        except BrokenDeltaError as error:
            version, times = look.broken
            times = times + 1 if version == issued.version else 1
            look.broken = (issued.version, times)
            if times < DELTA_TRIES:
                raise
            _log.warning("delta broke off, the whole list is fetched", list=name, why=str(error))
            return False
        except (ContractError, DamagedListError) as error:
            _log.warning("delta not used, the whole list is fetched", list=name, why=str(error))
            return False
        return True

    def _from_file(self, look: _Look, web: Web, manifest: HotlistManifest) -> None:
        """Fetch the version's file, all of it or what is missing."""
        name, issued = look.source.name, manifest.list
        path = self._partial_path(name, issued)
        self._remove_partials(name, keep=path)
        with PartialFile(path, sha256=issued.sha256, spool_key=self._spool_key) as partial:
            if partial.size_bytes < issued.size_bytes:
                web.fetch(issued, partial)
        if self._stop.is_set():
            raise StoppedError(f"hot list {name}: the unit stops")
        try:
            self._install(look, Fetched(manifest=manifest, path=str(path)))
        except ContractError as error:
            path.unlink(missing_ok=True)
            raise RefusedListError(
                f"hot list {name}: what the repository sent is not version {issued.version}: "
                f"{error}; it will be fetched again"
            ) from error

    def _install(self, look: _Look, fetched: Fetched) -> None:
        facts = self._process.put_in_use(
            self._installation, self._spool_key, fetched, look.source.change
        )
        self._installed()
        _log.info("hot list updated", list=facts.name, version=facts.version, entries=facts.entries)

    def _say_forced(self, name: str) -> None:
        """Say while a version is in use that a person forced."""
        part, mark = f"hot list forced {name}", self._installation.mark(name)
        if mark == self._marks[name]:
            return
        try:
            note = self._installation.forced(name)
        except UnreadListError:
            return  # the next look tries again
        self._marks[name] = mark
        if note is None:
            self._health.recovered(part)
        else:
            self._health.trouble(
                part,
                f"hot list {name}: version {note.version} was put in use by hand at "
                f"{note.at:%Y-%m-%d %H:%M} UTC although it changes more than is allowed: "
                f"{note.reason}",
            )

    def _remove_partials(self, name: str, keep: Path | None = None) -> None:
        for path in (self._installation.root / name).glob(f"*{_PARTIAL_ENDING}"):
            if path != keep:
                path.unlink(missing_ok=True)

    def _partial_path(self, name: str, issued: HotlistVersion) -> Path:
        file = f"{issued.version}-{issued.sha256[:16]}{_PARTIAL_ENDING}"
        return self._installation.root / name / file
