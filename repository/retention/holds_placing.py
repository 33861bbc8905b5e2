"""Placing a hold, for a person: whether they may, what it may reach, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.ledger.entry import JSON
from repository.retention import holds, holds_listing, holds_permits
from repository.retention.duties import Duties
from repository.retention.holds import Bounds
from repository.retention.holds_lookalikes import lookalikes
from repository.retention.holds_permits import Look, Why
from repository.retention.holds_request import (
    HitTarget,
    HoldError,
    HoldRequest,
    PlateTarget,
    Target,
    UnitTarget,
)
from repository.retention.holds_settings import HoldSettings
from repository.search.permits import Law
from repository.store.tables.reads import reads

_DIRECTED = "administrator_direction"


@dataclass(frozen=True, slots=True)
class Placed:
    """A hold that was placed; ``reads`` is None for who is told nothing of reads.

    ``not_held`` says how many reads stand under plates that are easily taken for it.
    """

    number: int
    case_number: str
    reads: int | None
    not_held: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Placing:
    """Placing holds under these rules; ``fold`` is what reads were stored with."""

    settings: HoldSettings
    law: Law
    duties: Duties
    fold: Callable[[str], str]

    def place(
        self,
        connection: Connection,
        user: User,
        request: HoldRequest,
        why: Why,
        *,
        process: str | None,
        origin: str,
        now: datetime,
    ) -> Placed:
        """Place a hold; with ``process``, the number of a court's paper, without being told of it.

        Raises:
            HoldError: if something of it is missing, or it reaches further than it may.
            AccountError: if the person may not place it, or not yet.
            SearchRefusedError: if the purpose does not do.
        """
        self._check_reach(user, request, now)
        own = user.agency_id if process is not None else None
        if request.kind == _DIRECTED:
            require(user, Power.DIRECT_HOLD)
            own = user.agency_id
        with holds_permits.of_the_reason():
            if process is not None:
                number, paper = holds_permits.by_process(
                    user, request.case_number, request.reason, process
                )
                kept = replace(
                    request,
                    case_number=number,
                    reason=f"{request.reason} (legal process: {paper})",
                )
                placed = holds.add(
                    connection,
                    kept,
                    actor=user.actor,
                    origin=origin,
                    now=now,
                    bounds=Bounds(own),
                    told={"legal_process": paper},
                )
                return Placed(placed, number, None)
            look = holds_permits.look(
                connection,
                user,
                why.stated("hold", request.case_number, request.reason),
                self.law,
                self.duties,
                now,
            )
        return self._with_look(connection, user, request, look, own, origin)

    def _with_look(
        self,
        connection: Connection,
        user: User,
        request: HoldRequest,
        look: Look,
        own: int | None,
        origin: str,
    ) -> Placed:
        now, target = look.sight.now, request.target
        alike = (
            lookalikes(connection, target, self.fold, look.sight.of(reads))
            if isinstance(target, PlateTarget)
            else {}
        )
        told = look.as_json(criteria_of(target))
        if alike:
            told["lookalikes_not_held"] = sum(alike.values())
        number = holds.add(
            connection,
            replace(request, case_number=look.purpose.case_number),
            actor=user.actor,
            origin=origin,
            now=now,
            bounds=Bounds(own, look.sight.of(reads), self._others_until(now)),
            told=told,
        )
        found = holds_listing.show(connection, number)[0].reads
        return Placed(number, look.purpose.case_number, found, alike)

    def _others_until(self, now: datetime) -> datetime:
        return now + timedelta(days=self.settings.others_days)

    def _check_reach(self, user: User, request: HoldRequest, now: datetime) -> None:
        target = request.target
        if isinstance(target, UnitTarget) and target.agency != user.agency:
            raise HoldError(
                f"unit: only people of {target.agency} may hold everything of its unit; hold the "
                "reads that your case needs by --plate and period, --read or --hit, or ask its "
                "ALPR administrator"
            )
        if not isinstance(target, PlateTarget | UnitTarget):
            return
        if target.end > now + timedelta(days=self.settings.ahead_days):
            raise HoldError(
                f"period: may reach {self.settings.ahead_days} days ahead at most; place another "
                "hold later if the case still needs it"
            )


def criteria_of(target: Target) -> dict[str, JSON]:
    """What a hold asks of the reads, as a search's criteria stand in the ledger."""
    if isinstance(target, HitTarget):
        return {"looked_at": f"the read of hit {target.hit_id}, which was held"}
    if isinstance(target, UnitTarget):
        return {
            "unit": target.unit,
            "agency": target.agency,
            "from": target.start.isoformat(),
            "to": target.end.isoformat(),
        }
    if isinstance(target, PlateTarget):
        state: dict[str, JSON] = {} if target.state is None else {"state": target.state}
        return {
            "plate": target.plate,
            **state,
            "from": target.start.isoformat(),
            "to": target.end.isoformat(),
        }
    return {"looked_at": f"{len(target)} reads by their ids, which were held"}
