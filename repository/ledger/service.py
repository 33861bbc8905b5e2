"""What others ask of the ledger: is it whole, sign it, prove an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from repository.ledger import checkpoints, log, proofs, tiles
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import Actor, Entry
from repository.ledger.errors import LedgerError
from repository.ledger.proofs import ConsistencyProof, InclusionProof
from repository.ledger.verify import Verdict, verify
from repository.store.engine import reading


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger under its own name and key."""

    engine: Engine
    origin: str
    private_key: Ed25519PrivateKey
    now: Callable[[], datetime]

    def verify(
        self, held: Iterable[str] = (), progress: Callable[[int], None] = lambda _size: None
    ) -> Verdict:
        """Check everything, also against checkpoints kept outside; see `verify`."""
        public_key = self.private_key.public_key()
        with reading(self.engine) as connection:
            return verify(connection, self.origin, public_key, held, progress)

    def sign_checkpoint(self) -> str:
        """Sign the ledger as it stands.

        Raises:
            LedgerError: if it is empty or its state broken.
        """
        with self.engine.begin() as connection:
            return checkpoints.make(connection, self.origin, self.private_key, self.now())

    def sign_if_due(self, every_entries: int, every: timedelta) -> str | None:
        """Sign where so many entries came, or any and so much time went by; the note if it did.

        Raises:
            LedgerError: if the ledger is not what its entries and last checkpoint give.
        """
        with reading(self.engine) as connection:
            size = log.state(connection).size
            last = checkpoints.last_issued(connection)
        if size == 0 or (
            last is not None and not last.is_due(size, every_entries, self.now() - every)
        ):
            return None
        return self.sign_checkpoint()

    def latest_checkpoint(self) -> str | None:
        """The newest signed note."""
        with reading(self.engine) as connection:
            return checkpoints.latest(connection)

    def check_key(self) -> None:
        """Refuse a key that did not sign the newest checkpoint, unless there is none.

        Raises:
            LedgerError: if that is signed by another key, or for another origin.
        """
        note = self.latest_checkpoint()
        if note is not None:
            self._open(note)

    def verifier_key(self) -> str:
        """The public key in the form that note verifiers take."""
        return checkpoints.verifier_key(self.origin, self.private_key.public_key())

    def prove_entry(self, index: int, by: Actor, origin: str) -> InclusionProof:
        """Proof of one entry under the newest checkpoint; showing it is itself an entry.

        Raises:
            LedgerError: if no checkpoint covers that entry, or the proof does not lead to its root.
        """
        with self.engine.begin() as connection:
            note, signed = self._newest(connection)
            proof = proofs.inclusion(connection, index, note, signed)
            log.append(connection, Entry("ledger.prove", by, self.now(), origin, {"entry": index}))
        return proof

    def prove_entries(self, indices: Iterable[int]) -> list[InclusionProof]:
        """Proofs of entries, all under one checkpoint: the newest, or one signed for them.

        Whoever shows them has recorded that.

        Raises:
            LedgerError: if there is no such entry, or the ledger is not whole.
        """
        wanted = sorted(set(indices))
        with reading(self.engine) as connection:
            note = checkpoints.latest(connection)
            if note is None or self._open(note).size <= wanted[-1]:
                note = checkpoints.sign_seen(connection, self.origin, self.private_key)
            signed = self._open(note)
            return [proofs.inclusion(connection, each, note, signed) for each in wanted]

    def prove_growth(self, old: int | str, new: int | str | None = None) -> ConsistencyProof:
        """Proof that ``new``, the newest checkpoint unless given, only added to ``old``.

        Each is a size or a checkpoint's note, which counts by its signature. A ``new`` size is one
        at which a checkpoint was signed; an ``old`` one may be any.

        Raises:
            LedgerError: if there is no such checkpoint, or one tree did not grow from the other.
        """
        with reading(self.engine) as connection:
            newest, latest = self._newest(connection)
            note = self._signed_at(connection, new) if isinstance(new, int) else new or newest
            signed = self._open(note)
            if latest.size < signed.size <= log.state(connection).size:
                # Given out with a proof, before the next was due.
                newest = checkpoints.sign_seen(connection, self.origin, self.private_key)
                latest = self._open(newest)
            if signed.size > latest.size:
                raise LedgerError(
                    f"the ledger's own newest checkpoint covers {latest.size} entries, the one "
                    f"given {signed.size}: the ledger was cut; keep that checkpoint, and compare "
                    "with 'alpr-repository ledger verify --against'"
                )
            # A checkpoint of before holds if what was signed last grew from it.
            proofs.consistency(connection, signed.size, newest, latest, signed.root)
            if isinstance(old, int):
                return proofs.consistency(connection, old, note, signed)
            kept = self._open(old)
            return proofs.consistency(connection, kept.size, note, signed, kept.root)

    def mend_tiles(self, by: Actor, origin: str) -> int:
        """Make the tiles anew from the entries, which is an entry itself; how many there are."""
        with self.engine.begin() as connection:
            log.state(connection, lock=True)
            made = tiles.rebuild(connection)
            log.append(connection, Entry("ledger.mend", by, self.now(), origin, count=made))
        return made

    def _newest(self, connection: Connection) -> tuple[str, Checkpoint]:
        note = checkpoints.latest(connection)
        if note is None:
            raise LedgerError(
                "no checkpoint has been signed yet; run 'alpr-repository ledger checkpoint'"
            )
        return note, self._open(note)

    def _signed_at(self, connection: Connection, size: int) -> str:
        note = checkpoints.at(connection, size)
        if note is None:
            raise LedgerError(f"size {size}: no checkpoint was signed at it; name one that was")
        return note

    def _open(self, note: str) -> Checkpoint:
        return checkpoints.open_note(note, self.origin, self.private_key.public_key())
