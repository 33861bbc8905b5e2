"""An agency's own, stricter rule of searching (policy F-local). Pure.

It is for the agency's people, wherever they search, and for the agency's reads, whoever searches.
Nothing in it can make the general rule milder: of two numbers the stricter counts.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from repository.errors import RepositoryError
from repository.search.errors import SearchRefusedError
from repository.search.purpose import PurposeKind
from repository.search.settings import SearchSettings

_MAX_BYTES = 64 * 1024


class LocalSearchRuleError(RepositoryError):
    """A rule of searching that cannot be taken; the text names the key."""


class LocalSearchRule(BaseModel):
    """What an agency forbids or narrows; None and the defaults leave the general rule as it is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=200, description="What the rule is called.")
    source: str = Field(min_length=1, max_length=500, description="The ordinance or order.")
    purposes: tuple[PurposeKind, ...] | None = Field(
        None, description="The purposes that are allowed; none else."
    )
    associations: bool = Field(True, description="Whether plates seen together may be asked for.")
    outside_requests: bool = Field(
        True, description="Whether searches are made for people of other agencies."
    )
    emergencies: bool = Field(
        True, description="Whether an emergency lets a search run before its approval."
    )
    approval_always: bool = Field(False, description="Whether every search needs an approval.")
    offence_required: bool = Field(
        False, description="Whether a criminal investigation must name the suspected crime."
    )
    longest_window_days: float | None = Field(
        None, gt=0, description="The longest window of time that a search may have."
    )
    oldest_days: float | None = Field(
        None,
        gt=0,
        le=36_500,
        description="The age from which the agency's reads are found no more.",
    )
    broad_reads: int | None = Field(None, ge=0)
    broad_area_km2: float | None = Field(None, ge=0)
    broad_span_days: float | None = Field(None, ge=0)
    broad_plate_span_days: float | None = Field(None, ge=0)
    approval_valid_h: float | None = Field(None, gt=0)
    approval_runs: int | None = Field(None, ge=1)
    emergency_review_h: float | None = Field(None, gt=0)

    def as_json(self) -> str:
        """The rule in its canonical form (RFC 8785), for the database."""
        return rfc8785.dumps(self.model_dump(mode="json")).decode()

    @property
    def sha256(self) -> str:
        """Digest of that form."""
        return hashlib.sha256(self.as_json().encode()).hexdigest()


_LESS_IS_STRICTER = (
    "broad_reads",
    "broad_area_km2",
    "broad_span_days",
    "broad_plate_span_days",
    "approval_valid_h",
    "approval_runs",
    "emergency_review_h",
)


def load_rule(path: Path) -> LocalSearchRule:
    """The rule in a TOML file.

    Raises:
        LocalSearchRuleError: if it cannot be read or is none.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise LocalSearchRuleError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        if len(content) > _MAX_BYTES:
            raise LocalSearchRuleError(f"{path}: larger than {_MAX_BYTES} bytes")
        return LocalSearchRule.model_validate(tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LocalSearchRuleError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise LocalSearchRuleError(f"{path}: {place}: {first['msg']}") from error


def stricter(general: SearchSettings, rule: LocalSearchRule | None) -> SearchSettings:
    """The settings for people of an agency with that rule: of each number the stricter."""
    if rule is None:
        return general
    changes: dict[str, Any] = {
        name: min(getattr(general, name), own)
        for name in _LESS_IS_STRICTER
        if (own := getattr(rule, name)) is not None
    }
    changes["offence_required"] = general.offence_required or rule.offence_required
    return general.model_copy(update=changes)


def check_purpose(rule: LocalSearchRule, purpose: PurposeKind) -> None:
    """See that the rule of the asker's own agency has that purpose.

    Raises:
        SearchRefusedError: naming the rule and the purposes it has.
    """
    if rule.purposes is not None and purpose not in rule.purposes:
        raise SearchRefusedError(
            f"purpose: {_by(rule)} allows only {', '.join(rule.purposes) or 'none'}"
        )


def check_question(
    rule: LocalSearchRule, *, window: timedelta | None, together: bool, emergency: bool
) -> None:
    """See that the rule of the asker's own agency lets such a question be put.

    Raises:
        SearchRefusedError: naming the rule and what it forbids.
    """
    if together and not rule.associations:
        raise SearchRefusedError(f"together: {_by(rule)} allows no questions of association")
    if emergency and not rule.emergencies:
        raise SearchRefusedError(
            f"emergency: {_by(rule)} wants an approval first, in emergencies too"
        )
    longest = rule.longest_window_days
    if longest is not None and (window is None or window > timedelta(days=longest)):
        raise SearchRefusedError(f"from: {_by(rule)} allows a window of at most {longest:g} days")


def _by(rule: LocalSearchRule) -> str:
    return f"your agency's own rule ({rule.name})"


def closed_to(
    rules: Mapping[int, LocalSearchRule], purpose: PurposeKind, now: datetime, *, together: bool
) -> Mapping[int, datetime | None]:
    """The agencies whose reads are closed to such a search, by their own rules.

    None closes all of an agency's reads, a moment those captured before it.
    """
    closed: dict[int, datetime | None] = {}
    for agency_id, rule in rules.items():
        if (rule.purposes is not None and purpose not in rule.purposes) or (
            together and not rule.associations
        ):
            closed[agency_id] = None
        elif rule.oldest_days is not None:
            closed[agency_id] = now - timedelta(days=rule.oldest_days)
    return closed
