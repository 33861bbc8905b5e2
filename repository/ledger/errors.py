"""What the ledger refuses, and what it finds wrong with itself."""

from __future__ import annotations

from repository.errors import RepositoryError


class LedgerError(RepositoryError):
    """An entry that cannot be recorded, or a question the ledger cannot answer."""


class NotCoveredError(LedgerError):
    """A proof about an entry or a size that no signed checkpoint covers."""


class NotSignedError(LedgerError):
    """Nobody signs checkpoints now."""
