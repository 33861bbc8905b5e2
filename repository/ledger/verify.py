"""Check the whole ledger: every entry against its digest, every root, the state, every checkpoint,
every tile.

An entry's row is the first wrong one where its index, its columns, its digest or the root beside
it is not what the entries before it and its own body give. Someone who can rewrite the database
can recompute all of those; they cannot recompute a signature, so the rest is settled by the
checkpoints, and best by those kept on other hosts (``held``). Where one of those does not fit, the
verdict names the restores from a backup that the ledger tells of before it. A wrong tile is told
only where the entries are whole: it follows from them, and no proof that it spoils is ever shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, select

from edge.contract import merkle
from repository.ledger.checkpoints import Checkpoint, open_note
from repository.ledger.errors import LedgerError
from repository.ledger.follow import MismatchError, check_state, follow
from repository.ledger.restores import RestoreEntry, restores_before
from repository.ledger.tiles import Check
from repository.store.tables.ledger import ledger_checkpoints

_TELL_EVERY = 10_000
_MEND = "'alpr-repository ledger mend-tiles' makes it anew"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found. ``first_wrong`` is the index of the first entry that is wrong.

    ``restores`` are those that may be why a checkpoint held outside does not fit.
    """

    size: int
    root_hex: str
    checkpoints: int
    first_wrong: int | None
    problem: str | None
    restores: tuple[RestoreEntry, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything fits."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class _Signed:
    checkpoint: Checkpoint
    where: str
    is_held: bool

    @property
    def size(self) -> int:
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        return self.checkpoint.root


class _UnfitError(MismatchError):
    """A checkpoint is not of this ledger as it stands."""

    def __init__(self, index: int, problem: str, checkpoint: _Signed) -> None:
        super().__init__(index, problem)
        self.checkpoint = checkpoint


def verify(
    connection: Connection,
    origin: str,
    public_key: Ed25519PublicKey,
    held: Iterable[str] = (),
    progress: Callable[[int], None] = lambda _size: None,
) -> Verdict:
    """Recompute the ledger from its rows and compare it with all that was ever said of it.

    ``held`` are signed notes kept outside the database. Reads in the caller's transaction, which
    must see one snapshot (SQLite always does; PostgreSQL at REPEATABLE READ). ``progress`` is told
    now and then how many entries were good so far.
    """
    tree = merkle.Frontier()
    checked = 0
    try:
        signed = _signed(connection, origin, public_key, held)
        waiting = list(signed)
        last_good = 0
        tiles = Check(connection)
        for grown, hashed in follow(connection, tree):
            tree = grown
            tiles.add(hashed)
            if tree.size % _TELL_EVERY == 0:
                progress(tree.size)
            while waiting and waiting[0].size == tree.size:
                checkpoint = waiting.pop(0)
                if checkpoint.root != tree.root():
                    problem = _rewritten(checkpoint, last_good)
                    raise _UnfitError(last_good, problem, checkpoint)
                checked += 1
                last_good = checkpoint.size
        if waiting:
            raise _UnfitError(tree.size, _cut_off(waiting[-1], tree.size), waiting[-1])
        check_state(connection, tree)
        wrong_tile = tiles.finish()
        if wrong_tile is not None:
            raise MismatchError(None, f"{wrong_tile}; the entries are whole: {_MEND}")
    except MismatchError as mismatch:
        unfit = mismatch.checkpoint if isinstance(mismatch, _UnfitError) else None
        return Verdict(
            tree.size, tree.root().hex(), checked, mismatch.index, mismatch.problem,
            _restores(connection, tree.size, unfit),
        )  # fmt: skip
    except (TypeError, ValueError):
        # A column holds what its type forbids: nobody but a forger wrote it.
        problem = f"entry {tree.size} or one soon after it: a column holds what no entry holds"
        return Verdict(tree.size, tree.root().hex(), checked, tree.size, problem)
    return Verdict(tree.size, tree.root().hex(), checked, None, None)


def _signed(
    connection: Connection, origin: str, public_key: Ed25519PublicKey, held: Iterable[str]
) -> list[_Signed]:
    """Every checkpoint, its signature checked, smallest first."""
    found: list[_Signed] = []
    for row in connection.execute(select(ledger_checkpoints)):
        where = f"the checkpoint stored at size {row.size}"
        try:
            checkpoint = open_note(row.note, origin, public_key)
        except LedgerError as error:
            raise MismatchError(None, f"{where}: {error}") from error
        if (checkpoint.size, checkpoint.root) != (row.size, row.root):
            raise MismatchError(None, f"{where}: its columns are not what its note says")
        found.append(_Signed(checkpoint, where, is_held=False))
    for number, note in enumerate(held, start=1):
        where = f"checkpoint {number} of those held outside"
        try:
            checkpoint = open_note(note, origin, public_key)
        except LedgerError as error:
            raise MismatchError(None, f"{where}: {error}") from error
        found.append(_Signed(checkpoint, where, is_held=True))
    return sorted((each for each in found if each.size > 0), key=lambda each: each.size)


def _restores(connection: Connection, size: int, unfit: _Signed | None) -> tuple[RestoreEntry, ...]:
    # What the database itself holds of checkpoints came back with the backup and fits it.
    if unfit is None or not unfit.is_held:
        return ()
    return restores_before(connection, size, unfit.checkpoint)


def _rewritten(checkpoint: _Signed, last_good: int) -> str:
    return (
        f"entry {last_good} or one after it, before {checkpoint.size}: rewritten; "
        f"{checkpoint.where} gives another root"
    )


def _cut_off(checkpoint: _Signed, size: int) -> str:
    return f"entry {size}: missing; {checkpoint.where} covers {checkpoint.size} entries"
