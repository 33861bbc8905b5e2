"""Runs checks side by side, each within its time; a check that hangs is itself a finding."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from edge.doctor.findings import Finding, fail, own, split
from edge.errors import EdgeError


@dataclass(frozen=True, slots=True)
class Check:
    """Something to look at.

    Args:
        name: what it is about.
        look: looks, and gives what was found.
        limit_s: longest that may take.
    """

    name: str
    look: Callable[[], Iterable[Finding]]
    limit_s: float = 20.0


def examine(checks: Sequence[Check], on_done: Callable[[Check, float], None]) -> list[Finding]:
    """What all the checks found, in their order; ``on_done`` is told of each as it ends.

    Each check has a thread of its own. One that takes longer than it may is left behind: it may
    hang in a driver, and nothing here can end that.
    """
    done: SimpleQueue[tuple[int, list[Finding]]] = SimpleQueue()
    began_s = time.monotonic()
    for number, check in enumerate(checks):
        threading.Thread(
            target=_look, args=(number, check, done), name=f"check {check.name}", daemon=True
        ).start()
    found: dict[int, list[Finding]] = {}
    while len(found) < len(checks):
        elapsed_s = time.monotonic() - began_s
        waiting = [n for n in range(len(checks)) if n not in found]
        for number in waiting:
            if elapsed_s >= checks[number].limit_s:
                found[number] = [_too_long(checks[number])]
                on_done(checks[number], elapsed_s)
        left_s = [checks[n].limit_s - elapsed_s for n in waiting if n not in found]
        if not left_s:
            break
        try:
            number, findings = done.get(timeout=max(0.01, min(left_s)))
        except Empty:
            continue
        if number not in found:
            found[number] = findings
            on_done(checks[number], time.monotonic() - began_s)
    return [finding for number in range(len(checks)) for finding in found[number]]


def _look(number: int, check: Check, done: SimpleQueue[tuple[int, list[Finding]]]) -> None:
    try:
        findings = list(check.look())
    except EdgeError as error:
        findings = [fail(check.name, *split(str(error)))]
    except OSError as error:
        findings = [_refused(check.name, error)]
    except Exception as error:  # noqa: BLE001 - whatever one check does, the others are shown
        # The type alone: what an unforeseen error says may hold a secret.
        findings = [
            fail(
                check.name,
                f"the check itself failed ({type(error).__name__})",
                "report this with the daemon's log to whoever supplies the software",
            )
        ]
    done.put((number, findings))


def _refused(check: str, error: OSError) -> Finding:
    """What the system refused that no check foresaw; of an error, the file's name and no more."""
    found = f"the system refuses {error.filename or 'it'} ({error.strerror})"
    if error.errno in (errno.EACCES, errno.EPERM):
        return fail(check, found, own(error.filename or "the unit's files"))
    return fail(
        check, found, "look into dmesg for errors of the disk; if there are any, replace the disk"
    )


def _too_long(check: Check) -> Finding:
    return fail(
        check.name,
        f"no answer within {check.limit_s:.0f} s: a driver, a disk or the network holds it up",
        "try again; if it stays so, unplug and replug the device, or restart the machine",
    )
