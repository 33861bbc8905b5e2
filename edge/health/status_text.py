"""The status in words: what an installer or an officer asks first comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge.health.process import process_lives
from edge.health.status import STALE_AFTER_S, CameraFact, ProcessFact, Status

_LATENCIES = {
    "frame_ms": "work on one frame",
    "frame_to_read_ms": "frame to read",
    "frame_to_alert_ms": "frame to alert",
}
_NO_FIX = {
    "no_receiver": "nothing is heard from a receiver",
    "no_fix": "the receiver has no fix",
    "stale": "the receiver fell silent after a fix",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the daemon that wrote a status still runs, and how long ago it wrote.

    ``silent`` is whether its process is there but writes no longer: it hangs, or its disk refuses.
    """

    runs: bool
    said_ago_s: float
    silent: bool = False

    @classmethod
    def of(
        cls,
        status: Status,
        written_s: float,
        now_s: float,
        lives: Callable[[ProcessFact], bool] = process_lives,
    ) -> Standing:
        """From the moments in seconds since the epoch of the writing and of now.

        A file dated ahead of the clock was written before the clock was set back: nobody can say
        how old it is, and it does not count as fresh. One that is starting writes once.
        """
        ago_s = now_s - written_s
        fresh = status.starting or -STALE_AFTER_S <= ago_s <= STALE_AFTER_S
        alive = lives(status.process) and not status.stopped
        return cls(fresh and alive, ago_s, alive and not fresh)


def status_text(status: Status, standing: Standing) -> str:
    """The status, a fact a line, troubles first."""
    return "\n".join(_lines(status, standing)) + "\n"


def _lines(status: Status, standing: Standing) -> Iterator[str]:
    yield f"{status.agency} {status.unit}, {status.software}"
    if status.starting:
        yield _starting(status, standing)
        return
    yield _running(status, standing)
    yield from _troubles(status)
    yield from _cameras(status)
    yield from _hotlists(status)
    yield _position(status)
    yield _clock(status)
    yield from _storage(status)
    yield from _speed(status)
    yield from _parts(status)


def _starting(status: Status, standing: Standing) -> str:
    if standing.runs:
        return (
            f"starts since {_moment(status.started_at)}: it reads no plate yet; its models are "
            "loaded, which takes seconds on a processor and may take minutes on a GPU"
        )
    ended = "ended" if status.stopped else "was KILLED, or its power cut,"
    return (
        f"The daemon DOES NOT RUN: it {ended} while it started, {_ago(standing)}; 'alpr-edge "
        "doctor' or 'journalctl -u alpr-edge' says why"
    )


def _running(status: Status, standing: Standing) -> str:
    if standing.runs:
        return f"runs since {_moment(status.started_at)} ({_age(status.at - status.started_at)})"
    stands = "was stopped" if status.stopped else "DOES NOT RUN and was not told to stop"
    if standing.silent:
        stands = "runs but CANNOT SAY how it is: its disk refuses to be written to, or it hangs"
    return f"The daemon {stands}. It last spoke {_ago(standing)}; what follows is from then."


def _ago(standing: Standing) -> str:
    side = "ago" if standing.said_ago_s >= 0 else "ahead of the clock"
    return f"{_seconds(abs(standing.said_ago_s))} {side}"


def _troubles(status: Status) -> Iterator[str]:
    if not status.troubles:
        yield "no part is in trouble"
    for part, one in sorted(status.troubles.items(), key=lambda item: item[1].since):
        yield f"TROUBLE {part}, since {_moment(one.since)} ({_age(status.at - one.since)})"
        yield f"        {one.sentence}"


def _cameras(status: Status) -> Iterator[str]:
    for one in status.cameras:
        reads = one.counters.get("reads", 0)
        last_read = "none yet" if one.last_read_s is None else f"{_seconds(one.last_read_s)} ago"
        if _ended(one, status):
            frames = one.counters.get("frames", 0)
            yield f"camera {one.name}: ended; {frames:,} frames, {reads} reads"
        elif one.last_frame_s is None:
            yield f"camera {one.name}: NO PICTURE since the start"
        else:
            yield (
                f"camera {one.name}: {one.frames_per_s:.1f} frames/s, last "
                f"{_seconds(one.last_frame_s)} ago; {reads} reads, last {last_read}"
            )


def _ended(camera: CameraFact, status: Status) -> bool:
    """Whether nothing more comes from it, as from a recording that was read to its end.

    One that failed and is about to be started again is in trouble, and has not ended.
    """
    name = f"camera-{camera.name}"
    part = status.parts.get(name)
    return part is not None and not part.runs and f"part {name}" not in status.troubles


def _hotlists(status: Status) -> Iterator[str]:
    if not status.hotlists:
        yield "hot lists: NONE IN USE, no plate rings"
    for one in status.hotlists:
        age = f"{_seconds(one.age_s)} old"
        loudly = "  *** STALE: update it ***" if one.stale else ""
        if one.stale and one.age_s < 0:
            age = f"dated {_seconds(-one.age_s)} AHEAD of the unit's clock"
            loudly = "  *** its age is NOT KNOWN: check the clock, then the list's date ***"
        yield (
            f"hot list {one.name}: version {one.version}, {one.entries:,} entries, {age}, "
            f"from {one.source}{loudly}"
        )


def _position(status: Status) -> str:
    match status.position.state:
        case "site":
            return "place: a fixed site"
        case "fix":
            satellites = status.position.satellites
            seen = "" if satellites is None else f", {satellites} satellites"
            age = _seconds(status.position.age_s or 0.0)
            return f"place: fix ({status.position.quality}{seen}), {age} old"
        case reason:
            return f"place: NOT KNOWN, {_NO_FIX.get(reason, reason)}"


def _clock(status: Status) -> str:
    error_ms = status.clock.error_ms
    error = "nobody knows how far it is off"
    if error_ms is not None:
        error = f"off by {error_ms:.0f} ms at most"
    source = {
        "unset": "NEVER SET since the start, reads are marked for it",
        "system": "the machine's own, kept by no time service and no GPS",
    }.get(status.clock.source, f"kept by {status.clock.source.upper()}")
    return f"clock: {source}, {error}"


def _storage(status: Status) -> Iterator[str]:
    if (disk := status.disk) is None:
        yield "disk: CANNOT BE ASKED"
    else:
        share = disk.free_bytes / max(1, disk.total_bytes)
        yield f"disk: {_size(disk.free_bytes)} free of {_size(disk.total_bytes)} ({share:.0%})"
    link = "connected" if status.uplink.connected else "NOT CONNECTED"
    link += ", over a link that costs" if status.uplink.metered else ""
    link += "" if status.uplink.uploading else ", uploads at its hour or by 'alpr-edge upload'"
    if (spool := status.spool) is None:
        yield f"uplink: {link}; spool: CANNOT BE READ"
        return
    oldest = spool.oldest_waiting_s
    since = "" if oldest is None else f", oldest from {_seconds(oldest)} ago"
    yield (
        f"uplink: {link}; {spool.waiting} records wait{since} ({spool.hits_waiting} of them hits), "
        f"{spool.pictures_waiting} pictures; {spool.receipted} of {spool.spooled} receipted, "
        f"{spool.refused} refused"
    )
    if spool.withheld:
        rules = ", ".join(f"{number} by {rule}" for rule, number in sorted(spool.withheld.items()))
        yield f"withheld from the repository: {rules}; {spool.withheld_kept} still on the unit"
    if spool.lost:
        yield f"spool: {spool.lost} records LOST to damage"
    if spool.pictures_gave_way:
        yield f"spool: {spool.pictures_gave_way} pictures gave way for want of room"


def _speed(status: Status) -> Iterator[str]:
    for what, title in _LATENCIES.items():
        if (one := status.durations.get(what)) is not None:
            yield (
                f"{title}: median {one.p50_ms:.0f} ms, 95% within {one.p95_ms:.0f} ms, "
                f"{one.count} times"
            )
    if "ready_s" in status.reached:
        first = status.reached.get("first_frame_s")
        frame = "no frame yet" if first is None else f"first frame after {first:.1f} s"
        yield f"start: ready after {status.reached['ready_s']:.1f} s, {frame}"


def _parts(status: Status) -> Iterator[str]:
    again = {name: one.restarts for name, one in status.parts.items() if one.restarts}
    if again:
        named = ", ".join(f"{name} {times}" for name, times in again.items())
        yield f"started again since the start: {named}"
    counted = {name: number for name, number in sorted(status.counters.items()) if number}
    yield "counted: " + ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in counted.items())
    yield (
        f"process {status.process.pid}: {_size(status.process.memory_bytes)} of memory, "
        f"{status.process.threads} threads, {status.process.open_files} open files"
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _age(age: timedelta) -> str:
    return _seconds(age.total_seconds())


def _seconds(seconds: float) -> str:
    """A duration as people say it."""
    for unit_s, unit in ((86_400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{max(seconds, 0.0):.1f} s"


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
