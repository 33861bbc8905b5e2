"""Settings of the hot lists on a unit."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from edge.hotfile.alert_settings import AlertSettings
from edge.hotfile.columns import HotlistColumns
from edge.section import Section


class MatchRule(Section):
    """How far a listed plate may differ from the plate read, by confusable characters alone.

    Short plates have so few characters that one substitution already meets other people's plates.
    """

    max_substitutions: int = Field(
        1, ge=0, le=2, description="Most confusable characters that may differ; 0 for none."
    )
    min_length: int = Field(
        5, ge=1, description="Shortest plate that is matched through confusable characters."
    )


class ChangeRule(Section):
    """How much a list may shrink or grow from one issue to the next before it is refused."""

    max_share: float = Field(
        0.5, gt=0, description="Share of the entries in use by which a new list may differ."
    )
    from_entries: int = Field(
        100, ge=0, description="Entries in use from which the share is looked at."
    )


class HotlistSource(Section):
    """A hot list's file on the unit."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Name of the list, as officers see it."
    )
    path: Path = Field(description="The CSV file; replace it by renaming a whole one over it.")
    columns: HotlistColumns = Field(
        default_factory=HotlistColumns, description="Which column holds what."
    )
    max_age_s: float = Field(
        86_400,
        gt=0,
        description="Age from which the list is called stale, in seconds; it still matches.",
    )
    alerts: AlertSettings = Field(
        default_factory=AlertSettings, description="When a match of this list rings."
    )
    change: ChangeRule = Field(
        default_factory=ChangeRule, description="How much the list may change at once."
    )
