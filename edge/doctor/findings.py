"""What an examination finds, and what that means for the whole; no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "warning", "fail"]

_LOOK_FURTHER = "if it stays so, restart the daemon, and look into its log"
_ORDER: tuple[Verdict, ...] = ("ok", "warning", "fail")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        check: what was looked at, such as "camera front".
        verdict: ok; warning where the unit works but not for ever or not well; or fail.
        found: what was found.
        do: what to do about it; empty where nothing is to be done.
    """

    check: str
    verdict: Verdict
    found: str
    do: str = ""


def ok(check: str, found: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, "ok", found)


def warning(check: str, found: str, do: str) -> Finding:
    """It works, but not for ever or not well."""
    return Finding(check, "warning", found, do)


def fail(check: str, found: str, do: str) -> Finding:
    """It does not work."""
    return Finding(check, "fail", found, do)


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict on all of them together."""
    return max((one.verdict for one in findings), key=_ORDER.index, default="ok")


def exit_status(findings: Iterable[Finding]) -> int:
    """0 if all is well, 1 if something deserves attention, 2 if something does not work."""
    return _ORDER.index(worst(findings))


def split(sentence: str, otherwise: str = _LOOK_FURTHER) -> tuple[str, str]:
    """What is wrong and what to do, from one of the unit's own sentences, which say both.

    Where a sentence has no remedy of its own, that is ``otherwise``.
    """
    found, separator, do = sentence.rpartition(": ")
    return (found, do) if separator and " " in do else (sentence, otherwise)
