"""A GPS receiver that gpsd looks after: asked over gpsd's own socket, again whenever it is gone."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from edge.position.gpsd_reports import GpsdDecoder
from edge.position.nmea import LineSplitter, NmeaCounts
from edge.position.receiver import Reports
from edge.position.receiver_watch import ReceiverWatch

MAX_LINE_BYTES = 64 * 1024
"""gpsd's longest objects, SKY with every satellite, are a tenth of this."""

_WATCH = b'?WATCH={"enable":true,"json":true};\n'
_CONNECT_TIMEOUT_S = 5.0
_READ_TIMEOUT_S = 0.2
_CHUNK_BYTES = 4096


class GpsdReceiver:
    """Listens to gpsd in the thread that is given to :meth:`run`.

    Args:
        host: where gpsd listens.
        port: its port, 2947 unless it was told otherwise.
        reports: takes what the receiver reports.
        watch: is told how the receiver does.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        reports: Reports,
        watch: ReceiverWatch,
        first_retry_s: float = 1.0,
        max_retry_s: float = 30.0,
        connect: Callable[[tuple[str, int], float], socket.socket] = socket.create_connection,
    ) -> None:
        self._address = host, port
        self._reports = reports
        self._watch = watch
        self._first_retry_s = first_retry_s
        self._max_retry_s = max_retry_s
        self._connect = connect
        self._counts = NmeaCounts()

    @property
    def counts(self) -> NmeaCounts:
        """What became of the lines heard so far."""
        return self._counts

    def run(self, stop: threading.Event) -> None:
        """Listen until ``stop`` is set."""
        retry_s = self._first_retry_s
        while not stop.is_set():
            before = self._counts.accepted
            try:
                with self._connect(self._address, _CONNECT_TIMEOUT_S) as connection:
                    connection.settimeout(_READ_TIMEOUT_S)
                    connection.sendall(_WATCH)
                    ended = self._listen(connection, stop)
                    reason = "it ended the connection" if ended else None
            except OSError as error:
                reason = os.strerror(error.errno) if error.errno else "it cannot be reached"
            if stop.is_set():
                return
            if reason is not None:
                host, port = self._address
                self._watch.closed(
                    f" at gpsd on {host} port {port}: {reason}; see that gpsd runs and the settings"
                    " position.host and position.port; it is tried again until it answers"
                )
            retry_s = self._first_retry_s if self._counts.accepted > before else retry_s
            if stop.wait(retry_s):
                return
            retry_s = min(2 * retry_s, self._max_retry_s)

    def _listen(self, connection: socket.socket, stop: threading.Event) -> bool:
        """Take what comes until gpsd ends the connection, or nothing has made sense for a while.

        A router or computer that lost its power ends no connection: what listens only is never told
        that the other side knows nothing of it any more, so that silence has to be asked about.

        Returns:
            whether gpsd ended it.
        """
        decoder = GpsdDecoder(self._counts)
        splitter = LineSplitter(MAX_LINE_BYTES)
        self._watch.opened("what answers at position.port is not gpsd")
        while not stop.is_set():
            try:
                data = connection.recv(_CHUNK_BYTES)
            except TimeoutError:
                data = None
            if data == b"":
                return True
            if data:
                self._watch.heard_bytes(len(data))
            for line in splitter.feed(data or b""):
                before = self._counts.accepted
                report = decoder.feed(line, self._reports.now())
                if report is not None and not self._reports.take(report):
                    report = None
                if self._counts.accepted > before:
                    self._watch.heard_sentence(report)
            self._reports.counted(self._counts.accepted, self._counts.malformed)
            if decoder.devices == 0:
                self._watch.closed(
                    ": gpsd has none; plug one in, or name its port in gpsd's own settings"
                )
            else:
                self._watch.check()
            if self._watch.deaf:
                break
        return False
