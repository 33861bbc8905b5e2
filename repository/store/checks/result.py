"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Something that is not as it should be, and what to do about it.

    ``check`` names the rule that is broken. ``severity`` is "wrong", or "advice" for what answers
    rightly but could be better. Nothing here names a plate, a person or a place.
    """

    check: str
    detail: str
    remedy: str
    severity: Literal["wrong", "advice"] = "wrong"
