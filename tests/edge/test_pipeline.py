"""A pass becomes a read and one hit for each match, with nothing of the reading lost."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from edge.contract.records import (
    Engine,
    FixedSite,
    Hit,
    HotlistMatch,
    Malfunction,
    Read,
    decode_record,
    encode_record,
    mint_id,
)
from edge.pipeline import Draft, Identity, Moment, draft, malfunction_draft
from edge.vision.encode import EncodedPicture, encode_patch, encode_scene
from edge.vision.frames import Frame
from edge.vision.geometry import Box
from edge.vision.passes import Pass
from edge.vision.reader import CharacterReading, StateReading, plate_reading
from tests.contract.strategies import matches
from tests.edge.instants import instant

SEEN_AT = datetime(2026, 11, 21, 3, 4, 5, 678901, tzinfo=UTC)
IDENTITY = Identity("ma-northampton", "car-12", Engine(software="plateward test", models=()))
MOMENT = Moment(
    instant(SEEN_AT),
    FixedSite(site="Bridge Street", latitude_deg=42.3, longitude_deg=-72.6, accuracy_m=1.0),
)

characters = st.lists(
    st.lists(
        st.tuples(st.sampled_from("ABC0O8B"), st.floats(0, 1.0000001)), min_size=1, max_size=5
    ).map(lambda alternatives: CharacterReading(tuple(alternatives))),
    min_size=1,
    max_size=8,
).map(tuple)


def a_pass(read: tuple[CharacterReading, ...], width: int = 640) -> Pass:
    image = np.full((width // 2, width, 3), 90, np.uint8)
    frame = Frame("front", 7, instant(SEEN_AT), image, "street.mp4", standalone=False)
    return Pass(
        track=1,
        reading=plate_reading(read, StateReading("MA", 0.7, (("MA", 0.7), ("ME", 0.2)))),
        frames=5,
        first_s=SEEN_AT.timestamp() - 1,
        last=instant(SEEN_AT + timedelta(seconds=1)),
        best_frame=frame,
        best_box=Box(width // 4, width // 8, width // 8, width // 16),
        best_crop=image[:20, :40],
    )


def drafted(
    seen: Pass,
    found: tuple[HotlistMatch, ...],
    rings: Callable[[HotlistMatch], bool] = lambda _: True,
    scene: EncodedPicture | None = None,
    captured_at: datetime = SEEN_AT,
) -> Draft:
    return draft(
        seen,
        camera="front",
        identity=IDENTITY,
        moment=replace(MOMENT, captured=instant(captured_at)),
        read_id=mint_id(captured_at, os.urandom),
        matches=found,
        telling=found,
        plate_picture=encode_patch(seen.best_crop),
        scene_picture=scene or encode_scene(seen.best_frame.image),
        rings=rings,
        random_bytes=os.urandom,
    )


def built(made: Draft) -> list[object]:
    return [decode_record(encode_record(build(seq))) for seq, build in enumerate(made.builders, 1)]


@given(characters, st.lists(matches, max_size=3).map(tuple), st.booleans())
def test_every_pass_makes_records_that_the_contract_takes(
    read: tuple[CharacterReading, ...], found: tuple[HotlistMatch, ...], rings: bool
) -> None:
    seen = a_pass(read)
    made = drafted(seen, found, lambda _: rings)
    first, *hits = built(made)
    assert isinstance(first, Read)
    assert first.plate == seen.reading.text
    assert [len(one.alternatives) for one in first.characters] == [
        len(one.alternatives) for one in read
    ]
    assert first.hits == tuple(structs.replace(match, note=UNSET) for match in found)
    second = timedelta(seconds=1)
    assert first.captured_at == SEEN_AT
    assert (SEEN_AT - first.first_seen, first.last_seen - SEEN_AT) == (second, second)
    assert first.frames == 5
    for hit, match in zip(hits, found, strict=True):
        assert isinstance(hit, Hit)
        assert (hit.read, hit.match, hit.rang) == (first.id, match, rings)
    assert len({record.id for record in (first, *hits)}) == 1 + len(found)  # type: ignore[attr-defined]
    assert {picture.sha256 for picture in first.pictures} == set(made.pictures)
    for sha256, content in made.pictures.items():
        assert hashlib.sha256(content).hexdigest() == sha256


@pytest.mark.parametrize("max_bytes", [10_000_000, 20_000])
def test_the_box_lies_in_the_scene_picture_even_where_that_was_made_smaller(
    max_bytes: int,
) -> None:
    seen = a_pass((CharacterReading((("A", 0.9),)),), 1280)
    noise = np.random.default_rng(1).integers(0, 255, seen.best_frame.image.shape, np.uint8)
    encoded = encode_scene(noise, max_bytes)
    assert (encoded.width < 1280) == (max_bytes == 20_000)
    assert len(encoded.jpeg) <= max_bytes
    (read,) = built(drafted(seen, (), scene=encoded))
    assert isinstance(read, Read)
    scene = read.pictures[1]
    assert scene.box is not None
    assert scene.width_px == encoded.width
    assert scene.box.x / scene.width_px == pytest.approx(0.25, abs=0.02)
    assert scene.box.w / scene.width_px == pytest.approx(0.125, abs=0.02)


@given(matches)
def test_whether_it_rings_is_asked_when_the_hit_is_stored(found: HotlistMatch) -> None:
    seen = a_pass((CharacterReading((("A", 0.9),)),))
    on_time = [True]
    made = drafted(seen, (found,), rings=lambda _: on_time[0])
    on_time[0] = False
    _, hit = built(made)
    assert isinstance(hit, Hit)
    assert not hit.rang


def test_records_of_equal_passes_have_different_digests() -> None:
    seen = a_pass((CharacterReading((("A", 0.9),)),))

    def encoded(make: Callable[[], Draft]) -> bytes:
        return encode_record(make().builders[0](1))

    assert encoded(lambda: drafted(seen, ())) != encoded(lambda: drafted(seen, ()))


def test_a_malfunction_is_the_units_own_word() -> None:
    made = malfunction_draft(
        identity=IDENTITY,
        at=instant(SEEN_AT),
        component="camera",
        camera="front",
        description="the cable is out",
        random_bytes=os.urandom,
    )
    (record,) = built(made)
    assert isinstance(record, Malfunction)
    assert (record.component, record.camera, record.reported_by) == ("camera", "front", "unit")
    assert not made.pictures
