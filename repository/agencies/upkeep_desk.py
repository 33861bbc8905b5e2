"""What is done about a unit's equipment: each use case one act, on the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from repository.accounts.roles import Power
from repository.agencies import upkeep
from repository.agencies.acts import Acts, By
from repository.agencies.upkeep import DueWork, Kind, Logged, OutOfService, Planned, Work
from repository.ledger.entry import JSON, as_typed

_ANYBODYS: tuple[Kind, ...] = ("damage", "secured")
"""What who drives the unit records too: damage is reported at once."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Work just recorded; ``authorized`` says of a repair whether its source was."""

    number: int
    authorized: bool | None


@dataclass(frozen=True, slots=True)
class UpkeepDesk:
    """The equipment of every agency's units."""

    acts: Acts

    def record(self, by: By, agency: str | None, unit: str, work: Work, origin: str) -> Recorded:
        """Record work on a unit.

        Raises:
            AgencyError: if there is no such unit for them, or a field does not do.
            NotAllowedError: if they may not.
        """
        asked: dict[str, JSON] = {
            "kind": work.kind,
            "at": work.at.isoformat(),
            "detail": as_typed(work.detail),
            "done_by": as_typed(work.done_by),
        }
        powers = [Power.MANAGE_UNITS]
        if work.kind in _ANYBODYS:
            powers.append(Power.REPORT_ERROR)
        with self.acts.begin(by, "unit_log.add", origin, asked, *powers) as act:
            unit_id = act.unit(agency, unit)
            number, authorized = upkeep.add(act.connection, unit_id, work, by=act.name, now=act.now)
            act.facts["number"] = number
            if authorized is not None:
                act.facts["authorized"] = authorized
        return Recorded(number, authorized)

    def plan(
        self,
        by: By,
        agency: str | None,
        unit: str,
        kind: Planned,
        every_days: int,
        advice: str,
        origin: str,
    ) -> None:
        """Have something done to a unit so often, as its maker advises.

        Raises:
            AgencyError: if there is no such unit for them, or a field does not do.
            NotAllowedError: if they may not.
        """
        asked: dict[str, JSON] = {
            "kind": kind,
            "every_days": every_days,
            "advice": as_typed(advice),
        }
        with self.acts.begin(by, "unit_log.plan", origin, asked, Power.MANAGE_UNITS) as act:
            unit_id = act.unit(agency, unit)
            upkeep.plan(act.connection, unit_id, kind, every_days, advice, act.now)

    def show(self, by: By, agency: str | None, unit: str | None, origin: str) -> list[Logged]:
        """What was recorded of an agency's units, or of one.

        Raises:
            AgencyError: if there is no such agency or unit for them.
            NotAllowedError: if they may not.
        """
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS)
        with self.acts.begin(by, "unit_log.list", origin, {}, *powers) as act:
            found = act.agency(agency)
            unit_id = None if unit is None else act.unit(found.name, unit)
            listed = upkeep.log_of(act.connection, found.id, unit_id)
            act.count = len(listed)
        return listed

    def due(self, by: By, agency: str | None, origin: str) -> list[DueWork]:
        """What the plans ask for by when, the most urgent first.

        Raises:
            AgencyError: if there is no such agency for them.
            NotAllowedError: if they may not.
        """
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS)
        with self.acts.begin(by, "unit_log.due", origin, {}, *powers) as act:
            listed = upkeep.due(act.connection, act.agency(agency).id)
            act.count = len(listed)
        return listed

    def out_of_service(self, by: By, agency: str | None, origin: str) -> list[OutOfService]:
        """The agency's units that are out of service.

        Raises:
            AgencyError: if there is no such agency for them.
            NotAllowedError: if they may not.
        """
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS)
        with self.acts.begin(by, "unit_log.out_of_service", origin, {}, *powers) as act:
            found = act.agency(agency)
            listed = [
                each for each in upkeep.out_of_service(act.connection) if each.agency == found.name
            ]
            act.count = len(listed)
        return listed

    def authorize(self, by: By, agency: str | None, source: str, origin: str) -> None:
        """Let a source repair the agency's equipment.

        Raises:
            AgencyError: if it may already, or there is no such agency for them.
            NotAllowedError: if they may not.
        """
        asked: dict[str, JSON] = {"source": as_typed(source)}
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY)
        with self.acts.begin(by, "repair_source.add", origin, asked, *powers) as act:
            found = act.agency(agency)
            act.take_turn()
            upkeep.authorize(act.connection, found.id, source, by=act.name, now=act.now)

    def end_authorization(self, by: By, agency: str | None, source: str, origin: str) -> None:
        """Let a source repair nothing more.

        Raises:
            AgencyError: if it may not anyway, or there is no such agency for them.
            NotAllowedError: if they may not.
        """
        asked: dict[str, JSON] = {"source": as_typed(source)}
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY)
        with self.acts.begin(by, "repair_source.end", origin, asked, *powers) as act:
            found = act.agency(agency)
            upkeep.end_authorization(act.connection, found.id, source, act.now)

    def sources(self, by: By, agency: str | None, origin: str) -> list[str]:
        """Who may repair the agency's equipment.

        Raises:
            AgencyError: if there is no such agency for them.
            NotAllowedError: if they may not.
        """
        powers = (Power.MANAGE_UNITS, Power.MANAGE_AGENCY, Power.SEE_TRANSACTIONS)
        with self.acts.begin(by, "repair_source.list", origin, {}, *powers) as act:
            listed = upkeep.sources(act.connection, act.agency(agency).id)
            act.count = len(listed)
        return listed
