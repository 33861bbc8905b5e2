"""What others ask of the ledger: is it whole, sign it, prove an entry."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from edge.contract import merkle
from repository.ledger import checkpoints, log
from repository.ledger.entry import Actor, Entry
from repository.ledger.errors import LedgerError
from repository.ledger.verify import Verdict, verify
from repository.store.engine import reading


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an entry stands in the tree which the checkpoint signs; hashes in hexadecimal.

    ``leaf`` is the SHA-256 of the entry's body; a verifier hashes it as a leaf of RFC 9162.
    """

    index: int
    body: str
    leaf: str
    path: tuple[str, ...]
    size: int
    checkpoint: str


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree which the checkpoint signs only added to that of an older size."""

    old_size: int
    old_root: str
    path: tuple[str, ...]
    size: int
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The ledger under its own name and key."""

    engine: Engine
    origin: str
    private_key: Ed25519PrivateKey
    now: Callable[[], datetime]

    def verify(self, held: Iterable[str] = ()) -> Verdict:
        """Check everything, also against checkpoints kept outside; see `verify`."""
        with reading(self.engine) as connection:
            return verify(connection, self.origin, self.private_key.public_key(), held)

    def sign_checkpoint(self) -> str:
        """Sign the ledger as it stands.

        Raises:
            LedgerError: if it is empty or its state broken.
        """
        with self.engine.begin() as connection:
            return checkpoints.make(connection, self.origin, self.private_key, self.now())

    def latest_checkpoint(self) -> str | None:
        """The newest signed note."""
        with reading(self.engine) as connection:
            return checkpoints.latest(connection)

    def verifier_key(self) -> str:
        """The public key in the form that note verifiers take."""
        return checkpoints.verifier_key(self.origin, self.private_key.public_key())

    def prove_entry(self, index: int, by: Actor, origin: str) -> InclusionProof:
        """Proof of one entry under the newest checkpoint; showing it is itself an entry.

        Raises:
            LedgerError: if no checkpoint covers that entry.
        """
        with self.engine.begin() as connection:
            note, size = self._newest(checkpoints.latest(connection))
            if not 0 <= index < size:
                raise LedgerError(
                    f"entry {index}: the newest checkpoint covers {size} entries, from 0; "
                    "'alpr-repository ledger checkpoint' signs the newer ones"
                )
            hashes = log.leaf_hashes(connection, size)
            row = next(log.rows(connection, index, index + 1))
            log.append(connection, Entry("ledger.prove", by, self.now(), origin, {"entry": index}))
        return InclusionProof(
            index=index,
            body=row.body.decode(),
            leaf=row.leaf.hex(),
            path=tuple(each.hex() for each in merkle.inclusion_proof(hashes, index)),
            size=size,
            checkpoint=note,
        )

    def prove_growth(self, old_size: int) -> ConsistencyProof:
        """Proof that the newest checkpoint's tree holds the older one unchanged.

        Raises:
            LedgerError: if no checkpoint is as large.
        """
        with reading(self.engine) as connection:
            note, size = self._newest(checkpoints.latest(connection))
            if not 0 < old_size <= size:
                raise LedgerError(f"size {old_size}: expected one from 1 to {size}")
            hashes = log.leaf_hashes(connection, size)
        return ConsistencyProof(
            old_size=old_size,
            old_root=merkle.root(hashes[:old_size]).hex(),
            path=tuple(each.hex() for each in merkle.consistency_proof(hashes, old_size)),
            size=size,
            checkpoint=note,
        )

    def _newest(self, note: str | None) -> tuple[str, int]:
        if note is None:
            raise LedgerError(
                "no checkpoint has been signed yet; run 'alpr-repository ledger checkpoint'"
            )
        opened = checkpoints.open_note(note, self.origin, self.private_key.public_key())
        return note, opened.size
