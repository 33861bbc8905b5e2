"""Uploads on command: an order left in the data folder, and how it went (C-7a).

``upload-order.json`` is written by ``alpr-edge upload`` and removed by the daemon once the order is
carried out; until then it stands, over restarts. ``upload-outcome.json`` says how the last one
went. An order whose outcome is written is done, also if its file cannot be removed.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec

from edge.uplink.errors import UplinkError

ORDER_FILE = "upload-order.json"
OUTCOME_FILE = "upload-outcome.json"
_MAX_BYTES = 4096


class Order(msgspec.Struct, frozen=True):
    """Somebody asked for an upload."""

    id: str
    asked_at: datetime


class Outcome(msgspec.Struct, frozen=True):
    """How an order went: the records it sent, and the pictures that stay for a cheaper link."""

    id: str
    asked_at: datetime
    ended_at: datetime
    records: int
    pictures_left: int


_File = TypeVar("_File", Order, Outcome)


class Orders:
    """The orders of one unit."""

    def __init__(self, folder: Path) -> None:
        """Look in the unit's data folder."""
        self._folder = folder

    def ask(self, order: Order) -> Order:
        """Leave an order, and give the one that stands: an earlier one that is not done serves.

        Raises:
            UplinkError: if it cannot be written.
        """
        standing = self.pending()
        if standing is not None:
            return standing
        self._write(ORDER_FILE, order)
        return order

    def pending(self) -> Order | None:
        """The order that is to be carried out."""
        order = self._read(ORDER_FILE, Order)
        done = self._read(OUTCOME_FILE, Outcome)
        return None if order is None or (done is not None and done.id == order.id) else order

    def outcome(self) -> Outcome | None:
        """How the last order went."""
        return self._read(OUTCOME_FILE, Outcome)

    def finish(self, outcome: Outcome) -> None:
        """Say how the order went, and take it away.

        Raises:
            UplinkError: if that cannot be written.
        """
        self._write(OUTCOME_FILE, outcome)
        with suppress(OSError):
            (self._folder / ORDER_FILE).unlink(missing_ok=True)

    def _read(self, name: str, kind: type[_File]) -> _File | None:
        try:
            with (self._folder / name).open("rb") as file:
                return msgspec.json.decode(file.read(_MAX_BYTES), type=kind)
        except (OSError, msgspec.MsgspecError):
            return None

    def _write(self, name: str, content: Order | Outcome) -> None:
        path = self._folder / name
        fresh = path.with_suffix(".new")
        try:
            with fresh.open("wb") as file:
                file.write(msgspec.json.encode(content) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise UplinkError(
                f"{path}: cannot be written ({error.strerror}): run as the daemon's user, and "
                "check [unit] data in the settings"
            ) from error
