"""The root of every error that the repository raises on purpose."""


class RepositoryError(Exception):
    """Something the repository cannot or will not do, said for the person who can mend it."""
