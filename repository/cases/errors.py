"""What goes wrong with case files."""

from __future__ import annotations

from repository.errors import RepositoryError


class CaseError(RepositoryError):
    """A case file that is not there, or something that cannot stand in one."""
