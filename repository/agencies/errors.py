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
    if not text or len(text) > limit or "\x00" in text or not _encodes(text):
        raise AgencyError(f"{what}: needs 1 to {limit} characters")
    return text


def require_line(what: str, value: str, limit: int = 200) -> str:
    """The text in one line of print, blanks joined.

    Raises:
        AgencyError: if it is empty, too long, or cannot be printed.
    """
    text = " ".join(value.split())
    if not text or len(text) > limit or not text.isprintable():
        raise AgencyError(f"{what}: needs 1 to {limit} characters in one line")
    return text


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
