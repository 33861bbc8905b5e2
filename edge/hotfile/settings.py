"""Settings of the hot lists on a unit."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from edge.hotfile.alert_settings import AlertSettings
from edge.hotfile.columns import HotlistColumns
from edge.section import Section

LOCAL_LIST = "local"
"""Name of the list of plates that were entered on the unit by hand."""


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
    alternatives_from: float = Field(
        0.1,
        gt=0,
        le=1,
        description="Probability from which another reading of a character counts as confusable"
        " with the one read, whatever it looks like.",
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
    """A hot list on the unit: a file of the department's, or one that the repository issues."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Name of the list, as officers see it."
    )
    path: Path | None = Field(
        None, description="The department's CSV file; replace it by renaming a whole one over it."
    )
    origin: Literal["repository"] | None = Field(
        None,
        alias="from",
        description="'repository' for a list that the repository issues, in place of a path.",
    )
    remove_once_built: bool = Field(
        False,
        description="Remove the file once the list is built: it holds plates in the clear, the"
        " built list does not.",
    )
    max_bytes: int = Field(4 * 1024**3, gt=0, description="Longest file that is built, in bytes.")
    columns: HotlistColumns = Field(
        default_factory=HotlistColumns, description="Which column of the file holds what."
    )
    dated_by: Literal["file", "newest_entry"] = Field(
        "file",
        description="What dates the file's list: when the file was last written, which a copy"
        " renews, or its newest entry's own date.",
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

    @field_validator("name")
    @classmethod
    def _refuse_local(cls, value: str) -> str:
        if value == LOCAL_LIST:
            raise ValueError(f"'{LOCAL_LIST}' is the unit's own list: give this another name")
        return value

    @model_validator(mode="after")
    def _require_one_origin(self) -> HotlistSource:
        if (self.path is None) == (self.origin is None):
            raise ValueError("give the list a path, or from = 'repository'")
        return self

    @property
    def csv_path(self) -> Path:
        """The department's file; only lists that have one are built from it."""
        if self.path is None:
            raise ValueError(f"hot list {self.name} is not built from a file")
        return self.path
