"""Sentences to fixes, against recordings whose meaning was worked out by hand, and noise."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.position.nmea import Fix, LineSplitter, NmeaDecoder, NoFix, Report

GOLDEN = Path(__file__).parent / "golden"
START = datetime(2026, 3, 3, 14, 5, tzinfo=UTC)


def sentence(body: str) -> bytes:
    """The sentence with its checksum: the exclusive or of what stands between $ and *."""
    checksum = 0
    for byte in body.encode():
        checksum ^= byte
    return f"${body}*{checksum:02X}".encode()


RMC = "GPRMC,140501.00,A,4221.3520,N,07103.7460,W,10.0,216.4,030326,,,A"


def seen(report: Report) -> dict[str, object] | None:
    if isinstance(report, NoFix):
        return None
    fields = dataclasses.asdict(report)
    del fields["received_at"]
    assert fields.pop("error_m") is None
    fields["at"] = report.at and report.at.isoformat()
    return fields


@pytest.mark.parametrize("name", ["drive", "lost", "noise", "gga_only", "leap", "rollover"])
def test_a_recording_means_what_it_meant(name: str) -> None:
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    lines = LineSplitter().feed((GOLDEN / f"{name}.nmea").read_bytes())
    decoder = NmeaDecoder()
    reports = []
    for number, line in enumerate(lines):
        received_at = START + timedelta(milliseconds=200 * number)
        report = decoder.feed(line, received_at)
        if report is not None:
            assert report.received_at == received_at
            reports.append({"line": number, "fix": seen(report)})
    assert reports == expected["reports"]
    assert dataclasses.asdict(decoder.counts) == expected["counts"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 7))
def test_lines_come_together_however_the_bytes_arrive(size: int) -> None:
    data = (GOLDEN / "drive.nmea").read_bytes()
    splitter = LineSplitter()
    lines = [
        line
        for start in range(0, len(data), size)
        for line in splitter.feed(data[start : start + size])
    ]
    assert lines == data.split()


def test_noise_without_an_end_is_not_kept() -> None:
    splitter = LineSplitter()
    for _ in range(100):
        assert splitter.feed(b"\xff" * 1000) == []
    noise, good = splitter.feed(b"\n" + sentence(RMC) + b"\r\n")
    assert len(noise) < 1000
    assert good == sentence(RMC)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=120))
def test_no_bytes_raise(data: bytes) -> None:
    decoder = NmeaDecoder()
    decoder.feed(data, START)
    decoder.feed(b"$GPRMC," + data, START)
    assert sum(dataclasses.astuple(decoder.counts)) == 2


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["GPRMC", "GPGGA", "GPGSA", "GPVTG"]),
    st.lists(
        st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*$,")),
        max_size=20,
    ),
)
def test_no_fields_under_a_right_checksum_raise(kind: str, fields: list[str]) -> None:
    decoder = NmeaDecoder()
    report = decoder.feed(sentence(",".join([kind, *fields])), START)
    assert report is None or isinstance(report, NoFix | Fix)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.from_regex(r"(23|[0-9]{2})(59|[0-9]{2})(60|[0-9]{2})(\.[0-9]{0,12})?", fullmatch=True),
    st.one_of(st.just("311299"), st.from_regex(r"[0-3][0-9][01][0-9]{3}", fullmatch=True)),
)
def test_no_times_under_a_right_checksum_raise(of_day: str, on: str) -> None:
    decoder = NmeaDecoder()
    decoder.feed(sentence(RMC.replace("140501.00", of_day).replace("030326", on)), START)
    report = decoder.feed(sentence(RMC), START)
    assert isinstance(report, Fix)
    assert report.at == datetime(2026, 3, 3, 14, 5, 1, tzinfo=UTC)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(sentence(RMC)) - 1), st.integers(0, 255))
def test_a_changed_byte_never_moves_the_unit(at: int, value: int) -> None:
    line = sentence(RMC)
    right = NmeaDecoder().feed(line, START)
    changed = NmeaDecoder().feed(line[:at] + bytes([value]) + line[at + 1 :], START)
    assert changed is None or changed == right


def test_the_mode_can_take_back_what_the_status_claims() -> None:
    assert NmeaDecoder().feed(sentence(RMC[:-1] + "N"), START) == NoFix(START)


@pytest.mark.parametrize(
    ("mode", "quality"), [("A", "gps"), ("D", "dgps"), ("E", "estimated"), ("", "unspecified")]
)
def test_the_mode_is_the_quality_where_nothing_better_is_known(mode: str, quality: str) -> None:
    report = NmeaDecoder().feed(sentence(RMC[:-1] + mode), START)
    assert isinstance(report, Fix)
    assert report.quality == quality


def test_details_that_have_grown_old_are_not_used() -> None:
    decoder = NmeaDecoder()
    gga = "GPGGA,140501.00,4221.3520,N,07103.7460,W,4,09,0.92,14.1,M,-33.0,M,,"
    decoder.feed(sentence(gga), START)
    soon = decoder.feed(sentence(RMC), START + timedelta(seconds=5))
    late = decoder.feed(sentence(RMC), START + timedelta(seconds=5.1))
    assert isinstance(soon, Fix)
    assert isinstance(late, Fix)
    assert (soon.quality, soon.satellites, soon.hdop) == ("rtk", 9, 0.92)
    assert (late.quality, late.satellites, late.hdop) == ("gps", None, None)


def test_once_rmc_is_heard_gga_reports_nothing_of_its_own() -> None:
    decoder = NmeaDecoder()
    gga = sentence("GPGGA,140501.00,4221.3520,N,07103.7460,W,1,09,0.92,14.1,M,-33.0,M,,")
    assert isinstance(decoder.feed(gga, START), Fix)
    assert isinstance(decoder.feed(sentence(RMC), START), Fix)
    assert decoder.feed(gga, START) is None


@pytest.mark.parametrize(
    "body",
    ["PMTK010,001", "PUBX,00,140500.00", "PSRF156,21", "GPGSV,1,1,00", "GNTXT,01,01,02,u-blox"],
)
def test_sentences_of_other_kinds_are_no_garbage(body: str) -> None:
    decoder = NmeaDecoder()
    assert decoder.feed(sentence(body), START) is None
    assert (decoder.counts.ignored, decoder.counts.malformed) == (1, 0)
