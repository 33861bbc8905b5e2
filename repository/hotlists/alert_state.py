"""What became of an alert, from what the officer recorded of it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

from edge.contract.records import Disposition, Hit, HotlistMatch, Read, Verification
from repository.retention.holds import ACTED_ON

Checked = Literal["unverified", "verified_by_eye", "verified", "not_verified"]
"""``verified_by_eye``: characters and state agree, but no source confirmed the status."""
CHECKED: tuple[Checked, ...] = get_args(Checked)


@dataclass(frozen=True, slots=True)
class PlacedHold:
    """A standing hold that keeps the alert's read."""

    number: int
    case_number: str
    kind: str


@dataclass(frozen=True, slots=True)
class Alert:
    """A hit of a unit with all that was recorded of it; records are in the unit's order.

    ``hit`` is what was read when it rang, ``read`` what the whole pass read in the end; None while
    the unit has not sent it.
    """

    hit: Hit
    read: Read | None
    received_at: datetime
    verifications: tuple[Verification, ...]
    dispositions: tuple[Disposition, ...]
    holds: tuple[PlacedHold, ...]

    @property
    def final_match(self) -> HotlistMatch | None:
        """How the final read matches the entry; None if it matches it no longer, or is not here."""
        listed = self.hit.match.list_name, self.hit.match.entry
        matches = () if self.read is None else self.read.hits
        return next((each for each in matches if (each.list_name, each.entry) == listed), None)

    @property
    def no_longer_matches(self) -> bool:
        """Whether the whole pass read another plate than that of the entry."""
        return self.read is not None and self.final_match is None

    @property
    def checked(self) -> Checked:
        """What the officer's last verification says."""
        return checked(self.verifications)

    @property
    def disposition(self) -> Disposition | None:
        """What came of it, as last said."""
        return self.dispositions[-1] if self.dispositions else None

    @property
    def acted_on(self) -> bool:
        """Whether somebody was stopped, cited or arrested on it, or a vehicle recovered."""
        return any(each.outcome in ACTED_ON for each in self.dispositions)

    @property
    def acted_on_unverified(self) -> bool:
        """Whether it was acted on without a verification by eye and by a source."""
        return self.acted_on and self.checked != "verified"

    def overdue(self, now: datetime, after: timedelta) -> bool:
        """Whether it rang, nobody verified it or said what came of it, and it was long ago."""
        return (
            self.hit.rang
            and self.checked == "unverified"
            and self.disposition is None
            and now - self.hit.captured_at > after
        )

    @property
    def misread(self) -> bool:
        """Whether an officer said that the plate was another than was read."""
        return any(not each.characters_match for each in self.verifications) or any(
            each.outcome == "misread" for each in self.dispositions
        )

    @property
    def wrong_state(self) -> bool:
        """Whether an officer said that the plate was of another state than was listed."""
        return any(not each.state_matches for each in self.verifications)

    @property
    def not_current(self) -> bool:
        """Whether a source or an officer said that the entry no longer held."""
        return any(each.status_answer == "not_active" for each in self.verifications) or any(
            each.outcome == "not_current" for each in self.dispositions
        )


def checked(verifications: Sequence[Verification]) -> Checked:
    """What the last of these verifications says."""
    if not verifications:
        return "unverified"
    last = verifications[-1]
    if not (last.characters_match and last.state_matches) or last.status_answer == "not_active":
        return "not_verified"
    return "verified" if last.status_answer == "active" else "verified_by_eye"
