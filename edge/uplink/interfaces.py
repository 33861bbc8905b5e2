"""Which network interface the way to an address goes over, from Linux's own tables.

Formats: /proc/net/route as in net/ipv4/fib_trie.c, with addresses as numbers of the machine's own
byte order in hexadecimal; /proc/net/ipv6_route as in net/ipv6/route.c. Both show the main table.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

_UP = 0x1
_REJECT = 0x200
_ROUTES_V4 = Path("/proc/net/route")
_ROUTES_V6 = Path("/proc/net/ipv6_route")


@dataclass(frozen=True, slots=True)
class Route:
    """A line of a routing table."""

    network: IPv4Network | IPv6Network
    metric: int
    interface: str


def read_interface_to(address: str | None) -> str | None:
    """The interface that leads to a numeric address now; None if that cannot be told."""
    if address is None:
        return None
    try:
        wanted = ip_address(address.partition("%")[0])
        if isinstance(wanted, IPv4Address):
            routes = parse_routes_v4(_ROUTES_V4.read_text(encoding="ascii"))
        else:
            routes = parse_routes_v6(_ROUTES_V6.read_text(encoding="ascii"))
        return interface_to(wanted, routes)
    except (OSError, ValueError):
        return None


def interface_to(
    address: IPv4Address | IPv6Address, routes: Iterator[Route] | list[Route]
) -> str | None:
    """The interface of the most exact route, among equals that of the lowest metric."""
    if address.is_loopback:
        return "lo"
    fitting = [route for route in routes if address in route.network]
    best = max(fitting, key=lambda one: (one.network.prefixlen, -one.metric), default=None)
    return None if best is None else best.interface


def parse_routes_v4(table: str) -> Iterator[Route]:
    """The routes in force.

    Raises:
        ValueError: if the table is written otherwise.
    """
    for line in table.splitlines()[1:]:
        interface, destination, _, flags, _, _, metric, mask, *_ = line.split()
        if int(flags, 16) & _UP and not int(flags, 16) & _REJECT:
            network, bits = _address_v4(destination), _address_v4(mask)
            yield Route(IPv4Network(f"{network}/{bits}"), int(metric), interface)


def parse_routes_v6(table: str) -> Iterator[Route]:
    """The routes in force.

    Raises:
        ValueError: if the table is written otherwise.
    """
    for line in table.splitlines():
        destination, length, _, _, _, metric, _, _, flags, interface = line.split()
        if int(flags, 16) & _UP and not int(flags, 16) & _REJECT:
            network = IPv6Network((int(destination, 16), int(length, 16)))
            yield Route(network, int(metric, 16), interface)


def _address_v4(text: str) -> IPv4Address:
    return IPv4Address(int(text, 16).to_bytes(4, sys.byteorder))
