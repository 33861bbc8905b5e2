"""Running the repository: ingest, jobs and web, in one process or each in its own."""

from __future__ import annotations

import functools
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import structlog

from repository.accounts import oidc_agencies
from repository.bootstrap import Services
from repository.errors import RepositoryError
from repository.ingest import collector
from repository.ingest.consumer import Consumer
from repository.settings import Settings
from repository.store import migrate
from repository.store.engine import DatabaseUnavailableError, reading

Part: TypeAlias = Literal["ingest", "jobs", "web", "forward"]
PARTS: tuple[Part, ...] = ("ingest", "jobs", "web", "forward")

_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 60.0
_END_S = 30.0
_log = structlog.get_logger("run")


class PartEndedError(RepositoryError):
    """A part of the repository ended although nobody had asked it to."""


def wanted(settings: Settings) -> tuple[Part, ...]:
    """Every part that the settings give something to do."""
    return tuple(part for part in PARTS if part != "forward" or settings.forward is not None)


def run(services: Services, parts: Sequence[Part], instance: int | None = None) -> None:
    """Run these parts until SIGTERM or SIGINT; a part that ends by itself ends the others.

    ``instance`` is the number of the ingest process, in place of the one that the settings give.

    Raises:
        RepositoryError: if the keys or the schema are not in order, or a part ended by itself.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    _wait_for_database(services, stop)
    if stop.is_set():
        return
    starts: dict[Part, Callable[[Services, threading.Event], _Running]] = {
        "ingest": functools.partial(_start_ingest, instance),
        "jobs": _start_jobs,
        "web": _start_web,
        "forward": _start_forward,
    }
    running: list[_Running] = []
    try:
        for part in parts:
            running.append(starts[part](services, stop))
        _log.info("running", parts=list(parts))
        stop.wait()
    finally:
        stop.set()
        for each in running:
            each.end()
    for each in running:
        if each.fault is not None:
            raise PartEndedError(f"{each.name} ended: {each.fault}") from each.fault


class _Running:
    """A part in a thread of its own; when it ends, for whatever reason, ``stop`` is set."""

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        ask_to_end: Callable[[], None],
        stop: threading.Event,
    ) -> None:
        self.name = name
        self.fault: BaseException | None = None
        self._ask_to_end = ask_to_end
        self._thread = threading.Thread(target=self._run, args=(work, stop), name=name, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Ask it to end and wait for it."""
        self._ask_to_end()
        self._thread.join(_END_S)

    def _run(self, work: Callable[[], None], stop: threading.Event) -> None:
        try:
            work()
            if not stop.is_set():
                self.fault = PartEndedError("it stopped by itself")
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which raises it
            self.fault = error
        finally:
            stop.set()


def _wait_for_database(services: Services, stop: threading.Event) -> None:
    wait_s = _FIRST_RETRY_S
    while not stop.is_set():
        try:
            migrate.require_current(services.engine)
            with reading(services.engine) as connection:
                services.pictures.check_master_key(connection)
        except DatabaseUnavailableError as error:
            if wait_s == _FIRST_RETRY_S:
                _log.warning("waiting for the database", why=str(error))
            stop.wait(wait_s)
            wait_s = min(wait_s * 2, _LAST_RETRY_S)
        else:
            return


def _start_ingest(instance: int | None, services: Services, stop: threading.Event) -> _Running:
    broker = services.settings.broker
    if instance is not None:
        broker = broker.model_copy(update={"instance": instance})
    consumer = Consumer(broker, services.ingest_share, services.ingest)
    collector.spare()
    return _Running("ingest", consumer.run, consumer.stop, stop)


def _start_jobs(services: Services, stop: threading.Event) -> _Running:
    # Imported here: no other command schedules.
    from repository import jobs

    scheduler = jobs.schedule(services)

    def work() -> None:
        scheduler.start()
        stop.wait()
        scheduler.shutdown()

    return _Running("jobs", work, stop.set, stop)


def _start_web(services: Services, stop: threading.Event) -> _Running:
    # Imported here, since ingest and jobs alone need no web framework.
    from repository.web.app import create_app
    from repository.web.server import make_server

    web = services.settings.web
    with reading(services.engine) as connection:
        oidc_agencies.require_known(
            connection, [each.agency for each in services.settings.accounts.oidc]
        )
    try:
        listener = socket.create_server((web.host, web.port))
    except OSError as error:
        raise RepositoryError(
            f"web: cannot listen on {web.host}:{web.port}: {error.strerror}"
        ) from error
    alone = sorted(services.settings.accounts.by_provider_alone)
    if alone:
        _log.info("agencies whose people sign in by their own provider alone", agencies=alone)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    _log.info("serving the web", address=f"http://{shown}:{port}")
    server = make_server(create_app(services), [str(each) for each in web.proxies])

    def work() -> None:
        with listener:
            server.run(sockets=[listener])

    def ask_to_end() -> None:
        server.should_exit = True

    return _Running("web", work, ask_to_end, stop)


def _start_forward(services: Services, stop: threading.Event) -> _Running:
    forwarder = services.forwarder()
    return _Running("forward", forwarder.run, forwarder.stop, stop)
