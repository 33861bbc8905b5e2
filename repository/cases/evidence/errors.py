"""What goes wrong with evidence packages."""

from __future__ import annotations

from repository.cases.errors import CaseError


class EvidenceError(CaseError):
    """A package cannot be made; the text says what is missing."""
