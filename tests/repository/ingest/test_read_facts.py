"""The quick way to a read's facts accepts what the contract's decoder accepts, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings

from edge.contract import records as r
from edge.contract.records import encode_record
from repository.ingest.read_facts import facts_of, recognise
from tests.contract.strategies import reads
from tests.contract.test_canonical import NUMBERS, accepts, tokens_of

AT = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)


def plain(**changed: Any) -> r.Read:
    """A read as units make them, whose numbers are rounded."""
    at = changed.pop("captured_at", AT)
    fields = {
        "id": r.mint_id(at, lambda count: b"\x12" * count),
        "agency": "salem-pd",
        "unit": "car-12",
        "seq": 71,
        "salt": "0f" * 16,
        "captured_at": at,
        "clock": r.Clock(source="gps", error_ms=2.125),
        "camera": "front",
        "plate": "1AB",
        "characters": tuple(
            r.Character(
                alternatives=(
                    r.Alternative(char=char, probability=0.912345),
                    r.Alternative(char="8", probability=0.000012),
                )
            )
            for char in "1AB"
        ),
        "confidence": 0.9,
        "state": r.StateOfIssuance(
            code="MA",
            confidence=0.5,
            alternatives=(r.StateAlternative(code="NH", probability=0.25),),
        ),
        "position": r.GpsFix(
            latitude_deg=42.5195003,
            longitude_deg=-70.8967,
            speed_mps=12.125,
            heading_deg=359.9,
            quality="3d",
            satellites=9,
            hdop=0.9,
            age_ms=120,
            uncertainty_m=4.5,
        ),
        "hits": (),
        "pictures": (
            r.Picture(
                kind="scene",
                sha256="ab" * 32,
                size_bytes=60_000,
                width_px=1280,
                height_px=720,
                box=r.Box(x=-3, y=0, w=120, h=40),
                taken_at=at,
            ),
            r.Picture(
                kind="plate", sha256="cd" * 32, size_bytes=1, width_px=9, height_px=9, box=None
            ),
        ),
        "engine": r.Engine(
            software="plateward 1.0", models=(r.ModelDigest(name="reader", sha256="01" * 32),)
        ),
        "frames": 12,
        "first_seen": at - timedelta(seconds=1),
        "last_seen": at,
    }
    return r.Read(**{**fields, **changed})


def check(data: bytes) -> None:
    """What the quick way recognises the decoder accepts."""
    if recognise(data) is not None:
        assert accepts(data), data


PLACES: list[r.Position] = [
    r.FixedSite(site="Gate 4, north", latitude_deg=42, longitude_deg=-71.5, accuracy_m=None),
    r.FixedSite(site="x", latitude_deg=-42.25, longitude_deg=0, accuracy_m=0.5),
    r.NoPosition(reason="no_fix"),
    r.GpsFix(
        latitude_deg=0,
        longitude_deg=0.5,
        speed_mps=None,
        heading_deg=None,
        quality="2d",
        satellites=None,
        hdop=None,
        age_ms=0,
    ),
]


@pytest.mark.parametrize("position", PLACES)
@pytest.mark.parametrize("whole", [True, False])
def test_what_units_send_is_recognised(position: r.Position, *, whole: bool) -> None:
    at = AT.replace(microsecond=0) if whole else AT
    record = plain(captured_at=at, position=position, pictures=plain().pictures if whole else ())
    facts = recognise(encode_record(record))
    assert facts is not None
    assert facts == facts_of(encode_record(record))
    for name in ("id", "agency", "unit", "seq", "captured_at", "clock", "camera", "plate"):
        assert getattr(facts, name) == getattr(record, name)
    assert (facts.confidence, facts.state.code) == (record.confidence, record.state.code)
    assert facts.position == position
    assert [one.sha256 for one in facts.pictures] == [one.sha256 for one in record.pictures]
    assert facts.hits == ()


def changed_fields() -> Iterator[bytes]:
    """Reads that are wrong in what no expression can tell."""
    fields = json.loads(encode_record(plain()))
    other = r.mint_id(AT + timedelta(milliseconds=1), lambda count: b"\x12" * count)
    for changes in (
        {"id": str(other)},
        {"id": fields["id"][:14] + "4" + fields["id"][15:]},
        {"id": fields["id"][:19] + "c" + fields["id"][20:]},
        {"first_seen": "2026-03-04T05:06:07.891235Z"},
        {"captured_at": "2026-13-04T05:06:07.891234Z"},
        {"last_seen": "2026-02-30T05:06:07.891234Z"},
        {"last_seen": "2026-03-04T24:06:07.891234Z"},
        {"last_seen": "2026-03-04T23:59:60Z"},
        {"plate": "1A8X"},
        {"plate": "AB1"},
        {"characters": fields["characters"][:2]},
        {"position": fields["position"] | {"latitude_deg": 90.5}},
        {"position": fields["position"] | {"longitude_deg": -180.5}},
        {"position": fields["position"] | {"heading_deg": 360}},
        {"position": fields["position"] | {"satellites": 256}},
        {"position": fields["position"] | {"age_ms": -1}},
        {"position": fields["position"] | {"speed_mps": -0.5}},
        {"pictures": [fields["pictures"][0] | {"taken_at": "2026-03-04T05:61:00Z"}]},
        {"pictures": fields["pictures"] * 5},
        {"clock": {"source": "gps", "error_ms": -1}},
        {"engine": fields["engine"] | {"software": "x" * 129}},
        {"v": 2},
        {"type": "hit"},
    ):
        yield rfc8785.dumps({**fields, **changes})


@pytest.mark.parametrize("data", list(changed_fields()))
def test_what_no_expression_can_tell_is_looked_at(data: bytes) -> None:
    assert not accepts(data)
    assert recognise(data) is None


def test_what_it_does_not_recognise_may_be_right() -> None:
    match = msgspec.json.decode(
        b'{"entry":"e","how":"exact","kind":"bolo","list_issued_at":"2026-01-01T00:00:00Z",'
        b'"list_name":"l","list_stale":false,"list_version":"1","plate":"1AB","priority":1,'
        b'"probability":1,"state":null,"state_agreement":"unknown","substitutions":[]}',
        type=r.HotlistMatch,
    )
    for record in (
        plain(hits=(match,)),
        plain(confidence=1 / 3),
        plain(plate="188"),  # voted against each frame's best
        plain(engine=r.Engine(software="Zoë's", models=())),
    ):
        data = encode_record(record)
        assert accepts(data)
        assert recognise(data) is None


@given(reads())
@settings(max_examples=100)
def test_of_any_read_the_quick_way_says_what_the_decoder_says(record: r.Read) -> None:
    data = encode_record(record)
    facts = recognise(data)
    if facts is not None:
        assert facts == facts_of(data)
    assert facts_of(data).id == record.id


def test_every_token_written_otherwise_is_judged_as_by_the_decoder() -> None:
    tokens = tokens_of(plain())
    others = [*(one.encode() for one in NUMBERS), b"null", b"true", b'"a"', b'""', b"[]", b"{}"]
    for place, token in enumerate(tokens):
        for other in (*others, b" " + token, token + token, b""):
            check(b"".join((*tokens[:place], other, *tokens[place + 1 :])))


def test_every_byte_changed_or_put_in_is_judged_as_by_the_decoder() -> None:
    data = encode_record(plain())
    for place in range(len(data)):
        for byte in b'0129-aAzZ ."\\\xc3':
            check(data[:place] + bytes([byte]) + data[place + 1 :])
            check(data[:place] + bytes([byte]) + data[place:])
        check(data[:place] + data[place + 1 :])


def test_members_doubled_or_in_another_order_are_not_recognised() -> None:
    fields = json.loads(encode_record(plain()))
    members = [f"{json.dumps(name)}:{rfc8785.dumps(fields[name]).decode()}" for name in fields]
    for place in range(len(members) - 1):
        swapped = [*members[:place], members[place + 1], members[place], *members[place + 2 :]]
        doubled = [*members[: place + 1], *members[place:]]
        for some in (swapped, doubled):
            assert recognise(f"{{{','.join(some)}}}".encode()) is None
