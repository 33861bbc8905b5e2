"""NMEA 0183 sentences to fixes; no input or output of its own.

RMC decides: its status says whether there is a fix, and it alone carries the date. GGA and GSA
add quality, satellites and dilution, VTG speed and course where RMC leaves them empty. A receiver
that never sends RMC is believed by its GGA instead. Other sentences are ignored. A sentence
without a right checksum is counted and says nothing, whatever it may look like.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import pynmea2

METRES_PER_SECOND_PER_KNOT = 1852 / 3600
MAX_LINE_BYTES = 256
"""A sentence has 82 bytes at most; what is much longer is noise without a line's end."""

DETAILS_LAST_S = 5.0
"""How long what GGA, GSA and VTG said holds for the next RMC."""

_KNOWN = re.compile(r"\$[A-Z]{2}(RMC|GGA|GSA|VTG),")
_OTHER = re.compile(r"\$[A-Z]{2}[A-Z0-9]{0,7},")
_GGA_QUALITY = {
    1: "gps",
    2: "dgps",
    3: "pps",
    4: "rtk",
    5: "float rtk",
    6: "estimated",
    7: "manual",
    8: "simulated",
}
_RMC_MODE = {
    "A": "gps",
    "D": "dgps",
    "P": "pps",
    "R": "rtk",
    "F": "float rtk",
    "E": "estimated",
    "M": "manual",
    "S": "simulated",
}
_UNSPECIFIED = "unspecified"
_TIME_OF_DAY = re.compile(
    r"(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?P<fraction>\.\d*)?", re.A
)


@dataclass(frozen=True, slots=True)
class Fix:
    """A place that the receiver vouched for.

    ``at`` is the satellites' own UTC time, None where the receiver gave no date with it;
    ``received_at`` the unit's clock when the sentence was complete; ``error_m`` the receiver's own
    estimate of its error in metres, where it gives one.
    """

    latitude_deg: float
    longitude_deg: float
    speed_mps: float | None
    heading_deg: float | None
    quality: str
    satellites: int | None
    hdop: float | None
    at: datetime | None
    received_at: datetime
    error_m: float | None = None


@dataclass(frozen=True, slots=True)
class NoFix:
    """The receiver's word that it does not know where it is."""

    received_at: datetime


Report = Fix | NoFix


@dataclass(slots=True)
class NmeaCounts:
    """What became of the lines heard so far."""

    accepted: int = 0
    bad_checksums: int = 0
    malformed: int = 0
    ignored: int = 0


class LineSplitter:
    """Puts lines together from bytes as they arrive."""

    def __init__(self, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._pending = b""

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that the chunk completes, without their ends; noise without end is dropped."""
        *lines, self._pending = re.split(rb"[\r\n]+", self._pending + chunk)
        if len(self._pending) > self._max_line_bytes:
            self._pending = self._pending[-self._max_line_bytes :]
        return [line for line in lines if line]


@dataclass(slots=True)
class _Details:
    quality: str | None = None
    satellites: int | None = None
    hdop: float | None = None
    flat: bool = False
    speed_mps: float | None = None
    heading_deg: float | None = None


@dataclass(slots=True)
class NmeaDecoder:
    """Sentences in, reports out; one decoder for one receiver."""

    counts: NmeaCounts = field(default_factory=NmeaCounts)
    _details: dict[str, tuple[datetime, _Details]] = field(default_factory=dict)
    _has_rmc: bool = False

    def feed(self, line: bytes, received_at: datetime) -> Report | None:
        """What the line reports, if it completes a report; never raises, whatever the bytes."""
        sentence = self._parse(line)
        if sentence is None:
            return None
        try:
            report = self._take(sentence, received_at)
        except ValueError:
            self.counts.malformed += 1
            return None
        self.counts.accepted += 1
        return report

    def _parse(self, line: bytes) -> pynmea2.NMEASentence | None:
        start = line.rfind(b"$")  # what precedes it is the half of an interrupted sentence
        try:
            text = line[start:].decode("ascii") if start >= 0 else ""
        except UnicodeDecodeError:
            text = ""
        if not _KNOWN.match(text):
            if _OTHER.match(text):
                self.counts.ignored += 1
            else:
                self.counts.malformed += 1
            return None
        try:
            return pynmea2.parse(text, check=True)
        except pynmea2.ChecksumError:
            self.counts.bad_checksums += 1
        except pynmea2.ParseError:
            self.counts.malformed += 1
        return None

    def _take(self, sentence: pynmea2.NMEASentence, received_at: datetime) -> Report | None:
        kind = sentence.sentence_type
        if kind == "RMC":
            self._has_rmc = True
            return self._report_rmc(sentence, received_at)
        if kind == "GGA":
            return self._report_gga(sentence, received_at)
        if kind == "GSA":
            details = _Details(hdop=_size(sentence.hdop), flat=sentence.mode_fix_type == "2")
        else:
            details = _Details(
                speed_mps=_speed(sentence.spd_over_grnd_kts),
                heading_deg=_heading(sentence.true_track),
            )
        self._details[kind] = (received_at, details)
        return None

    def _report_rmc(self, sentence: pynmea2.NMEASentence, received_at: datetime) -> Report:
        if sentence.status != "A" or sentence.mode_indicator == "N":
            self._details.clear()
            return NoFix(received_at)
        gga, vtg = self._recent("GGA", received_at), self._recent("VTG", received_at)
        speed, heading = _speed(sentence.spd_over_grnd), _heading(sentence.true_course)
        return self._fix(
            sentence,
            received_at,
            quality=gga.quality or _RMC_MODE.get(sentence.mode_indicator, _UNSPECIFIED),
            speed_mps=vtg.speed_mps if speed is None else speed,
            heading_deg=vtg.heading_deg if heading is None else heading,
            on=sentence.datestamp,
        )

    def _report_gga(self, sentence: pynmea2.NMEASentence, received_at: datetime) -> Report | None:
        quality = sentence.gps_qual
        if not isinstance(quality, int):
            raise ValueError("quality")  # noqa: TRY004
        details = _Details(
            quality=_GGA_QUALITY.get(quality),
            satellites=_satellites(sentence.num_sats),
            hdop=_size(sentence.horizontal_dil),
        )
        if quality == 0:
            self._details.pop("GGA", None)
            return None if self._has_rmc else NoFix(received_at)
        self._details["GGA"] = (received_at, details)
        if self._has_rmc:
            return None
        vtg = self._recent("VTG", received_at)
        return self._fix(
            sentence,
            received_at,
            quality=details.quality or _UNSPECIFIED,
            speed_mps=vtg.speed_mps,
            heading_deg=vtg.heading_deg,
            on=None,
        )

    def _fix(
        self,
        sentence: pynmea2.NMEASentence,
        received_at: datetime,
        *,
        quality: str,
        speed_mps: float | None,
        heading_deg: float | None,
        on: object,
    ) -> Fix:
        gga, gsa = self._recent("GGA", received_at), self._recent("GSA", received_at)
        latitude_deg, longitude_deg = _place(sentence)
        return Fix(
            latitude_deg=latitude_deg,
            longitude_deg=longitude_deg,
            speed_mps=speed_mps,
            heading_deg=heading_deg,
            quality=f"{quality} 2d" if gsa.flat else quality,
            satellites=gga.satellites,
            hdop=gsa.hdop if gga.hdop is None else gga.hdop,
            at=_moment(on, sentence.data[0]),
            received_at=received_at,
        )

    def _recent(self, kind: str, now: datetime) -> _Details:
        heard_at, details = self._details.get(kind, (now, _Details()))
        return details if now - heard_at <= timedelta(seconds=DETAILS_LAST_S) else _Details()


def _place(sentence: pynmea2.NMEASentence) -> tuple[float, float]:
    if not sentence.lat or not sentence.lon:
        raise ValueError("position: is empty")
    if sentence.lat_dir not in ("N", "S") or sentence.lon_dir not in ("E", "W"):
        raise ValueError("position: has no hemisphere")
    latitude_deg, longitude_deg = sentence.latitude, sentence.longitude
    if not (abs(latitude_deg) <= 90 and abs(longitude_deg) <= 180):
        raise ValueError("position: is not on earth")
    return round(latitude_deg, 7), round(longitude_deg, 7)


def _moment(on: object, of_day: str) -> datetime | None:
    """The UTC time that a date and ``hhmmss.ss`` tell; None where one of them tells nothing.

    A leap second, named 60, is the second that follows: the calendar here has no name for it.
    """
    told = _TIME_OF_DAY.fullmatch(of_day)
    if not isinstance(on, date) or told is None:
        return None
    leaps = told["second"] == "60"
    try:
        minute = time(int(told["hour"]), int(told["minute"]), 59 if leaps else int(told["second"]))
    except ValueError:
        return None
    fraction = timedelta(seconds=float(f"0{told['fraction'] or ''}"))
    return datetime.combine(on, minute, UTC) + fraction + timedelta(seconds=1 if leaps else 0)


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _size(value: object) -> float | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None


def _speed(value: object) -> float | None:
    knots = _size(value)
    return None if knots is None else round(knots * METRES_PER_SECOND_PER_KNOT, 3)


def _heading(value: object) -> float | None:
    number = _number(value)
    return None if number is None else number % 360


def _satellites(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and 0 <= number <= 255 else None
