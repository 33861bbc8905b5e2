"""Which matches ring, and which are put on record without a sound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.contract.records import (
    FixedSite,
    GpsFix,
    HotlistMatch,
    NoPosition,
    Position,
    Substitution,
)
from edge.hotfile.alert_settings import AlertSettings
from edge.hotfile.alerts import AlertRule, Alerts, Sighted
from tests.edge.instants import instant

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)  # a Monday, 07:00 in New York
HERE = FixedSite(site="bridge", latitude_deg=42.0, longitude_deg=-72.0, accuracy_m=None)
SWAP = (Substitution(index=2, read="8", listed="B"),)
ALIKE = (
    Substitution(index=0, read="I", listed="1"),
    Substitution(index=4, read="O", listed="0"),
)


def match(plate: str = "1ABC23", **others: Any) -> HotlistMatch:
    values: dict[str, Any] = {
        "list_name": "state",
        "list_version": "1",
        "list_issued_at": NOW,
        "list_stale": False,
        "entry": "7",
        "kind": "bolo",
        "priority": 3,
        "plate": plate,
        "state": None,
        "how": "exact",
        "substitutions": (),
        "state_agreement": "unknown",
        "probability": 0.9,
    }
    return HotlistMatch(**{**values, **others})


def alerts(**given: Any) -> Alerts:
    return Alerts({"state": AlertSettings.model_validate(given).rule()})


def fix(latitude_deg: float, uncertainty_m: float) -> GpsFix:
    return GpsFix(
        latitude_deg=latitude_deg,
        longitude_deg=-72.0,
        speed_mps=None,
        heading_deg=None,
        quality="gps",
        satellites=8,
        hdop=1.0,
        age_ms=0,
        uncertainty_m=uncertainty_m,
    )


def test_without_rules_everything_rings() -> None:
    assert Alerts({}).rings(match(), "1ABC23", NoPosition(reason="no_fix"), NOW) == "ring"
    assert alerts().rings(match(priority=5, how="wildcard"), "1ABC23", HERE, NOW) == "ring"


@pytest.mark.parametrize(
    ("rule", "others", "answer"),
    [
        ({"kinds": ["stolen_vehicle"]}, {}, "quiet_kind"),
        ({"kinds": ["stolen_vehicle", "bolo"]}, {}, "ring"),
        ({"least_urgent": 2}, {}, "quiet_priority"),
        ({"least_urgent": 3}, {}, "ring"),
        ({}, {"substitutions": SWAP, "how": "confusable", "probability": 0.0009}, "quiet_unlikely"),
        ({}, {"substitutions": SWAP, "how": "confusable", "probability": 0.001}, "ring"),
        ({}, {"substitutions": SWAP, "how": "wildcard", "probability": 0.0009}, "quiet_unlikely"),
        ({}, {"probability": 0.0}, "ring"),
        ({}, {"substitutions": ALIKE, "how": "confusable", "probability": 0.0}, "ring"),
        (
            {},
            {"substitutions": ALIKE[:1] + SWAP, "how": "confusable", "probability": 0.0009},
            "quiet_unlikely",
        ),
        (
            {"schedule": {"time_zone": "America/New_York", "days": ["mon"]}},
            {},
            "ring",
        ),
        (
            {"schedule": {"time_zone": "America/New_York", "days": ["sun", "tue"]}},
            {},
            "quiet_schedule",
        ),
        (
            {"schedule": {"time_zone": "America/New_York", "hours": ["08:00-17:00"]}},
            {},
            "quiet_schedule",
        ),
    ],
)
def test_the_lists_rule_decides(rule: dict[str, Any], others: dict[str, Any], answer: str) -> None:
    assert alerts(**rule).rings(match(**others), "1ABC23", HERE, NOW) == answer


@pytest.mark.parametrize(
    ("position", "answer"),
    [
        (HERE, "ring"),
        (fix(42.005, 0), "ring"),
        (fix(42.02, 0), "quiet_area"),
        (fix(42.02, 2000), "ring"),
        (NoPosition(reason="no_fix"), "ring"),
        (
            FixedSite(site="far", latitude_deg=42.02, longitude_deg=-72, accuracy_m=50),
            "quiet_area",
        ),
    ],
)
@pytest.mark.parametrize(
    "area",
    [
        {"circle": {"latitude_deg": 42.0, "longitude_deg": -72.0, "radius_m": 1000}},
        {"polygon": [[41.99, -72.01], [42.01, -72.01], [42.01, -71.99], [41.99, -71.99]]},
    ],
)
def test_an_area_is_judged_by_where_the_unit_may_be(
    area: dict[str, Any], position: Position, answer: str
) -> None:
    assert alerts(**area).rings(match(), "1ABC23", position, NOW) == answer


def test_a_plate_seen_again_within_the_time_does_not_ring_again() -> None:
    these = alerts()
    seconds = [0, 1, 299, 300, 301, 599, 600]
    answers = [
        these.rings(match(entry=str(at)), "1ABC23", HERE, NOW + timedelta(seconds=at))
        for at in seconds
    ]
    repeat = "quiet_repeat"
    assert answers == ["ring", repeat, repeat, "ring", repeat, repeat, "ring"]


def test_another_plate_list_kind_or_state_is_news() -> None:
    these = alerts()
    for one in (
        match(),
        match("9XYZ87"),
        match(kind="stolen_vehicle"),
        match(state="MA"),
        match(list_name="town"),
    ):
        assert these.rings(one, "1ABC23", HERE, NOW) == "ring"
        assert these.rings(one, "1ABC23", HERE, NOW) == "quiet_repeat"


def test_a_misread_is_the_same_plate_and_another_plate_of_a_wildcard_is_not() -> None:
    these = alerts()
    assert these.rings(match(), "1ABC23", HERE, NOW) == "ring"
    swapped = match(substitutions=SWAP, how="confusable")
    assert these.rings(swapped, "IABC23", HERE, NOW) == "quiet_repeat"
    wild = match("1ABC*", how="wildcard")
    assert these.rings(wild, "1ABC23", HERE, NOW) == "ring"
    assert these.rings(wild, "1ABC99", HERE, NOW) == "ring"
    assert these.rings(wild, "1ABC99", HERE, NOW) == "quiet_repeat"


def test_what_a_ring_silenced_last_is_told_as_it_is_taken_back() -> None:
    rule = alerts(repeat_after_s=300)
    front, rear = (Sighted(camera, "1ABC23", instant(NOW)) for camera in ("front", "rear"))

    def ring(after_s: float, sighted: Sighted | None = None) -> str:
        now = NOW + timedelta(seconds=after_s)
        return rule.rings(match(), "1ABC23", NoPosition(reason="no_fix"), now, sighted)

    assert (ring(0, front), rule.unring(match(), "1ABC23")) == ("ring", None)
    assert [ring(0), ring(1, front), ring(2, rear), ring(3)] == ["ring", *["quiet_repeat"] * 3]
    assert rule.unring(match(), "1ABC23") == rear
    assert rule.unring(match(), "1ABC23") is None
    assert [ring(4), ring(5, rear), ring(400)] == ["ring", "quiet_repeat", "ring"]
    assert rule.unring(match(), "1ABC23") is None, "it was not the second that silenced it"


def test_what_was_quiet_has_not_rung() -> None:
    these = alerts(schedule={"time_zone": "UTC", "hours": ["12:01-13:00"]})
    assert these.rings(match(), "1ABC23", HERE, NOW) == "quiet_schedule"
    assert these.rings(match(), "1ABC23", HERE, NOW + timedelta(seconds=60)) == "ring"


def test_hours_silence_nothing_on_a_unit_that_never_had_the_time() -> None:
    these = alerts(schedule={"time_zone": "UTC", "hours": ["12:01-13:00"]}, least_urgent=3)
    assert these.rings(match(priority=4), "1ABC23", HERE, NOW, clock_set=False) == "quiet_priority"
    assert these.rings(match(), "1ABC23", HERE, NOW, clock_set=False) == "ring"
    assert these.rings(match(), "1ABC23", HERE, NOW, clock_set=False) == "quiet_repeat"


def test_a_frame_that_comes_late_is_a_repeat_and_a_clock_set_back_silences_nothing() -> None:
    these = alerts()
    assert these.rings(match(), "1ABC23", HERE, NOW) == "ring"
    assert these.rings(match(), "1ABC23", HERE, NOW - timedelta(seconds=2)) == "quiet_repeat"
    assert these.rings(match(), "1ABC23", HERE, NOW - timedelta(hours=1)) == "ring"


def test_the_plate_that_rang_longest_ago_is_forgotten_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.hotfile.alerts.MAX_REMEMBERED", 3)
    these = alerts()
    for number in range(3):
        assert these.rings(match(f"{number}ABC"), "X", HERE, NOW) == "ring"
    later = NOW + timedelta(seconds=300)
    assert these.rings(match("0ABC"), "X", HERE, later) == "ring"
    assert these.rings(match("3ABC"), "X", HERE, later) == "ring"
    assert these.rings(match("0ABC"), "X", HERE, later) == "quiet_repeat"
    assert these.rings(match("1ABC"), "X", HERE, NOW) == "ring"


@given(
    st.lists(
        st.tuples(st.sampled_from(["1ABC23", "9XYZ87"]), st.integers(0, 1000)), max_size=30
    ).map(lambda seen: sorted(seen, key=lambda one: one[1])),
    st.integers(0, 400),
)
def test_no_plate_rings_twice_within_the_time_and_none_stays_silent_beyond_it(
    seen: list[tuple[str, int]], repeat_after_s: int
) -> None:
    these = Alerts({"state": AlertRule(repeat_after_s=repeat_after_s)})
    last: dict[str, int] = {}
    for plate, at in seen:
        answer = these.rings(match(plate), plate, HERE, NOW + timedelta(seconds=at))
        due = plate not in last or at - last[plate] >= repeat_after_s
        assert (answer == "ring") is due
        if due:
            last[plate] = at


@pytest.mark.parametrize(
    "wrong",
    [
        {"polygon": [[42.0, -72.0], [42.1, -72.0]]},
        {
            "polygon": [[42.0, -72.0], [42.1, -72.0], [42.1, -72.1]],
            "circle": {"latitude_deg": 42.0, "longitude_deg": -72.0, "radius_m": 1},
        },
        {"least_urgent": 6},
        {"schedule": {"time_zone": "Mars/Olympus"}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AlertSettings.model_validate(wrong)
