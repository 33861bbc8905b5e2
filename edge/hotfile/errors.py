"""What can go wrong with a hot list's file."""

from edge.errors import EdgeError


class HotfileError(EdgeError):
    """A hot list's file that cannot be used; the text says which and why, and never a plate."""
