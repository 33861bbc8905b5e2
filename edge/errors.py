"""The root of every error that the edge raises on purpose."""


class EdgeError(Exception):
    """Something the daemon cannot do, said in a sentence for the person who can mend it."""
