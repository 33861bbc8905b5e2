"""Which enrolled unit a request to the web comes from, by its signature.

Signatures that do not hold are counted by address, as failed sign-ins are: past the limit they are
told to wait, and the log says how many they were. Every request is looked at first, which costs
less than serving it: cars share a carrier's address with strangers, and what a unit signed is
served whatever else comes from there. A request that a unit did sign, but too late or after it was
revoked, or whose agency takes part no longer, is refused without counting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine, select

from edge.contract.errors import ContractError
from edge.contract.unit_request import TOLERANCE, UnitRequest, read_request, verify_request
from repository.accounts.throttle import Throttle
from repository.errors import RepositoryError
from repository.store.engine import reading
from repository.store.tables.fleet import agencies, units

_NOBODY = bytes.fromhex("8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c")
"""A key to check with where a unit is not known, so that both take as long."""

_log = structlog.get_logger("units")


class UnitRefusedError(RepositoryError):
    """The request is no enrolled unit's; the text is the same whatever was wrong."""

    def __init__(self) -> None:
        super().__init__(
            "not signed by an enrolled unit: it is unknown here or revoked, or its key is another"
        )


class UnitClockError(RepositoryError):
    """An enrolled unit's request, signed at another time than now."""

    def __init__(self) -> None:
        super().__init__("the unit's clock is not the repository's: set the clock of the unit")


class TooManyRequestsError(RepositoryError):
    """Too many requests with wrong signatures came from one address."""

    def __init__(self) -> None:
        super().__init__(
            "too many requests that no enrolled unit signed came from this address: "
            "try again in 15 minutes"
        )


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """An enrolled unit that may ask, by name; all that it may see is its agency's."""

    agency: str
    name: str


@dataclass(frozen=True, slots=True)
class _Enrolled:
    public_key: bytes
    may_ask: bool


class UnitRequests:
    """Tells units by their signed requests."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._throttle = Throttle()

    def unit_of(self, header: str, *, method: str, path: str, origin: str) -> KnownUnit:
        """The unit that signed this request, given its header ``Authorization``.

        Raises:
            UnitRefusedError: if none did that is enrolled and not revoked.
            UnitClockError: if one did, but at another time than now.
            TooManyRequestsError: if none did, and too many such came from that address.
        """
        now = self._now()
        for dropped in self._throttle.take_ended(now):
            _log.warning(
                "unsigned requests dropped", origin=dropped.address, requests=dropped.count
            )
        try:
            claimed = read_request(header)
            row = self._find(claimed)
            key = Ed25519PublicKey.from_public_bytes(_NOBODY if row is None else row.public_key)
            verify_request(claimed, key, method=method, path=path)
        except ContractError as error:
            if not self._throttle.admit(origin, now):
                raise TooManyRequestsError from error
            self._throttle.fail(origin, now)
            raise UnitRefusedError from error
        if row is None or not row.may_ask:
            _log.warning("a unit asked that may not", agency=claimed.agency, unit=claimed.unit)
            raise UnitRefusedError
        if abs(now - claimed.at) > TOLERANCE:
            raise UnitClockError
        return KnownUnit(claimed.agency, claimed.unit)

    def _find(self, claimed: UnitRequest) -> _Enrolled | None:
        query = (
            select(units.c.public_key, units.c.revoked_at, agencies.c.access)
            .join(agencies, agencies.c.id == units.c.agency_id)
            .where(
                agencies.c.name == claimed.agency,
                units.c.name == claimed.unit,
                units.c.key_id == claimed.key,
            )
        )
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return _Enrolled(row.public_key, row.revoked_at is None and row.access != "ended")
