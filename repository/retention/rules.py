"""When a read expires: pure arithmetic on the calendar.

A read expires so many years after its capture, to the microsecond, in UTC. A read of 29 February
expires, in a year that has none, at the first moment of 1 March: never early, and in the order of
capture, so that one moment parts what is expired from what is not.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from repository.errors import RepositoryError

_STEP = timedelta(microseconds=1)
_KEYS = {"name", "source", "keep_years"}
_MAX_YEARS = 100


class RetentionRuleError(RepositoryError):
    """A rule's file is missing or says something that no rule says."""


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """A rule, where it comes from, and the SHA-256 of the file that says it."""

    name: str
    source: str
    keep_years: int
    sha256: str

    def expires_at(self, captured_at: datetime) -> datetime:
        """The first moment at which a read of that moment is no longer kept."""
        return _add_years(captured_at.astimezone(UTC), self.keep_years)

    def expired_before(self, now: datetime) -> datetime:
        """The moment of capture that parts, at ``now``, what is expired from what is not.

        Reads captured before it have expired, those captured at it or later have not.
        """
        now = now.astimezone(UTC)
        # The last capture that can have expired is not later than this: whole years back, on a
        # leap day's account never beyond 1 March.
        last = _add_years(now, -self.keep_years)
        while self.expires_at(last) > now:
            last -= _STEP
        return last + _STEP


def load_rule(path: Path) -> RetentionRule:
    """The rule in that file.

    Raises:
        RetentionRuleError: if it cannot be read or is not a rule; the text names the key.
    """
    try:
        content = path.read_bytes()
        table = tomllib.loads(content.decode())
    except OSError as error:
        raise RetentionRuleError(f"retention rule {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RetentionRuleError(f"retention rule {path}: not TOML: {error}") from error
    for key in sorted(table.keys() ^ _KEYS):
        what = "is missing" if key in _KEYS else "is not a setting of a rule"
        raise RetentionRuleError(f"retention rule {path}: {key}: {what}")
    years = table["keep_years"]
    if type(years) is not int or not 1 <= years <= _MAX_YEARS:
        raise RetentionRuleError(
            f"retention rule {path}: keep_years: needs a whole number from 1 to {_MAX_YEARS}"
        )
    for key in ("name", "source"):
        if not isinstance(table[key], str) or not table[key]:
            raise RetentionRuleError(f"retention rule {path}: {key}: needs a text")
    return RetentionRule(table["name"], table["source"], years, hashlib.sha256(content).hexdigest())


def _add_years(moment: datetime, years: int) -> datetime:
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:  # 29 February of a year that has none
        return moment.replace(
            year=moment.year + years, month=3, day=1, hour=0, minute=0, second=0, microsecond=0
        )
