"""The use case of handing lists to units: each gets its own agency's, newest or by version.

A unit that fetches its list is a machine at its post, not a person with a purpose, and thousands
of them ask all day: it leaves a line in the log and in the table of who has which version, and no
entry in the ledger. That a version was issued, or written to a stick by a person, is on the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine

from repository.hotlists import fetches, files, versions
from repository.hotlists.versions import Issue
from repository.store.engine import DatabaseUnavailableError, reading
from repository.units.requests import KnownUnit, UnitRequests

_log = structlog.get_logger("hotlists")


@dataclass(frozen=True, slots=True)
class UnitHotlists:
    """Lists for units that made themselves known through ``requests``."""

    engine: Engine
    requests: UnitRequests
    clock: Callable[[], datetime]

    def manifest(self, unit: KnownUnit, name: str) -> bytes:
        """The signed manifest of the newest version.

        Raises:
            UnknownListError: if the unit's agency has no such list.
        """
        with reading(self.engine) as connection:
            return versions.newest(connection, unit.agency, name).manifest

    def find(self, unit: KnownUnit, name: str, version: int) -> Issue:
        """That version, for :meth:`pieces`.

        Raises:
            UnknownListError: if the unit's agency has no such list or version.
        """
        with reading(self.engine) as connection:
            return versions.find(connection, unit.agency, name, version)

    def pieces(
        self, unit: KnownUnit, name: str, issue: Issue, start: int, end: int
    ) -> Iterator[bytes]:
        """The bytes ``start`` to before ``end`` of the version's file, as they are asked for.

        No transaction is open between two pieces, so a slow unit holds no connection.

        Raises:
            HotlistError: as they are taken, if a part of the file is missing.
        """
        self._say(unit, name, issue.version, "list", start)
        while start < end:
            number, skipped = divmod(start, files.PART_BYTES)
            with reading(self.engine) as connection:
                part = files.of_version(issue.hotlist_id, issue.version).read_part(
                    connection, number
                )
            piece = part[skipped : skipped + end - start]
            start += len(piece)
            if start == issue.size_bytes:
                # Before it goes: a unit that has all of it may not wait for the end.
                self._keep(unit, name, issue.version)
            yield piece

    def delta(self, unit: KnownUnit, name: str, version: int) -> bytes:
        """The delta that makes that version of the one its manifest names as base.

        Raises:
            UnknownListError: if there is no such version of the agency's, or no delta to it.
        """
        with reading(self.engine) as connection:
            delta = versions.find_delta(connection, unit.agency, name, version)
        self._say(unit, name, version, "delta", 0)
        self._keep(unit, name, version)
        return delta

    def _keep(self, unit: KnownUnit, name: str, version: int) -> None:
        try:
            with self.engine.begin() as connection:
                fetches.keep(connection, unit, name, version, self.clock())
        except DatabaseUnavailableError:
            # The unit has its list all the same, and its status will say so.
            _log.warning("not kept who fetched a version", agency=unit.agency, unit=unit.name)

    def _say(self, unit: KnownUnit, name: str, version: int, what: str, start: int) -> None:
        _log.info(
            "handed to a unit",
            agency=unit.agency,
            unit=unit.name,
            list=name,
            version=version,
            what=what,
            from_byte=start,
        )
