"""Plates that people register as their own, so that an audit sees who searches for them.

Nobody has to. A plate is kept as HMAC-SHA-256 under a key that is derived (HKDF-SHA-256) from the
master key of the pictures, which is not in the database: who has the database alone can neither
read a plate nor try all of them. Letters and digits count, as in a search.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Connection, Engine, delete, func, select

from edge.contract.plates import normalise
from repository.accounts.user import User
from repository.audits.errors import AuditError
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import Entry
from repository.store.rows import insert_new
from repository.store.tables.accounts import users
from repository.store.tables.audits import private_plates
from repository.store.tables.fleet import agencies
from repository.typed_plate import only_of_plates

MAX_PLATES = 20
_MAX_PLATE = 12
_DERIVED_FOR = b"plateward private plates 1"
_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class PrivatePlates:
    """The register; ``master_key`` gives 32 secret bytes."""

    engine: Engine
    now: Callable[[], datetime]
    master_key: Callable[[], bytes]

    def register(self, user: User, plate: str, origin: str) -> None:
        """Keep that the plate is the user's; the ledger keeps that they registered one.

        Raises:
            AuditError: if it is no plate, or the user has registered many already.
        """
        entry = Entry("private_plates.register", user.actor, self.now(), origin)
        with attempt(self.engine, entry, AuditError):
            digest = self._digest(plate)
            with self.engine.begin() as connection:
                row = {
                    "user_id": user.id,
                    "plate_digest": digest,
                    "registered_at": self.now(),
                }
                insert_new(connection, private_plates, [row])
                if _number(connection, user) > MAX_PLATES:
                    raise AuditError(f"plate: {MAX_PLATES} are registered already")
                log.append(connection, entry)

    def forget(self, user: User, plate: str, origin: str) -> None:
        """Take a plate of the user's out of the register.

        Raises:
            AuditError: if it is not in it.
        """
        entry = Entry("private_plates.forget", user.actor, self.now(), origin)
        with attempt(self.engine, entry, AuditError), self.engine.begin() as connection:
            gone = connection.execute(
                delete(private_plates).where(
                    private_plates.c.user_id == user.id,
                    private_plates.c.plate_digest == self._digest(plate),
                )
            )
            if gone.rowcount != 1:
                raise AuditError("plate: not one that you registered")
            log.append(connection, entry)

    def owners(self, connection: Connection) -> Callable[[str], frozenset[str]]:
        """What tells who registered a plate, by the ids of people."""
        found: Mapping[str, set[str]] = defaultdict(set)
        for row in connection.execute(select(private_plates)):
            found[row.plate_digest].add(str(row.user_id))
        if not found:
            return lambda _plate: frozenset()
        key = self._key()
        return lambda plate: frozenset(found.get(_hmac(key, plate), ()))

    def agencies(self, connection: Connection) -> dict[str, str]:
        """The agencies of the people who registered a plate, by their ids."""
        query = (
            select(private_plates.c.user_id, agencies.c.name)
            .join(users, users.c.id == private_plates.c.user_id)
            .join(agencies, agencies.c.id == users.c.agency_id)
        )
        return {str(row.user_id): row.name for row in connection.execute(query)}

    def _digest(self, plate: str) -> str:
        named = normalise(plate)
        if not only_of_plates(plate) or not named or len(named) > _MAX_PLATE:
            raise AuditError("plate: letters, digits, blanks and dashes, as on the car")
        return _hmac(self._key(), named)

    def _key(self) -> bytes:
        derive = HKDF(SHA256(), _KEY_BYTES, salt=None, info=_DERIVED_FOR)
        return derive.derive(self.master_key())


def _hmac(key: bytes, plate: str) -> str:
    return hmac.new(key, plate.encode(), hashlib.sha256).hexdigest()


def _number(connection: Connection, user: User) -> int:
    query = select(func.count()).where(private_plates.c.user_id == user.id)
    return connection.execute(query).scalar_one()
