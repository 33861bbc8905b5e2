"""What was searched for and what was shown, in words, for who decides on it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def in_words(criteria: Mapping[str, Any]) -> str:
    """The criteria as the ledger keeps them, in a sentence without its full stop."""
    if "within_s" in criteria:
        return (
            f"plates seen within {criteria['distance_m']:g} m and {criteria['within_s']:g} s of "
            f"plate {criteria['plate']}, at least {criteria['times']} times{_window(criteria)}"
        )
    plate = f"plate {criteria['plate']}" if "plate" in criteria else "every plate"
    if criteria.get("folded"):
        plate += " and those easily taken for it"
    if criteria.get("second_guesses"):
        plate += ", second guesses too"
    names = ("agency", "unit", "camera", "state")
    named = [f"{name} {criteria[name]}" for name in names if name in criteria]
    if criteria.get("state_or_unknown"):
        named.append("or a state that could not be told")
    if criteria.get("hits_only"):
        named.append("only what was on a hot list")
    return "".join([plate, _area(criteria), _window(criteria), *(f", {each}" for each in named)])


def place_in_words(shown: Mapping[str, Any]) -> str:
    """Where a read that was shown is from."""
    place = shown["place"]
    if place["latitude_deg"] is None or place["longitude_deg"] is None:
        at = "place not known"
    else:
        at = f"{place['latitude_deg']:.5f}, {place['longitude_deg']:.5f}"
    return f"{place['site']} ({at})" if place["site"] else at


def moment_in_words(typed: str) -> str:
    """A moment in ISO 8601 as people read it."""
    return f"{datetime.fromisoformat(typed).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _area(criteria: Mapping[str, Any]) -> str:
    if "near" in criteria:
        return f" within {_distance(criteria['radius_m'])} of {_point(criteria['near'])}"
    if "within" in criteria:
        corners = criteria["within"]
        return f" inside the {len(corners)} corners {'; '.join(map(_point, corners))}"
    return ""


def _distance(metres: float) -> str:
    return f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def _point(typed: str) -> str:
    return typed.replace(",", ", ")


def _window(criteria: Mapping[str, Any]) -> str:
    if "from" not in criteria:
        return ""
    return f", from {moment_in_words(criteria['from'])} to {moment_in_words(criteria['to'])}"
