"""What is known of one issue of a hot list, and whether it may take another's place."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from edge.hotfile.errors import HotfileError
from edge.hotfile.settings import ChangeRule

ListOrigin: TypeAlias = Literal["repository", "usb", "file", "local"]
Implausible: TypeAlias = Literal["older", "shrunk", "grown"]

FUTURE_TOLERANCE_S = 300.0
"""How far ahead of the unit's clock a list may be dated before its age means nothing."""


class LeftOut(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The lines of a department's file that make no entry: how many, and the first in words."""

    lines: int
    first: str


class ListFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One issue of a hot list.

    ``number`` is the repository's, ``version`` how officers see it. ``sha256`` is that of the
    file it was built from, ``source`` where the unit had that from. ``recipe`` names the settings
    by which a department's file was read: with others it would make another list. ``left_out``
    is there if lines of it were. A built file's key is bound to its facts as they were written: a
    field that is new must be left out where nothing is said by it.
    """

    name: str
    version: str
    number: int | None
    sha256: str
    issued_at: datetime
    source: ListOrigin
    entries: int
    recipe: str = ""
    left_out: LeftOut | msgspec.UnsetType = msgspec.UNSET

    @property
    def rejected(self) -> int:
        """How many lines of the department's file make no entry."""
        return 0 if self.left_out is msgspec.UNSET else self.left_out.lines

    def age(self, now: datetime) -> timedelta:
        """Time since the list was issued; negative if it is dated ahead of the clock."""
        return now - self.issued_at

    def stale(self, now: datetime, max_age_s: float) -> bool:
        """Whether the list is too old to be relied on.

        A list dated well ahead of the clock counts as stale: it would look fresh for ever.
        """
        return not -FUTURE_TOLERANCE_S <= self.age(now).total_seconds() <= max_age_s


class ImplausibleListError(HotfileError):
    """A list that may not take the place of the one in use; ``why`` is what to allow if it may."""

    def __init__(self, why: Implausible, sentence: str) -> None:
        super().__init__(sentence)
        self.why = why


def require_plausible(
    new: ListFacts,
    in_use: ListFacts | None,
    rule: ChangeRule,
    allow: Collection[Implausible] = (),
) -> None:
    """Refuse a list that is older than the one in use, or changes its size by more than allowed.

    ``in_use`` may be one that does not open any more: what was known of it still holds. A list of
    fewer entries than the rule begins at may change by any share. Only one that somebody signed may
    come to nothing: a department's file without lines is more likely cut off.

    Raises:
        ImplausibleListError: if it is, and ``allow`` does not name why.
    """
    if in_use is None:
        return
    before, after = in_use.entries, new.entries
    earlier = new.issued_at < in_use.issued_at
    if new.number is not None and in_use.number is not None:
        earlier = earlier or new.number < in_use.number
    if earlier and "older" not in allow:
        raise ImplausibleListError(
            "older",
            f"hot list {new.name}: version {new.version}, issued {new.issued_at:%Y-%m-%d %H:%M}"
            f" UTC, is older than version {in_use.version}, which this unit has had; what is in use"
            " stays",
        )
    why: Implausible | None = None
    if before and not after and new.source == "file":
        why = "shrunk"
    elif before < rule.from_entries:
        return
    elif after < before * (1 - rule.max_share):
        why = "shrunk"
    elif after > before * (1 + rule.max_share):
        why = "grown"
    if why is not None and why not in allow:
        raise ImplausibleListError(
            why,
            f"hot list {new.name}: version {new.version} has {after} entries, version"
            f" {in_use.version} before it {before}, a change of more than {rule.max_share:.0%};"
            " what is in use stays; check the list, and if it is right take it from its file or a"
            " stick: 'alpr-edge hotfile import PATH --force --reason WHY'",
        )
