"""What an administrator reads of a unit's health."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from edge.contract.records import Clock, ListInUse
from edge.contract.status import Trouble, UnitHealth
from repository.units.enrolment import Unit
from repository.units.present import unit_lines

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def unit(**changes: Any) -> Unit:
    fields = {
        "agency": "salem-pd",
        "name": "car-1",
        "key_id": "ab" * 8,
        "created_at": NOW,
        "revoked_at": None,
        "committed_through": 7,
        "state": "online",
        "heard_at": NOW - timedelta(minutes=3),
        "software": "plateward",
        "waiting_records": 41,
        "health": None,
        "health_at": None,
    }
    return Unit(**{**fields, **changes})


def health(source: Any = "gps", sentence: str = "gps: no sentence for a minute") -> Any:
    return msgspec.to_builtins(
        UnitHealth(
            started_at=NOW - timedelta(days=3),
            troubles=(Trouble(part="gps", sentence=sentence, since=NOW - timedelta(hours=5)),),
            counters={},
            hotlists=(
                ListInUse(
                    name="state",
                    version="12",
                    issued_at=NOW - timedelta(days=2, hours=3),
                    entries=8_000_000,
                    stale=True,
                ),
            ),
            clock=Clock(source=source, error_ms=None),
        )
    )


def test_troubles_and_the_lists_ages_stand_below_the_unit() -> None:
    assert list(unit_lines(unit(health=health(), health_at=NOW - timedelta(hours=1)), NOW)) == [
        "salem-pd/car-1  key abababababababab  committed 7  online, heard 3 minutes ago, "
        "41 waiting",
        "    TROUBLE gps: gps: no sentence for a minute (for 4 hours)",
        "    hot list state: version 12, 2 days old, 8000000 entries, STALE",
    ]


def test_a_clock_that_was_never_set_is_a_trouble() -> None:
    lines = list(unit_lines(unit(health=health("unset"), health_at=NOW), NOW))
    assert lines[1] == "    TROUBLE clock: it was never set since the unit started"


def test_a_units_words_cannot_write_lines_of_their_own() -> None:
    forged = "broken\n    TROUBLE \x1b[31mfire"
    lines = list(unit_lines(unit(health=health(sentence=forged), health_at=NOW), NOW))
    assert "\n" not in lines[1]
    assert "\x1b" not in lines[1]


def test_a_unit_that_never_spoke_and_one_that_was_revoked_are_one_line() -> None:
    (line,) = unit_lines(unit(state=None, heard_at=None, waiting_records=None), NOW)
    assert line.endswith("committed 7  unheard")
    (line,) = unit_lines(unit(revoked_at=NOW, health=health(), health_at=NOW), NOW)
    assert line.endswith("committed 7  REVOKED")
