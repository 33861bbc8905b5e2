"""Real servers for tests: PostgreSQL and mosquitto as their own processes on loopback ports."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg

_START_S = 60.0
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made in it
_MEMORY_FREE = 1024**3
"""Bytes that must be free there: a cluster takes a quarter of it, and there is one for a worker."""
_LOG_MB = 128
_SHIPPED = Path(__file__).parents[1] / "deploy" / "mosquitto" / "plateward.conf"


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class PostgresServer:
    """A PostgreSQL cluster of its own in a folder of its own.

    It outlives its own crash as in production. It does not wait for the disk: that helps against a
    crash of the whole machine alone, which no test brings about.
    """

    binaries: Path
    folder: Path
    port: int

    @classmethod
    def initialise(cls) -> PostgresServer:
        """A new cluster, not started.

        Its folder lies in memory where there is room, or else directly under the system's temporary
        folder: pytest's own folders are closed to other users, and PostgreSQL refuses to run as
        root.
        """
        folder = Path(tempfile.mkdtemp(prefix="plateward-pg-", dir=_in_memory()))
        server = cls(_postgres_binaries(), folder, free_port())
        if os.geteuid() == 0:
            user = pwd.getpwnam(_unprivileged_user())
            os.chown(folder, user.pw_uid, user.pw_gid)
        server._run(
            "initdb", "--pgdata", str(folder / "data"), "--username", "plateward",
            "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions",
            "--no-sync",
        )  # fmt: skip
        return server

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = (
            f"-c port={self.port} -c listen_addresses=127.0.0.1 -c fsync=off "
            f"-c max_wal_size={_LOG_MB}MB -c unix_socket_directories={self.folder}"
        )
        self._run(
            "pg_ctl", "--pgdata", str(self.folder / "data"), "--wait", "--timeout", "60",
            "--log", str(self.folder / "log"), "--options", options, "start",
        )  # fmt: skip

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: 'fast' ends sessions, 'immediate' is a crash that the next start recovers."""
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), "--wait", "--mode", mode, "stop")

    def remove(self) -> None:
        """Stop it and delete its folder."""
        self.stop()
        shutil.rmtree(self.folder)

    def dsn(self, database: str) -> str:
        """The address of one of its databases as SQLAlchemy takes it."""
        return f"postgresql+psycopg://plateward@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """A new database, empty or a copy of another that nobody is connected to; its name."""
        name = f"test_{next(_numbers)}"
        # The files of a small database are copied in a third of the time that logging them takes.
        self._administer(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    def drop_database(self, name: str) -> None:
        """Drop it, ending whatever is still connected."""
        self._administer(f"DROP DATABASE {name} WITH (FORCE)")

    def _administer(self, statement: str) -> None:
        conninfo = f"host=127.0.0.1 port={self.port} user=plateward dbname=postgres"
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def _run(self, program: str, *arguments: str) -> None:
        user = _unprivileged_user() if os.geteuid() == 0 else None
        # Into a file: the server that pg_ctl leaves behind would hold a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [str(self.binaries / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=user,
                group=pwd.getpwnam(user).pw_gid if user else None,
                extra_groups=[] if user else None,
                check=False,
            )
            output.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program} failed:\n{output.read().decode(errors='replace')}")


class Broker:
    """A mosquitto on a loopback port, with whatever configuration a test needs.

    ``{port}`` in a line stands for the broker's port, ``{repository_port}`` for one more and
    ``{folder}`` for its own folder. Lines without a ``listener`` get one, open to anyone.
    """

    def __init__(self, folder: Path, lines: Sequence[str] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self.repository_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True)
        if not any(line.startswith("listener ") for line in lines):
            lines = ("listener {port} 127.0.0.1", "allow_anonymous true", *lines)
        if os.geteuid() == 0:  # mosquitto would otherwise become a user that cannot read the folder
            lines = ("user root", *lines)
        own = {"port": self.port, "repository_port": self.repository_port, "folder": folder}
        text = "\n".join(line.format(**own) for line in lines)
        (folder / "mosquitto.conf").write_text(text + "\n")

    def start(self) -> None:
        """Start it on the same port as ever and wait until it listens."""
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-c", str(self.folder / "mosquitto.conf")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_S
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"mosquitto ended:\n{(self.folder / 'log').read_text()}")
            if self.listens():
                return
            if time.monotonic() > deadline:
                raise RuntimeError("mosquitto does not listen")
            time.sleep(0.02)

    def listens(self) -> bool:
        """Whether its port takes connections."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def reload(self) -> None:
        """Have it read its files anew, as ``systemctl reload mosquitto`` does."""
        log = self.folder / "log"
        before = log.read_text().count("Reloading config")
        if self._process is not None:
            self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + _START_S
        while log.read_text().count("Reloading config") == before:
            if time.monotonic() > deadline:
                raise RuntimeError("mosquitto does not reload")
            time.sleep(0.02)

    def freeze(self) -> None:
        """Have it hold still, connections and all, until :meth:`thaw`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stop it as an administrator would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
            self._process = None


def shipped_broker(files: Path) -> list[str]:
    """The configuration that ships, as a :class:`Broker` takes it, its files in that folder."""
    text = _SHIPPED.read_text(encoding="utf-8").replace("/etc/mosquitto/plateward", str(files))
    for shipped, own in (
        ("\nlistener 8884 127.0.0.1\n", "\nlistener {repository_port} 127.0.0.1\n"),
        ("\nlistener 8883\n", "\nlistener {port} 127.0.0.1\n"),
    ):
        assert text.count(shipped) == 1
        text = text.replace(shipped, own)
    return text.splitlines()


_numbers = count(1)


def _in_memory() -> Path | None:
    """Where files are made and deleted fastest: each test has a database of 700 files."""
    try:
        there = os.statvfs(_MEMORY)
    except OSError:
        return None
    return _MEMORY if there.f_bavail * there.f_frsize >= _MEMORY_FREE else None


def _postgres_binaries() -> Path:
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    if installed:
        return installed[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise RuntimeError("PostgreSQL is not installed: `apt-get install postgresql`")


def _unprivileged_user() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in names:
            return name
    raise RuntimeError("running as root: PostgreSQL needs another user, `adduser postgres`")
