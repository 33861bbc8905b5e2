"""Which column of a hot list's CSV file holds what."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from edge.contract.hotlist_columns import FIELDS, Columns
from edge.contract.records import HotlistKind
from edge.section import Section

_Column = Annotated[str, Field(min_length=1)]


class HotlistColumns(Section):
    """Names of the columns in the file's first line, compared without regard to case.

    Only the plate's column must be there; any other may be missing as long as its name was left
    at its default. A name that was set must be in the file: a mistyped ``expires`` would
    otherwise let entries ring that have ended.
    """

    plate: _Column = Field("plate", description="Plate, in any spelling.")
    entry: _Column = Field(
        "entry", description="The list owner's id of the entry; without it, the line's number."
    )
    state: _Column = Field("state", description="Two-letter code of the state, or empty.")
    kind: _Column = Field("kind", description="Why the plate is listed; see kinds.")
    priority: _Column = Field("priority", description="1 (most urgent) to 5.")
    entered: _Column = Field("entered", description="When it was entered: ISO 8601 date or time.")
    expires: _Column = Field(
        "expires", description="When it ends: ISO 8601; a date alone lasts to that day's end."
    )
    note: _Column = Field("note", description="What the officer should know, 500 characters.")

    kinds: dict[str, HotlistKind] = Field(
        default_factory=dict,
        description="The list's own words for kinds, such as STOLEN = 'stolen_vehicle'.",
    )
    default_kind: HotlistKind = Field("other", description="Kind of entries that give none.")
    default_priority: int = Field(3, ge=1, le=5, description="Priority of entries without one.")
    time_zone: str = Field("UTC", description="Zone of times that name none: America/New_York.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("not a time zone of this system; use one such as 'UTC'") from error
        return value

    def table(self) -> Columns:
        """The columns as the reader of the file takes them."""
        return Columns(
            names={field: getattr(self, field) for field in FIELDS},
            named=self.model_fields_set,
            kinds=self.kinds,
            default_kind=self.default_kind,
            default_priority=self.default_priority,
            time_zone=self.time_zone,
            setting="columns in the list's settings",
        )
