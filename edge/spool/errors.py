"""What the spool raises on purpose."""

from edge.errors import EdgeError


class SpoolError(EdgeError):
    """The spool cannot store, read or purge; nothing was changed, and the text says what to do."""


class UnfitRecordError(SpoolError):
    """A record or picture that the contract does not admit: trying again would change nothing."""
