"""The console on a terminal, or as JSON lines for a program that shows it elsewhere."""

from __future__ import annotations

import sys
import threading
from typing import Literal, Protocol, TextIO

import msgspec
import structlog

from edge.console.alerts import alert_text
from edge.contract.records import Hit, Read
from edge.vision.frames import Frame
from edge.vision.geometry import Box

_log = structlog.get_logger()

Style = Literal["plain", "json", "none"]


class Console(Protocol):
    """Whoever shows the officer what the unit does."""

    def show(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> None:
        """Show a read that is durable already, and ring for its hits.

        ``frame`` is the one that shows the plate best, ``box`` its place there in pixels.
        """
        ...


class TerminalConsole:
    """Writes reads and alerts to a stream as they come."""

    def __init__(self, style: Style, bell: bool, stream: TextIO = sys.stdout) -> None:
        self._style = style
        self._bell = bell
        self._stream = stream
        self._lock = threading.Lock()

    def show(self, read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> None:
        """Write the read, and the alert for each hit that rings."""
        if self._style == "none":
            return
        if self._style == "json":
            text = _json_line(read, hits, frame, box)
        else:
            state = read.state.code or "--"
            lines = [f"{read.captured_at:%H:%M:%S}  {read.plate:<8} {state}  {read.confidence:.0%}"]
            lines += [alert_text(read, hit) for hit in hits]
            text = "\n".join(lines)
            if self._bell and any(hit.rang for hit in hits):
                text += "\a"
        try:
            with self._lock:
                self._stream.write(text + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            # Whoever looked has gone; the unit's work goes on.
            self._style = "none"
            _log.warning("nobody reads the console any more: reads are no longer shown")


def _json_line(read: Read, hits: tuple[Hit, ...], frame: Frame, box: Box) -> str:
    line = {
        "event": "read",
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
        "hits": [
            {
                "kind": hit.match.kind,
                "how": hit.match.how,
                "listed": hit.match.plate,
                "rang": hit.rang,
            }
            for hit in hits
        ],
    }
    return msgspec.json.encode(line).decode()
