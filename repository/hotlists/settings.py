"""Settings of the hot lists at the centre."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from repository.hotlists.columns import HotlistColumns

MANUAL = "manual"
"""What stands before the numbers of entries by hand, where a source's name would."""
LIST_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_NAME = rf"^{LIST_NAME.pattern}$"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSettings(_Section):
    """A file from which a list of an agency is imported."""

    agency: str = Field(pattern=_NAME, description="Short name of the agency whose units use it.")
    list: str = Field(pattern=_NAME, description="Name of the list, as officers see it.")
    name: str = Field(
        "",
        pattern=r"^([a-z0-9][a-z0-9-]{0,62})?$",
        description="Name of the source; the list's own unless set. A list may have several: the "
        "entries of one that is not named as the list have its name before their ids.",
    )
    owner: str = Field(
        "", max_length=200, description="Whose data it is; the agency's own unless set."
    )
    columns: HotlistColumns = Field(
        default_factory=HotlistColumns, description="Which column of the file holds what."
    )
    ends_after_h: int | None = Field(
        None,
        ge=1,
        description="Hours after an import at which its entries leave the list, unless it was "
        "imported anew; never unless set.",
    )
    max_change_share: float = Field(
        0.5,
        gt=0,
        description="Share by which an import may have more or fewer entries than the one before.",
    )
    change_from_entries: int = Field(
        100, ge=0, description="Entries of the import before from which the share is looked at."
    )

    @model_validator(mode="before")
    @classmethod
    def _named_as_the_list(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("name") and "list" in values:
            return {**values, "name": values["list"]}
        return values

    @field_validator("name")
    @classmethod
    def _not_manual(cls, value: str) -> str:
        if value == MANUAL:
            raise ValueError(f"{MANUAL!r} stands for what is entered by hand: use another name")
        return value

    @property
    def prefix(self) -> str:
        """What stands before the ids of this source's entries in the list."""
        return "" if self.name == self.list else f"{self.name}:"


class HotlistSettings(_Section):
    """Hot lists: their sources, entries by hand, versions, and what is reminded of."""

    sources: tuple[SourceSettings, ...] = Field((), description="Files that lists come from.")
    command_ranks: tuple[str, ...] = Field(
        ("Lieutenant", "Captain", "Major", "Deputy Chief", "Chief"),
        min_length=1,
        description="Ranks of the command position that may authorize an entry by hand.",
    )
    longest_entry_days: int = Field(
        90, ge=1, description="Longest time for which a plate is entered by hand."
    )
    review_every_days: int = Field(
        7, ge=1, description="Days after which an entry made by hand is to be looked at again."
    )
    renew_every_h: int = Field(
        12,
        ge=1,
        description="Hours after which a list with entries by hand alone is issued anew, so that "
        "units see that it still holds.",
    )
    keep_versions: int = Field(
        10, ge=2, description="Newest versions whose files are kept, besides those in use."
    )
    behind_after_h: int = Field(
        24, ge=1, description="Hours for which a unit may use an older version unremarked."
    )
    unverified_after_min: int = Field(
        60, ge=1, description="Minutes after which an alert without a verification is listed."
    )

    @field_validator("sources")
    @classmethod
    def _each_once(cls, value: tuple[SourceSettings, ...]) -> tuple[SourceSettings, ...]:
        keys = [(each.agency, each.list, each.name) for each in value]
        for agency, name, source in keys:
            if keys.count((agency, name, source)) > 1:
                raise ValueError(f"source {source} of list {agency}/{name} is there twice")
        return value

    def source(self, agency: str, name: str, source: str) -> SourceSettings:
        """The settings of that source, the defaults where it has none."""
        for each in self.sources:
            if (each.agency, each.list, each.name) == (agency, name, source):
                return each
        return SourceSettings.model_validate({"agency": agency, "list": name, "name": source})
