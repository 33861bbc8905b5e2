"""Forwarding: the units' own batches and pictures out, receipts in, one message a unit at a time.

A unit's state moves by a receipt alone, and only by one that answers what is under way, is signed
by the other repository, and is committed here in one transaction. So this may be killed at any
moment: what was under way goes again, and the other repository takes it once (see `state`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine

from edge.contract.batch import Receipt, decode_receipt, message_digest, verify_receipt
from edge.contract.errors import ContractError
from edge.contract.topics import UnitTopic
from repository.errors import RepositoryError
from repository.forwarding import state
from repository.forwarding.rebuild import KeptBack, next_batch
from repository.forwarding.state import Position
from repository.settings import ForwardSettings
from repository.store.engine import reading
from repository.store.pictures import PictureError, PictureStore
from repository.units.findings import raise_finding, settle_finding

GAP = "forward_gap"
REFUSED = "forward_refused"
_UNWANTED = ("unknown_picture", "wrong_picture", "too_large", "empty")
_TICK_S = 0.5
_LOOK_S = 1.0

_log = structlog.get_logger("forward")


class Carrier(Protocol):
    """What carries messages and receipts; see `repository.forwarding.link.Link`."""

    connections: int

    @property
    def ready(self) -> bool:
        """Whether messages can be sent."""
        ...

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """End."""
        ...

    def publish(self, topic: str, message: bytes) -> None:
        """Send a message."""
        ...

    def receipt(self, timeout_s: float) -> bytes | None:
        """The next receipt, if one comes in time."""
        ...


@dataclass(frozen=True, slots=True)
class _Sent:
    """A message under way; ``picture`` is None for a batch."""

    position: Position
    digest: str
    picture: str | None
    at_s: float


class Forwarder:
    """Forwards until stopped, through whatever outages there are."""

    def __init__(
        self,
        engine: Engine,
        pictures: PictureStore,
        settings: ForwardSettings,
        receipts_key: Ed25519PublicKey,
        link: Carrier,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._pictures = pictures
        self._settings = settings
        self._receipts_key = receipts_key
        self._link = link
        self._now = now
        self._monotonic = monotonic
        self._stop = threading.Event()
        self._under_way: dict[int, _Sent] = {}
        self._not_before_s: dict[int, float] = {}
        self._connection = 0
        self._looked_s = float("-inf")

    def run(self) -> None:
        """Forward until :meth:`stop`."""
        self._link.start()
        try:
            while not self._stop.is_set():
                try:
                    self.step()
                except RepositoryError as error:
                    _log.error("nothing can be forwarded now; trying again", why=str(error))
                    self._stop.wait(_LOOK_S)
        finally:
            self._link.stop()

    def stop(self) -> None:
        """End :meth:`run`; what is under way goes again next time."""
        self._stop.set()

    def step(self) -> None:
        """Send what waits and act on one receipt; wait a little where there is nothing to do."""
        if not self._link.ready:
            self._stop.wait(_TICK_S)
            return
        if self._connection != self._link.connections:
            self._connection = self._link.connections
            self._under_way.clear()
        if self._monotonic() - self._looked_s >= _LOOK_S:
            self._send_what_waits()
            self._looked_s = self._monotonic()
        body = self._link.receipt(_TICK_S)
        if body is not None:
            self._take(body)

    def _send_what_waits(self) -> None:
        now_s = self._monotonic()
        late = now_s - self._settings.retry_s
        self._under_way = {
            unit_id: sent for unit_id, sent in self._under_way.items() if sent.at_s > late
        }
        with reading(self._engine) as connection:
            waiting = state.positions(connection, self._settings.agencies)
        for position in waiting:
            if len(self._under_way) >= self._settings.in_flight:
                return
            idle = position.unit_id not in self._under_way
            if idle and self._not_before_s.get(position.unit_id, 0) <= now_s:
                self._send_next(position)

    def _send_next(self, position: Position) -> None:
        """Send the unit's next batch, or else a picture that the other repository misses."""
        while position.committed > position.scanned:
            with reading(self._engine) as connection:
                found = next_batch(connection, position)
            if found is None:
                break
            if not isinstance(found, KeptBack):
                self._send(
                    position, UnitTopic(position.agency, position.unit, "records"), found.message
                )
                return
            position = self._keep_back(position, found)
        self._send_picture(position)

    def _keep_back(self, position: Position, kept: KeptBack) -> Position:
        with self._engine.begin() as connection:
            state.set_gap(connection, position, kept.last_seq, kept.reason, self._now())
            raise_finding(
                connection,
                GAP,
                position.unit_id,
                f"records {position.through + 1} to {kept.last_seq} are not forwarded "
                f"({kept.reason}); the other repository waits until it is given the file of "
                "`alpr-repository units export` anew",
                self._now(),
            )
            return state.position_of(connection, position.unit_id)

    def _send_picture(self, position: Position) -> None:
        with self._engine.begin() as connection:
            wanted = state.next_picture(connection, position)
            if wanted is None:
                return
            day, sha256 = wanted
            try:
                picture = self._pictures.get(connection, day, sha256)
            except PictureError as error:
                _log.warning("a picture cannot be forwarded", why=str(error))
                state.settle_picture(connection, position.unit_id, sha256)
                return
        topic = UnitTopic(position.agency, position.unit, "picture", sha256)
        self._send(position, topic, picture, sha256)

    def _send(
        self, position: Position, topic: UnitTopic, message: bytes, picture: str | None = None
    ) -> None:
        sent = _Sent(position, message_digest(message), picture, self._monotonic())
        self._under_way[position.unit_id] = sent
        self._link.publish(str(topic), message)

    def _take(self, body: bytes) -> None:
        """Act on a receipt that answers what is under way; whatever else comes is let be."""
        try:
            receipt = decode_receipt(body)
            sent = next(
                (each for each in self._under_way.values() if each.digest == receipt.message), None
            )
            if sent is None or (receipt.agency, receipt.unit) != (
                sent.position.agency,
                sent.position.unit,
            ):
                return
            verify_receipt(receipt, self._receipts_key)
        except ContractError as error:
            _log.error("a receipt is not the other repository's", why=str(error))
            return
        with self._engine.begin() as connection:
            refused = self._settle(connection, sent, receipt)
        del self._under_way[sent.position.unit_id]
        unit_id = sent.position.unit_id
        if refused is not None:
            self._not_before_s[unit_id] = self._monotonic() + self._settings.retry_s
            return
        self._not_before_s.pop(unit_id, None)
        with reading(self._engine) as connection:
            position = state.position_of(connection, unit_id)
        self._send_next(position)

    def _settle(self, connection: Connection, sent: _Sent, receipt: Receipt) -> str | None:
        """Commit what the receipt says; why the message was refused, None if it was not."""
        position, now = sent.position, self._now()
        whole = next((each for each in receipt.refused if each.seq is None), None)
        why = None if whole is None else f"{whole.reason}: {whole.detail}"
        if sent.picture is not None:
            if whole is not None and whole.reason not in _UNWANTED:
                return why
            state.settle_picture(connection, position.unit_id, sent.picture)
            return None
        if not state.advance(
            connection, position.unit_id, receipt.committed_through, receipt.chain_root, now
        ):
            return self._say_refused(connection, position, "its chain there is another one")
        state.want_pictures(connection, position.unit_id, receipt.missing_pictures)
        if whole is None or why is None:
            settle_finding(connection, REFUSED, position.unit_id, "forwarded", now)
            if position.gap_through is not None:
                settle_finding(connection, GAP, position.unit_id, "forwarded behind it", now)
            return None
        if whole.reason == "out_of_chain":
            if receipt.committed_through != position.through:
                return None  # the two agree again, and the next batch is another
            if position.gap_through is not None:
                return why  # the finding of the gap says what to do
        return self._say_refused(connection, position, why)

    def _say_refused(self, connection: Connection, position: Position, why: str) -> str:
        state.set_refused(connection, position, why, self._now())
        raise_finding(
            connection,
            REFUSED,
            position.unit_id,
            f"the other repository does not take record {position.scanned + 1}: {why}",
            self._now(),
        )
        return why
