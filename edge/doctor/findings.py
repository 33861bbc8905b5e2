"""What an examination finds, and what that means for the whole; no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Verdict = Literal["ok", "warning", "fail"]

LOOK_FURTHER = "restart the daemon; if it stays so, 'journalctl -u alpr-edge' says more"
_ORDERS = (
    "accept|add|ask|bring|build|change|check|choose|compare|connect|copy|correct|enrol|export|fetch"
    "|find|free|give|import|install|issue|let|look|lower|make|mend|name|plug|put|raise|remove"
    "|replace|report|restart|restore|run|see|set|start|stop|switch|take|try|uncover|update|use"
    "|wait|wipe|write|have (?:a|an|it|one|the)|end (?:it|that|the|those)"
)
"""How the instructions in the unit's own sentences begin."""

_INSTRUCTION = re.compile(rf"[:;.] (?P<do>(?:if [^,:;]+, )?(?:{_ORDERS})\b.*)", re.IGNORECASE)
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


def own(path: Path | str) -> str:
    """What to do where this user may not do with a file what the daemon must."""
    return (
        "run this as the daemon's user (runuser -u plateward -- alpr-edge doctor); if you did, "
        f"give that user the file: chown -R plateward {path}"
    )


def split(sentence: str, otherwise: str = LOOK_FURTHER) -> tuple[str, str]:
    """What is wrong and what to do, from one of the unit's own sentences, which may say both.

    What to do is what follows from the first instruction on. Where a sentence has none, as one
    that ends with what the system said of a file, that is ``otherwise``.
    """
    said = _INSTRUCTION.search(sentence)
    if said is None:
        return sentence, otherwise
    do = said["do"]
    return sentence[: said.start()], do[:1].lower() + do[1:]
