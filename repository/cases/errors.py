"""What goes wrong with case files."""

from __future__ import annotations

from repository.errors import RepositoryError


class CaseError(RepositoryError):
    """Something cannot stand in a case file, or be done with it."""


class NoSuchCaseError(CaseError):
    """A case file that is not there, or is another agency's: the text is the same."""
