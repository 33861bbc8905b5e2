"""Signing checkpoints: what takes the ledger's private key, which nothing else opens.

The jobs sign, and so does the command line. Whoever needs a checkpoint over an entry of now, and
has no such key, waits for the jobs: they look every `LOOK_EVERY_S`, and sign at once where an
entry of an action came that is proven as soon as it is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, exists, select

from repository.ledger import checkpoints, log
from repository.ledger.errors import LedgerError, NotSignedError
from repository.ledger.service import Ledger
from repository.store.engine import reading
from repository.store.tables.ledger import ledger_entries

LOOK_EVERY_S = 2
_WAIT_S = 30.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs a ledger's checkpoints.

    Raises:
        LedgerError: if the key is not the one that the ledger is verified with.
    """

    ledger: Ledger
    private_key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a pair of keys that is none: what it signs, nobody here would believe."""
        if self.private_key.public_key() != self.ledger.public_key:
            raise LedgerError(
                "the ledger's private key and its public key are not of one pair; bring both back "
                "from your backup"
            )

    def check_key(self) -> None:
        """Refuse a key that did not sign the newest checkpoint, unless there is none.

        Raises:
            LedgerError: if that is signed by another key, or for another origin.
        """
        note = self.ledger.latest_checkpoint()
        if note is not None:
            checkpoints.open_note(note, self.ledger.origin, self.private_key.public_key())

    def sign_checkpoint(self) -> str:
        """Sign the ledger as it stands.

        Raises:
            LedgerError: if it is empty or its state broken.
        """
        ledger = self.ledger
        with ledger.engine.begin() as connection:
            return checkpoints.make(connection, ledger.origin, self.private_key, ledger.now())

    def sign_if_due(
        self, every_entries: int, every: timedelta, at_once: Collection[str] = ()
    ) -> str | None:
        """Sign where so many entries came, or any and so much time went by; the note if it did.

        An entry of an action in ``at_once`` is signed without either.

        Raises:
            LedgerError: if the ledger is not what its entries and last checkpoint give.
        """
        with reading(self.ledger.engine) as connection:
            size = log.state(connection).size
            last = checkpoints.last_issued(connection)
            if size == 0 or (last is not None and last.size == size):
                return None
            due = last is None or last.is_due(size, every_entries, self.ledger.now() - every)
            if not due and last is not None and at_once:
                columns = ledger_entries.c
                came = exists().where(columns.entry_index >= last.size, columns.action.in_(at_once))
                due = bool(connection.scalar(select(came)))
        return self.sign_checkpoint() if due else None

    def cover(self, index: int) -> None:
        """See to it that a checkpoint covers that entry, which is committed.

        Raises:
            LedgerError: if the ledger is not what its entries and last checkpoint give.
        """
        if not _covered(self.ledger.engine, index):
            self.sign_checkpoint()


@dataclass(frozen=True, slots=True)
class Awaited:
    """Checkpoints that the jobs sign, in this process or another."""

    engine: Engine
    wait_s: float = _WAIT_S
    sleep: Callable[[float], None] = time.sleep

    def cover(self, index: int) -> None:
        """Wait until a checkpoint covers that entry, which is committed.

        Raises:
            NotSignedError: if none does in time.
        """
        left_s = self.wait_s
        while not _covered(self.engine, index):
            if left_s <= 0:
                raise NotSignedError(
                    f"no checkpoint of the ledger was signed within {self.wait_s:.0f} seconds; the "
                    "part `jobs` signs them: see that it runs, and ask again"
                )
            self.sleep(_POLL_S)
            left_s -= _POLL_S


def _covered(engine: Engine, index: int) -> bool:
    with reading(engine) as connection:
        last = checkpoints.last_issued(connection)
    return last is not None and last.size > index
