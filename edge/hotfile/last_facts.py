"""What is known of the newest list that was in use, where its file does not open.

The rule of plausible change must outlive the list that it compares with: else whatever comes after
a list of a former format, or a damaged one, is taken. Nothing here is proven: whoever can alter it
could as well remove it.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.hotfile.facts import ListFacts
from edge.hotfile.layout import HEADER_BYTES, MAGIC

_ANY_FORMAT = MAGIC[:-1]


class _Stated(msgspec.Struct, frozen=True):
    """What the headers of all formats have."""

    facts: ListFacts


_noted = msgspec.json.Decoder(ListFacts)
_stated = msgspec.json.Decoder(_Stated)


def noted_facts(path: Path) -> ListFacts | None:
    """The facts that were noted in this file; None if there are none that can be read."""
    try:
        return _noted.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def stated_facts(path: Path) -> ListFacts | None:
    """The facts in the header of a built list of this or a former format; None without any."""
    try:
        with path.open("rb") as file:
            block = file.read(HEADER_BYTES)
        start = len(MAGIC) + 4
        length = int.from_bytes(block[len(MAGIC) : start], "little")
        if not block.startswith(_ANY_FORMAT):
            return None
        return _stated.decode(block[start : start + length]).facts
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
