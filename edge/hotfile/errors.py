"""What can go wrong with a hot list's file."""

from edge.errors import EdgeError


class HotfileError(EdgeError):
    """A hot list's file that cannot be used; the text says which and why, and never a plate."""


class UnreadListError(HotfileError):
    """A file that could not be read now: for want of memory, of handles, or by the disk."""


class DamagedListError(HotfileError):
    """A built list with something in it that is not what was written there."""
