"""What gpsd says, made reports; no input or output of its own.

gpsd sends one JSON object a line (gpsd_json(5)): TPV has time, place and motion, SKY the
satellites and dilutions, DEVICES the receivers it has, ERROR what it did not understand. TPV
decides; what SKY said holds for the TPV after it. Fields come and go with gpsd's release, so what
is missing is simply not known, and unknown fields are ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.position.nmea import DETAILS_LAST_S, Fix, NmeaCounts, NoFix, Report

_STATUS = {
    2: "dgps",
    3: "rtk",
    4: "float rtk",
    5: "estimated",
    6: "estimated",
    7: "manual",
    8: "simulated",
}
"""gpsd's ``status``; 1 and what is not there is a plain fix, 7 a place surveyed by hand."""


@dataclass(frozen=True, slots=True)
class _Sky:
    heard_at: datetime
    satellites: int | None
    hdop: float | None


@dataclass(slots=True)
class GpsdDecoder:
    """Lines in, reports out; one decoder for one connection to gpsd.

    ``devices`` is the number of receivers that gpsd has, None until it told.
    """

    counts: NmeaCounts = field(default_factory=NmeaCounts)
    devices: int | None = None
    _sky: _Sky | None = None

    def feed(self, line: bytes, received_at: datetime) -> Report | None:
        """What the line reports, if it is a report; never raises, whatever the bytes."""
        try:
            told = json.loads(line)
        except (ValueError, RecursionError):
            told = None
        kind = told.get("class") if isinstance(told, dict) else None
        if not isinstance(told, dict) or not isinstance(kind, str):
            self.counts.malformed += 1
            return None
        report = None
        if kind == "TPV":
            try:
                report = self._report(told, received_at)
            except ValueError:
                self.counts.malformed += 1
                return None
        elif kind == "SKY":
            self._hear_sky(told, received_at)
        elif kind == "DEVICES" and isinstance(told.get("devices"), list):
            self.devices = len(told["devices"])
            return None
        else:
            self.counts.ignored += 1
            return None
        self.counts.accepted += 1
        self.devices = None if self.devices == 0 else self.devices  # one was plugged in since
        return report

    def _hear_sky(self, told: Mapping[str, Any], received_at: datetime) -> None:
        """Releases send SKY twice a second: once with dilutions, once with satellites."""
        last = self._recent_sky(received_at)
        used = _number(told.get("uSat"))
        seen = told.get("satellites")
        if used is None and isinstance(seen, list):
            used = sum(isinstance(one, dict) and one.get("used") is True for one in seen)
        hdop = _size(told.get("hdop"))
        self._sky = _Sky(
            received_at,
            last.satellites if used is None else min(255, max(0, int(used))),
            last.hdop if hdop is None else hdop,
        )

    def _report(self, told: Mapping[str, Any], received_at: datetime) -> Report | None:
        mode = told.get("mode")
        if mode in (0, 1):
            return NoFix(received_at)
        latitude_deg, longitude_deg = _number(told.get("lat")), _number(told.get("lon"))
        if mode not in (2, 3) or latitude_deg is None or longitude_deg is None:
            raise ValueError("position: is empty")
        if not (abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180):
            raise ValueError("position: is not on earth")
        sky = self._recent_sky(received_at)
        heading_deg = _number(told.get("track"))
        status = told.get("status")
        quality = _STATUS.get(status, "gps") if isinstance(status, int) else "gps"
        return Fix(
            latitude_deg=round(latitude_deg, 7),
            longitude_deg=round(longitude_deg, 7),
            speed_mps=_size(told.get("speed")),
            heading_deg=None if heading_deg is None else heading_deg % 360,
            quality=f"{quality} 2d" if mode == 2 else quality,
            satellites=sky.satellites,
            hdop=sky.hdop,
            at=_moment(told.get("time")),
            received_at=received_at,
            error_m=_error_m(told),
        )

    def _recent_sky(self, now: datetime) -> _Sky:
        sky = self._sky
        if sky is None or now - sky.heard_at > timedelta(seconds=DETAILS_LAST_S):
            return _Sky(now, None, None)
        return sky


def _error_m(told: Mapping[str, Any]) -> float | None:
    """gpsd's horizontal error: ``eph``, else both axes together. It computes them for 95%."""
    error_m = _size(told.get("eph"))
    if error_m is not None:
        return error_m
    east_m, north_m = _size(told.get("epx")), _size(told.get("epy"))
    return None if east_m is None or north_m is None else math.hypot(east_m, north_m)


def _moment(value: object) -> datetime | None:
    """UTC of an ISO 8601 time; a leap second, named 60, is the second that follows."""
    if not isinstance(value, str):
        return None
    leaps = value[17:19] == "60"
    try:
        moment = datetime.fromisoformat(value[:17] + "59" + value[19:] if leaps else value)
        if moment.tzinfo is None:
            return None
        return moment.astimezone(UTC) + timedelta(seconds=1 if leaps else 0)
    except (ValueError, OverflowError):  # the calendar's first and last day have no other zone
        return None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _size(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None
