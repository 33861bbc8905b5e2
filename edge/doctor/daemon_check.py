"""Whether the daemon runs, and what it says of itself."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from edge.doctor.data_checks import LIST_PARTS
from edge.doctor.findings import Finding, fail, ok, split, warning
from edge.health.receipt_watch import PART as RECEIPTS
from edge.health.status import STATUS_FILE, Status, StatusError, read_status
from edge.health.status_text import Standing

_LOG = "report what 'journalctl -u alpr-edge' says to whoever supplies the software"
_LISTS = "see what is said of the hot list"
_DISK = (
    "see what is said of the disk and the spool; if nothing, restart the daemon: systemctl restart "
    "alpr-edge"
)
_REMEDIES = (
    ("engine providers", "correct engine.providers in the settings, or install what it names"),
    ("engine ", f"run 'alpr-edge models check'; if it finds nothing, {_LOG}"),
    ("picture ", "look at the camera, then run 'alpr-edge aim' with its name"),
    ("lines of hot list ", "correct those lines where the list is made, or the list's columns"),
    ("hot list update", "check the way to the repository, and [hotlist_updates] in the settings"),
    ("hot list forced", "ask who did that; the next version that is in order takes its place"),
    ("hot list local", _DISK),
    ("hot list ", _LISTS),
    ("keeping of hot list", _LISTS),
    ("clock ", "let the unit hear GPS or reach a time server"),
    ("uplink link", "see what is said of the broker"),
    ("uplink certificate", "see what is said of the certificate"),
    ("uplink spool", _DISK),
    ("uplink ", "see what is said of the keys, the certificate and the broker"),
    ("reads to be withheld", "correct the files that uplink.filters names, one plate a line"),
    ("former key", "remove spool.key.former from the keys' folder, as its owner"),
    ("metrics", "correct metrics.address and metrics.port, and restart the daemon"),
    ("part ", f"restart the daemon: systemctl restart alpr-edge; if it stays so, {_LOG}"),
    ("silence of ", "wait a minute: the daemon starts anew; replace the device that hangs again"),
    ("", _DISK),
)
"""What to do about a trouble that does not say it itself, by how its part's name begins."""

_MEMORY_WARNING_BYTES = 2 * 2**30


def running_status(data: Path) -> Status | None:
    """What the daemon said of itself last; None if it does not run."""
    status, standing = _told(data)
    return status if standing is not None and (standing.runs or standing.silent) else None


def _told(data: Path) -> tuple[Status | None, Standing | None]:
    try:
        status, written_s = read_status(data / STATUS_FILE)
    except StatusError:
        return None, None
    return status, Standing.of(status, written_s, time.time())


def check_daemon(status: Status | None, data: Path, lists: Collection[str]) -> Iterator[Finding]:
    """Whether it runs, who asks, and every trouble that no other check looks into.

    ``lists`` are the names of the hot lists that another check looks at.
    """
    yield from _check_user(data)
    if status is None:
        before, _ = _told(data)
        untold = "" if before is None or before.stopped else ", though nobody told it to stop"
        yield warning(
            "daemon",
            f"it does not run{untold}; devices are opened here instead",
            "start it: systemctl start alpr-edge; if it ends again, journalctl -u alpr-edge says "
            "why",
        )
        return
    if status.starting:
        yield warning(
            "daemon",
            f"it starts since {status.started_at:%Y-%m-%d %H:%M:%S} UTC; its cameras and its "
            "receiver are not looked at until it runs",
            "wait until it has loaded its models, which may take minutes on a GPU; then ask again",
        )
        return
    _, standing = _told(data)
    if standing is not None and standing.silent:
        yield fail(
            "daemon",
            f"it runs but has not said how it is for {abs(standing.said_ago_s):.0f} s: its disk "
            "refuses to be written to, or it hangs; what follows is from then",
            f"make room on the disk of {data}; if there is room, systemctl restart alpr-edge",
        )
    yield from judge_daemon(status, lists)


def judge_daemon(status: Status, lists: Collection[str]) -> Iterator[Finding]:
    """What a running daemon's status says of itself."""
    told = {"gps", "clock", *(start + name for start in LIST_PARTS for name in lists)}
    yield ok("daemon", f"it runs since {status.started_at:%Y-%m-%d %H:%M} UTC")
    for part, trouble in status.troubles.items():
        if part not in told and not part.startswith("camera "):
            otherwise = next(do for start, do in _REMEDIES if part.startswith(start))
            found, do = split(trouble.sentence, otherwise)
            if part == "uplink link" and do != otherwise:
                own = "" if "alpr-edge doctor" in do else f"; if all is well there, {do}"
                do = otherwise + own
            yield fail(f"daemon: {part}", f"since {trouble.since:%Y-%m-%d %H:%M} UTC: {found}", do)
    yield from _judge_receipts(status)
    if status.process.memory_bytes > _MEMORY_WARNING_BYTES:
        yield warning(
            "daemon: memory",
            f"it takes {status.process.memory_bytes / 2**30:.1f} GiB",
            "watch whether it grows from day to day; if it does, report that",
        )
    again = sum(part.restarts for part in status.parts.values())
    if again:
        yield warning(
            "daemon: restarts",
            f"parts of it were started again {again} times",
            "look in the log for 'unforeseen fault' and report what it says",
        )


def _judge_receipts(status: Status) -> Iterator[Finding]:
    """Whether anybody but the repository wrote on the unit's receipt topic since the start."""
    counts = status.uplink.counts
    strange = sum(
        counts.get(what, 0) for what in ("receipts_forged", "receipts_malformed", "links_left")
    )
    if RECEIPTS in status.troubles:
        return  # it is among the troubles
    if not strange:
        yield ok("receipts", "everything on the unit's receipt topic was the repository's")
        return
    yield warning(
        "receipts",
        f"{strange} messages on the unit's receipt topic were not the repository's, none of them "
        "within the last hour; they did nothing",
        "somebody else could write there: check the broker's access rules",
    )


def _check_user(data: Path) -> Iterator[Finding]:
    try:
        owner = data.stat().st_uid
    except OSError:
        return
    if owner != os.geteuid():
        yield warning(
            "user",
            f"you are not the user who owns {data}: what that user may do cannot be told",
            "run as the daemon's user: runuser -u plateward -- alpr-edge doctor",
        )
