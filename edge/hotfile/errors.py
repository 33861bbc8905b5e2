"""What can go wrong with a hot list's file."""

import errno

from edge.errors import EdgeError

_WANT = frozenset((errno.ENOMEM, errno.EMFILE, errno.ENFILE))


class HotfileError(EdgeError):
    """A hot list's file that cannot be used; the text says which and why, and never a plate."""


class UnreadListError(HotfileError):
    """A file that could not be read now: for want of memory, of handles, or by the disk."""

    @property
    def for_want(self) -> bool:
        """Whether the unit was short of memory or handles, so that the file may well be sound."""
        return isinstance(self.__cause__, OSError) and self.__cause__.errno in _WANT


class DamagedListError(HotfileError):
    """A built list with something in it that is not what was written there."""


class BusyListError(HotfileError):
    """Another process is changing the list now."""
