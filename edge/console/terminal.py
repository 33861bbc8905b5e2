"""The console on a terminal, or as JSON lines for a program that shows it elsewhere."""

from __future__ import annotations

import json
import sys
import threading
from typing import Literal, Protocol, TextIO

import msgspec
import structlog

from edge.console.alerts import Told, alert_text, altered_text, withdrawn_text
from edge.contract.printable import printable
from edge.contract.records import Hit, Read
from edge.vision.frames import Frame
from edge.vision.geometry import Box

_log = structlog.get_logger()

Style = Literal["plain", "json", "none"]


class Console(Protocol):
    """Whoever shows the officer what the unit does. All that is shown is durable already.

    ``frame`` is the one that shows the plate best, ``box`` its place there in pixels.
    """

    def alert(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> None:
        """Ring for hits of a pass that goes on; ``read`` is what was read of it by now."""
        ...

    def show(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box, told: Told) -> None:
        """Show the read of a pass that ended, with its hits; ring for those that did not yet."""
        ...


class TerminalConsole:
    """Writes reads and alerts to a stream as they come."""

    def __init__(self, style: Style, bell: bool, stream: TextIO = sys.stdout) -> None:
        self._style = style
        self._bell = bell
        self._stream = stream
        self._lock = threading.Lock()

    def alert(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> None:
        """Write the alert for each hit."""
        if self._style == "json":
            self._write(_json_line("hit", read, hits, frame, box))
        elif self._style == "plain":
            self._write_lines(
                [alert_text(read, hit) for hit in hits], any(hit.rang for hit in hits)
            )

    def show(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box, told: Told) -> None:
        """Write the read, the alert for each hit that is news, and what of what rang changed."""
        if self._style == "json":
            self._write(_json_line("read", read, hits, frame, box, told))
        elif self._style == "plain":
            news = tuple(hit for hit in hits if hit.id not in told.rang)
            lines = [f"{read.captured_at:%H:%M:%S}  {read.plate:<8} {read.state.code or '--'}  "
                     f"{read.confidence:.0%}"]  # fmt: skip
            lines += [withdrawn_text(read, hit, told.stands.get(hit.id)) for hit in told.withdrawn]
            lines += [altered_text(read, match) for match in told.now.values()]
            lines += [alert_text(read, hit, told.quiet.get(hit.id)) for hit in news]
            stands = any(standing.live for standing in told.stands.values())
            self._write_lines(lines, stands or any(hit.rang for hit in news))

    def _write_lines(self, lines: list[str], rings: bool) -> None:
        """Write what others' names may be in, as it prints; nothing but a hit rings."""
        bell = "\a" if self._bell and rings else ""
        self._write(printable("\n".join(lines)) + bell)

    def _write(self, text: str) -> None:
        try:
            with self._lock:
                self._stream.write(text + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            # Whoever looked has gone; the unit's work goes on.
            self._style = "none"
            _log.warning("nobody reads the console any more: reads are no longer shown")


def _json_line(
    event: Literal["hit", "read"],
    read: Read,
    hits: tuple[Hit, ...],
    frame: Frame,
    box: Box,
    told: Told | None = None,
) -> str:
    line = {
        "event": event,
        "id": str(read.id),
        "camera": read.camera,
        "captured_at": read.captured_at,
        "file": frame.source.encode("utf-8", "replace").decode(),
        "frame": frame.index,
        "plate": read.plate,
        "state": read.state.code,
        "confidence": read.confidence,
        "frames_voted": read.frames,
        "box": [box.x, box.y, box.w, box.h],
        "position": msgspec.to_builtins(read.position),
        "hits": [_json_hit(hit, told) for hit in hits],
    }
    if told is not None:
        line["withdrawn"] = [
            {**_json_hit(hit), "stands": told.stands.get(hit.id)} for hit in told.withdrawn
        ]
    return json.dumps(msgspec.to_builtins(line), separators=(",", ":"))


def _json_hit(hit: Hit, told: Told | None = None) -> dict[str, object]:
    """All that the hit's record says of the match, whether it rang, and by which rule if not."""
    match = hit.match if told is None else told.now.get(hit.id, hit.match)
    said: dict[str, object] = msgspec.to_builtins(match)
    quiet = None if told is None else told.quiet.get(hit.id)
    return {"listed": said.pop("plate"), "rang": hit.rang, "quiet": quiet} | said
