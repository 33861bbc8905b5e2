"""Which serial port a receiver is on today: the same plug may have another name after a restart.

A port is named in one of these ways, and several ways may stand in a list, tried in order:

- ``/dev/ttyUSB0``, or a lasting link such as ``/dev/serial/by-id/usb-…``;
- ``/dev/ttyACM*``: every port that fits the pattern;
- ``usb:1546:01a7``: every port of that USB vendor and product, in hexadecimal;
- ``usb-serial:A50285BI``: the port of the USB device with that serial number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

_WILD = re.compile(r"[*?[]")
_USB = re.compile(r"usb:(?P<vendor>[0-9a-fA-F]{4}):(?P<product>[0-9a-fA-F]{4})")
_USB_SERIAL = "usb-serial:"


class UsbPort(Protocol):
    """A port as ``serial.tools.list_ports`` tells it; the numbers are None for other than USB."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


def find_ports(
    names: Sequence[str], list_ports: Callable[[], Iterable[UsbPort]]
) -> tuple[str, ...]:
    """Paths of the ports that these names stand for now, each once, in the order of the names.

    A plain path stands for itself, whether it is there or not.
    """
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys(_find(name, list_ports)))
    return tuple(found)


def _find(name: str, list_ports: Callable[[], Iterable[UsbPort]]) -> list[str]:
    usb = _USB.fullmatch(name)
    if usb is not None:
        wanted = int(usb["vendor"], 16), int(usb["product"], 16)
        return sorted(port.device for port in list_ports() if (port.vid, port.pid) == wanted)
    if name.startswith(_USB_SERIAL):
        number = name.removeprefix(_USB_SERIAL)
        return sorted(port.device for port in list_ports() if port.serial_number == number)
    if not _WILD.search(name):
        return [name]
    root = Path(Path(name).anchor)
    return sorted(str(path) for path in root.glob(name.removeprefix(str(root))))
