"""A repository's web over real HTTPS and a unit that fetches from it through a link that breaks.

Run as a program it is a unit that updates once and is killed at a chosen moment.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.hotlist import HotlistVersion
from edge.contract.plates import load_confusables
from edge.health.health import Health
from edge.hotfile import installation as installing
from edge.hotfile.download import RepositoryWeb, Unit
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.install_process import APART_FROM_ENTRIES, InstallProcess
from edge.hotfile.installation import Installation
from edge.hotfile.keys import hotfile_key
from edge.hotfile.partial import PartialFile
from edge.hotfile.settings import ChangeRule, HotlistSource
from edge.hotfile.updater import HotlistUpdater
from tests.repository.listing import LIST, SIGNER

AGENCY = "northfield-pd"
SPOOL_KEY = b"s" * 32
RULE = ChangeRule(max_share=0.5, from_entries=20)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Link:
    """A TCP link on loopback to a port; it breaks after so many bytes towards the unit, once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.break_after: int | None = None
        self.broken = 0
        self._threads = [threading.Thread(target=self._accept, name="link")]
        self._threads[0].start()

    def close(self) -> None:
        # Closing a listener does not wake a thread that waits in accept (accept(2)).
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                unit, _ = self._listener.accept()
            except OSError:
                return
            web = socket.create_connection(("127.0.0.1", self._port))
            for source, sink, breaks in ((unit, web, False), (web, unit, True)):
                thread = threading.Thread(target=self._carry, args=(source, sink, breaks))
                self._threads.append(thread)
                thread.start()

    def _carry(self, source: socket.socket, sink: socket.socket, breaks: bool) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                if breaks and self.break_after is not None:
                    data = data[: self.break_after]
                    self.break_after -= len(data)
                sink.sendall(data)
                if breaks and self.break_after == 0:
                    self.break_after, self.broken = None, self.broken + 1
                    break
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        if breaks:
            source.close()
            sink.close()


@dataclass
class Watched:
    """The real client, with what it was asked for."""

    web: RepositoryWeb
    deltas: list[int] = field(default_factory=list)
    fetched_from: list[int] = field(default_factory=list)

    def manifest(self, name: str, known: str | None) -> tuple[bytes, str] | None:
        return self.web.manifest(name, known)

    def delta(self, name: str, version: int, limit_bytes: int) -> bytes | None:
        self.deltas.append(version)
        return self.web.delta(name, version, limit_bytes)

    def fetch(self, version: HotlistVersion, partial: PartialFile) -> None:
        self.fetched_from.append(partial.size_bytes)
        self.web.fetch(version, partial)

    def close(self) -> None:
        self.web.close()


@dataclass
class Car:
    """A unit's hot list updates, and the clock that decides what is due."""

    data: Path
    updater: HotlistUpdater
    installation: Installation
    folder: HotlistFolder
    web: Watched
    health: Health
    stop: threading.Event
    passed_s: list[float]

    def look(self) -> None:
        """Look for news now: a day has passed."""
        self.passed_s[0] += 86_400.0
        self.updater.look()

    @property
    def trouble(self) -> str | None:
        return self.health.report().troubles.get(f"hot list update {LIST}")

    def partials(self) -> list[Path]:
        return sorted((self.data / "hotlist-updates" / LIST).glob("*.partial"))


@contextmanager
def car(
    data: Path,
    port: int,
    ca_file: Path | None,
    key: Ed25519PrivateKey,
    *,
    now: Callable[[], datetime] = lambda: NOON,
    alarm_after_s: float = 0.0,
    agency: str = AGENCY,
    apart_from_entries: int = APART_FROM_ENTRIES,
) -> Iterator[Car]:
    folder = HotlistFolder(data / "hotlists", hotfile_key(SPOOL_KEY), load_confusables())
    installation = Installation(
        root=data / "hotlist-updates",
        folder=folder,
        confusables=folder.confusables,
        key=folder.key,
        agency=agency,
        repository_key=SIGNER.public_key(),
        now=now,
    )
    stop = threading.Event()
    web = RepositoryWeb(
        f"https://127.0.0.1:{port}",
        ca_file,
        Unit(agency, "car-12", key),
        timeout_s=10.0,
        now=now,
        stop=stop,
    )
    watched, health, passed_s = Watched(web), Health(), [0.0]
    updater = HotlistUpdater(
        [HotlistSource.model_validate({"name": LIST, "from": "repository", "change": RULE})],
        installation,
        watched,
        SPOOL_KEY,
        health,
        every_s=300.0,
        alarm_after_s=alarm_after_s,
        random=lambda: 0.5,
        stop=stop,
        process=InstallProcess(stop, apart_from_entries=apart_from_entries),
        monotonic_s=lambda: passed_s[0],
    )
    yield Car(data, updater, installation, folder, watched, health, stop, passed_s)
    web.close()


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _main(arguments: Sequence[str]) -> None:
    data, port, ca_file, key, moment = arguments
    match moment:
        case "build":
            installing.build_hotfile = lambda entries, **_: (next(iter(entries)), _die())  # type: ignore[assignment]
        case "install":
            HotlistFolder.install = _die  # type: ignore[method-assign]
        case "swapped":
            Installation._write = _die  # type: ignore[method-assign]
    private_key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(key))
    with car(Path(data), int(port), Path(ca_file), private_key) as unit:
        unit.look()


if __name__ == "__main__":
    _main(sys.argv[1:])
