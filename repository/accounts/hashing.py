"""Passwords at rest: argon2id, never more of it at once than the memory bears."""

from __future__ import annotations

import functools
import secrets
import threading

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from repository.accounts.password_rule import normalise
from repository.errors import RepositoryError

MEMORY_KIB = 32 * 1024
PASSES = 2
_AT_ONCE = 4


class Passwords:
    """Hashes and checks passwords; may be shared by threads.

    The cost unless told otherwise (32 MiB, two passes) is above the 19 MiB that OWASP's Password
    Storage Cheat Sheet asks of argon2id with two passes; four at once bound what a flood of
    sign-ins can take.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(
            time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID
        )
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """The password's salted hash in PHC form."""
        with self._room:
            return self._hasher.hash(_bytes(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password of that hash; with no hash, as long a no.

        Raises:
            RepositoryError: if the stored hash is damaged.
        """
        try:
            with self._room:
                self._hasher.verify(self._decoy if stored is None else stored, _bytes(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError as error:
            raise RepositoryError("a stored password hash is damaged; reset it") from error
        return stored is not None

    @functools.cached_property
    def _decoy(self) -> str:
        """A hash that no password fits, so that an unknown login takes as long as a wrong one."""
        return self._hasher.hash(secrets.token_bytes(32))


def _bytes(password: str) -> bytes:
    return normalise(password).encode("utf-8", "surrogatepass")
