"""What the spool raises on purpose."""

from edge.errors import EdgeError


class SpoolError(EdgeError):
    """The spool cannot store, read or purge; nothing was changed, and the text says what to do."""


class FullDiskError(SpoolError):
    """There is no room; the text says how much is free, and what makes more."""


class UnfitRecordError(SpoolError):
    """A record or picture that the contract does not admit: trying again would change nothing."""


class DamagedSpoolError(SpoolError):
    """Something in the spool is not what was written there; ``what`` says it in a few words."""

    def __init__(self, sentence: str, what: str) -> None:
        super().__init__(sentence)
        self.what = what


class WrongKeyError(SpoolError):
    """The spool was written with another key than the one given."""
