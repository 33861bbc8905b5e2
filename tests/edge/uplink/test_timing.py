"""When the unit uploads and over which links pictures go, as the administrator set it."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from pydantic import ValidationError

from edge.schedule import Schedule
from edge.spool.pictures import Standing
from edge.uplink.interfaces import (
    interface_to,
    parse_routes_v4,
    parse_routes_v6,
    read_interface_to,
)
from edge.uplink.messages import Allowed
from edge.uplink.timing import LinkCost, UploadRule, Wish
from edge.uplink.upload_settings import UploadSettings

NIGHT = Schedule.of("America/New_York", ["mon", "tue", "wed", "thu", "fri"], ["22:00-05:00"])
MIDDAY = datetime(2026, 3, 4, 17, tzinfo=UTC)
AT_NIGHT = datetime(2026, 3, 5, 4, tzinfo=UTC)
ALL, HITS = Standing.ORDINARY, Standing.HIT_SCENE


@pytest.mark.policy("C-7a")
@pytest.mark.policy("G-14")
@pytest.mark.parametrize(
    ("rule", "now", "wish", "allowed"),
    [
        (UploadRule(), MIDDAY, "none", Allowed(True, True, ALL)),
        (UploadRule(), None, "none", Allowed(True, True, ALL)),
        (UploadRule(schedule=NIGHT), MIDDAY, "none", Allowed(True, False, None)),
        (UploadRule(schedule=NIGHT), AT_NIGHT, "none", Allowed(True, True, ALL)),
        (UploadRule(schedule=NIGHT), None, "none", Allowed(True, False, None)),
        (UploadRule(schedule=NIGHT), MIDDAY, "upload", Allowed(True, True, ALL)),
        (
            UploadRule(schedule=NIGHT, hits_at_once=False),
            MIDDAY,
            "none",
            Allowed(False, False, None),
        ),
        (UploadRule(on_command=True), AT_NIGHT, "none", Allowed(True, False, None)),
        (UploadRule(on_command=True), AT_NIGHT, "upload", Allowed(True, True, ALL)),
        (UploadRule(on_command=True, hits_at_once=False), None, "upload", Allowed(True, True, ALL)),
        (UploadRule(on_command=True), None, "everything", Allowed(True, True, ALL)),
    ],
)
def test_records_go_when_the_administrator_says_and_hits_at_once(
    rule: UploadRule, now: datetime | None, wish: Wish, allowed: Allowed
) -> None:
    assert rule.allowed(now, wish, metered=False) == allowed


@pytest.mark.parametrize(
    ("pictures", "metered", "wish", "least"),
    [
        ("now", True, "none", ALL),
        ("unmetered", True, "none", None),
        ("unmetered", False, "none", ALL),
        ("unmetered", True, "upload", None),
        ("hits", True, "none", HITS),
        ("hits", False, "none", ALL),
        ("command", False, "none", None),
        ("command", True, "upload", ALL),
        ("unmetered", True, "everything", ALL),
        ("command", True, "everything", ALL),
    ],
)
def test_pictures_go_by_the_cost_of_the_link_and_records_always(
    pictures: Any, metered: bool, wish: Wish, least: Standing | None
) -> None:
    allowed = UploadRule(pictures=pictures).allowed(MIDDAY, wish, metered=metered)
    assert allowed == Allowed(True, True, least)


@pytest.mark.parametrize(
    ("cost", "interface", "metered"),
    [
        (LinkCost(), "wwan0", False),
        (LinkCost(), None, False),
        (LinkCost(metered=("wwan*",)), "wwan0", True),
        (LinkCost(metered=("wwan*",)), "wlan0", False),
        (LinkCost(metered=("wwan*",)), None, True),
        (LinkCost(unmetered=("wlan0", "eth*")), "eth1", False),
        (LinkCost(unmetered=("wlan0", "eth*")), "wwan0", True),
        (LinkCost(metered=("wlan1",), unmetered=("wlan*",)), "wlan1", True),
    ],
)
def test_a_link_that_is_not_known_to_be_free_costs(
    cost: LinkCost, interface: str | None, metered: bool
) -> None:
    assert cost.is_metered(interface) is metered


# A car at its depot: Wi-Fi and modem both have a default route, the modem's of a higher metric;
# a host beyond the modem has a route of its own; one network is shut off.
V4 = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "wwan0\t00000000\t0100000A\t0003\t0\t0\t700\t00000000\t0\t0\t0\n"
    "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
    "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
    "wwan0\t071200CB\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n"
    "eth0\t000000AC\t00000000\t0000\t0\t0\t0\t000000FF\t0\t0\t0\n"
)
V6 = (
    "20010db8000000000000000000000000 20 " + "0" * 32 + " 00 " + "0" * 32
    + " 00000100 00000001 00000000 00000001 wwan0\n"
    + "0" * 32 + " 00 " + "0" * 32 + " 00 fe800000000000000000000000000001"
    " 00000400 00000002 00000000 00000003 wlan0\n"
    + "0" * 32 + " 00 " + "0" * 32 + " 00 " + "0" * 32
    + " ffffffff 00000001 00000000 00200200 lo\n"
)  # fmt: skip


@pytest.mark.parametrize(
    ("address", "interface"),
    [
        ("198.51.100.7", "wlan0"),
        ("192.168.1.9", "wlan0"),
        ("203.0.18.7", "wwan0"),
        ("172.16.0.1", "wlan0"),  # its own route is down
        ("127.0.0.1", "lo"),
    ],
)
def test_the_most_exact_route_tells_the_interface(address: str, interface: str) -> None:
    assert interface_to(ip_address(address), parse_routes_v4(V4)) == interface


def test_routes_of_ipv6_tell_it_too() -> None:
    assert interface_to(ip_address("2001:db8::1"), parse_routes_v6(V6)) == "wwan0"
    assert interface_to(ip_address("2600::1"), parse_routes_v6(V6)) == "wlan0"


def test_this_machines_own_tables_are_understood() -> None:
    assert read_interface_to("127.0.0.1") == "lo"
    assert read_interface_to("::1") == "lo"
    assert read_interface_to("not an address") is None
    assert read_interface_to(None) is None


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"when": "schedule"}, "'schedule' needs its hours"),
        ({"schedule": {"time_zone": "UTC"}}, "'schedule' needs its hours"),
        ({"when": "schedule", "schedule": {"time_zone": "Mars/Olympus"}}, "not a time zone"),
        (
            {"when": "schedule", "schedule": {"time_zone": "UTC", "hours": ["9-17"]}},
            "write hours as 22:00-06:00",
        ),
        ({"when": "schedule", "schedule": {"time_zone": "UTC", "days": ["Monday"]}}, "'mon'"),
        ({"backlog_bytes_per_s": 10}, "greater than or equal"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        UploadSettings.model_validate(settings)


@pytest.mark.policy("C-7a")
def test_hours_are_those_of_the_agencys_own_zone() -> None:
    settings = UploadSettings.model_validate(
        {
            "when": "schedule",
            "schedule": {"time_zone": "America/New_York", "hours": ["22:00-05:00"]},
        }
    )
    assert settings.schedule is not None
    rule = UploadRule(schedule=settings.schedule.schedule())
    assert not rule.is_open(MIDDAY, "none")
    assert rule.is_open(AT_NIGHT, "none")
