"""Why a search is refused."""

from __future__ import annotations

from repository.errors import RepositoryError


class SearchRefusedError(RepositoryError):
    """A search that is not run; the text names the field and what it lacks."""
