"""Text that came from elsewhere, as it may be shown: names that somebody chose are in many errors.

A terminal obeys control characters: with them a name could clear the screen, hide what follows or
pose as lines of our own. Those of C1 and marks that turn the direction of writing do as much.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """The text, its ends of lines kept, with a question mark for all else that does not print."""
    return "".join(char if char.isprintable() or char == "\n" else "?" for char in text)


def on_one_line(text: str) -> str:
    """The text as one line, with a question mark for everything that does not print."""
    return text if text.isprintable() else printable(" ".join(text.splitlines()))


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and its end where it has more than ``longest`` characters."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - 1]}…{text[-end:]}"
