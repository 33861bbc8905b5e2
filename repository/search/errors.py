"""Why a search is refused."""

from __future__ import annotations

from repository.errors import RepositoryError


class SearchRefusedError(RepositoryError):
    """A search that is not run; the text names the field and what it lacks."""


class ApprovalNeededError(SearchRefusedError):
    """A search that a supervisor must approve first; the text says what makes it broad."""


class ProposalError(SearchRefusedError):
    """A proposal, a request or a review that is not there, or cannot be decided so."""


class AskerLeftError(SearchRefusedError):
    """A search that nobody waits for any more."""
