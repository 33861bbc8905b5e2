"""Why a camera of this machine gives no picture, and what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_NAMED = "/dev/video{}"


def device_fault(number_or_path: int | str) -> str:
    """A sentence for whoever stands before the unit, told from what opening the device says.

    To open it does not disturb a program that uses it.
    """
    named = number_or_path if isinstance(number_or_path, str) else _NAMED.format(number_or_path)
    path, camera = Path(named), f"camera device {named}"
    try:
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        there = ", ".join(sorted(str(one) for one in path.parent.glob("video*")))
        return (
            f"{camera} is not there, {f'but {there}' if there else 'nor any other'}: plug the "
            "camera in, and name the device that 'ls /dev/video*' then shows in its source"
        )
    except PermissionError:
        return (
            f"this user may not open {camera}: add the daemon's user to the device's group, with "
            "'usermod -aG video plateward' where that is video, and start the daemon anew"
        )
    except OSError as error:
        if error.errno != errno.EBUSY:
            return (
                f"{camera} does not open ({error.strerror}): unplug the camera, plug it in again, "
                "and try another cable and port if it stays so"
            )
    return (
        f"{camera} is there and gives no picture: end the program that uses it, which 'fuser -v "
        f"{named}' names; if there is none, name another device of 'ls /dev/video*', since a "
        "camera may have several"
    )
