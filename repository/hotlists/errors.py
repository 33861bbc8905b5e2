"""What can be wrong with a hot list."""

from __future__ import annotations

from repository.errors import RepositoryError


class HotlistError(RepositoryError):
    """A hot list cannot be imported, issued, found or handed out; the text says what to do."""


class UnknownListError(HotlistError):
    """There is no such list, version or delta."""


class EntryRefusedError(HotlistError):
    """What a person asked about an entry is refused; the text names what is missing or wrong."""


class AlertRefusedError(HotlistError):
    """What a person asked about alerts is refused; the text says what to ask instead."""
