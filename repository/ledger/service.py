"""What others ask of the ledger: is it whole, prove an entry. It takes no private key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, Engine

from repository.ledger import checkpoints, log, proofs, tiles
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import Actor, Entry
from repository.ledger.errors import LedgerError, NotCoveredError
from repository.ledger.proofs import ConsistencyProof, InclusionProof
from repository.ledger.verify import Verdict, verify
from repository.store.engine import reading


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger under its name and its public key."""

    engine: Engine
    origin: str
    public_key: Ed25519PublicKey
    now: Callable[[], datetime]

    def verify(
        self, held: Iterable[str] = (), progress: Callable[[int], None] = lambda _size: None
    ) -> Verdict:
        """Check everything, also against checkpoints kept outside; see `verify`."""
        with reading(self.engine) as connection:
            return verify(connection, self.origin, self.public_key, held, progress)

    def latest_checkpoint(self) -> str | None:
        """The newest signed note."""
        with reading(self.engine) as connection:
            return checkpoints.latest(connection)

    def verifier_key(self) -> str:
        """The public key in the form that note verifiers take."""
        return checkpoints.verifier_key(self.origin, self.public_key)

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
        """Proofs of entries, all under the newest checkpoint.

        Whoever shows them has recorded that.

        Raises:
            NotCoveredError: if it does not cover one of them.
            LedgerError: if there is no checkpoint, or the ledger is not whole.
        """
        with reading(self.engine) as connection:
            note, signed = self._newest(connection)
            return [
                proofs.inclusion(connection, each, note, signed) for each in sorted(set(indices))
            ]

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
                raise NotCoveredError(
                    f"the ledger's own newest checkpoint covers {latest.size} entries, the one "
                    f"given {signed.size}; 'alpr-repository ledger checkpoint' signs the newer ones"
                )
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
        return checkpoints.open_note(note, self.origin, self.public_key)
