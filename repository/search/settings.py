"""Settings of searching: what is broad, who must agree to it, and for how long."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class SearchSettings(BaseModel):
    """What the law leaves to whoever runs the repository; an agency's own rule may be stricter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    longest_s: float = Field(
        30, gt=0, le=600, description="Seconds after which the database ends a search."
    )
    broad_reads: int = Field(
        2000,
        ge=0,
        description="Reads that a search without a whole plate may at most come to unapproved.",
    )
    broad_area_km2: float = Field(
        25,
        ge=0,
        description="Square kilometres that a search without a plate may cover unapproved; without "
        "a place it covers more, and corners cover the convex hull around them. With three "
        "adjacent characters of a plate, one that covers more must not also span more than "
        "broad_span_days.",
    )
    broad_span_days: float = Field(
        31,
        ge=0,
        description="Days that a search without a plate may span unapproved. With three adjacent "
        "characters of one, one that spans more must not also cover more than broad_area_km2.",
    )
    broad_plate_span_days: float = Field(
        366,
        ge=0,
        description="Days that a search may span unapproved even with a plate or three adjacent "
        "characters of one; 366 stands for any span.",
    )
    approval_valid_h: float = Field(
        24, gt=0, le=24 * 31, description="Hours for which an approval holds."
    )
    approval_runs: int = Field(
        5, ge=1, le=1000, description="Times that an approved search may be run; pages are not."
    )
    approval_wait_h: float = Field(
        24, gt=0, description="Hours after which an undecided proposal becomes a finding."
    )
    emergency_review_h: float = Field(
        72,
        gt=0,
        le=24 * 31,
        description="Hours in which a supervisor reviews a search made in an emergency.",
    )
    offence_required: bool = Field(
        False, description="Whether a criminal investigation must name the suspected crime."
    )
    pasted_cases: int = Field(
        2, ge=1, description="Other cases with the same facts, from which these are refused."
    )
    pasted_days: int = Field(
        180, ge=1, description="Days for which a person's earlier facts are looked at."
    )
    pasted_likeness_percent: float = Field(
        90, gt=50, le=100, description="Likeness from which two texts count as the same."
    )
    second_guess_probability: float = Field(
        0.001,
        gt=0,
        lt=1,
        description="Probability of a plate below which a read's second guess is not shown.",
    )
