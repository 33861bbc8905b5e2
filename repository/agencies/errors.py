"""What the room of agencies refuses."""

from __future__ import annotations

from repository.errors import RepositoryError


class AgencyError(RepositoryError):
    """Something that cannot be done with an agency or its data; the text says why."""


def require_text(what: str, value: str, limit: int = 2000) -> str:
    """The text without blanks around it.

    Raises:
        AgencyError: if it is empty, too long, or cannot be stored.
    """
    text = value.strip()
    if not text or len(text) > limit or "\x00" in text:
        raise AgencyError(f"{what}: needs 1 to {limit} characters")
    return text
