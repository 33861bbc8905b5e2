"""Examples in the help of commands, broken so that a shell takes them as they are printed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

_AS_IT_STANDS = "\b\n"
"""Before a paragraph that click is not to break anew."""

_WORD = re.compile(r"(?:--[a-z-]+ (?!-))?(?:\"[^\"]*\"|\S)+")
"""A word, a quotation, or an option with what it is given."""
_COLUMNS = 76


def with_whole_example(help_text: str) -> str:
    """The help with its example's lines ended by a backslash, and broken between words alone.

    ``help_text`` may be a docstring as it stands in the source.
    """
    plain = inspect.cleandoc(help_text).replace(f"{_AS_IT_STANDS}Example: ", "Example: ")
    return "\n\n".join(
        _AS_IT_STANDS + " \\\n    ".join(_lines(paragraph))
        if paragraph.startswith("Example: ")
        else paragraph
        for paragraph in plain.split("\n\n")
    )


def _lines(paragraph: str) -> Iterator[str]:
    line = ""
    for word in _WORD.findall(" ".join(paragraph.replace("\\\n", "").split())):
        if line and len(line) + 1 + len(word) > _COLUMNS - len("     \\"):
            yield line
            line = word
        else:
            line = f"{line} {word}".lstrip()
    yield line
