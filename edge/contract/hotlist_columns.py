"""Which column of a hot list's CSV file holds what, and what the words in it mean.

How the settings say so, and where, is each program's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from edge.contract.records import HotlistKind

KINDS: tuple[HotlistKind, ...] = get_args(HotlistKind)
FIELDS = ("entry", "plate", "state", "kind", "priority", "entered", "expires", "note")

_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


class UnusableFileError(Exception):
    """The whole file cannot be used; the text continues a sentence that names it."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns in the file's first line, compared without regard to case.

    ``names`` has one for each of `FIELDS`. Those that are ``named`` by the settings must be in the
    file, since a mistyped ``expires`` would let entries ring that have ended; so must the plate's;
    any other may be missing. ``kinds`` are the list's own words for kinds. Times that name no zone
    are in ``time_zone``. ``setting`` says where an administrator names the columns.
    """

    names: Mapping[str, str]
    named: Collection[str]
    kinds: Mapping[str, HotlistKind]
    default_kind: HotlistKind
    default_priority: int
    time_zone: str
    setting: str

    def places(self, header: Sequence[str]) -> dict[str, int]:
        """Where in a row each field of an entry stands, by the names in the first line.

        Raises:
            UnusableFileError: if a column is missing, or there twice.
        """
        titles = [title.strip().casefold() for title in header]
        places: dict[str, int] = {}
        for field in FIELDS:
            name = self.names[field]
            if titles.count(name.casefold()) > 1:
                raise UnusableFileError(f"has column {name!r} twice")
            if name.casefold() in titles:
                places[field] = titles.index(name.casefold())
            elif field == "plate" or field in self.named:
                for separator, called in _OTHER_SEPARATORS.items():
                    if len(header) == 1 and separator in header[0]:
                        raise UnusableFileError(
                            f"has its columns parted by {called}; save it as CSV with commas"
                        )
                raise UnusableFileError(
                    f"has no column {name!r}; name the one it has as {field} under {self.setting}"
                )
        return places

    def kind_of(self, word: str) -> HotlistKind | None:
        """The kind that a word of the file means; None if it means none."""
        wanted = word.casefold()
        for own, kind in self.kinds.items():
            if own.casefold() == wanted:
                return kind
        plain = wanted.replace(" ", "_").replace("-", "_")
        return next((kind for kind in KINDS if kind == plain), None)
