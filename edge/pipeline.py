"""A frame's way to a record: pure composition of the rooms, no input or output of its own.

A pass becomes a read; where a hot list matches, also one hit for each match. One that rings before
it ends becomes its hits and a provisional read, and at its end a read of the same id. What is built
here is handed to the spool, and only what the spool has made durable reaches the console.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, structs

from edge.contract import records
from edge.contract.records import AnyRecord, Component, Engine, Hit, HotlistMatch, Position
from edge.instant import Instant
from edge.vision.encode import EncodedPicture
from edge.vision.passes import Sighting
from edge.vision.reader import PlateReading

_PROBABILITY_DIGITS = 5
_DESCRIPTION_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes the records: agency, unit, software and models."""

    agency: str
    unit: str
    engine: Engine


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where a read was captured, as far as the unit knew at that time."""

    captured: Instant
    position: Position


@dataclass(frozen=True, slots=True)
class Draft:
    """Records waiting for their sequence, and the bytes of their pictures by SHA-256.

    The first builder makes the read, the others its hits.
    """

    builders: tuple[Callable[[int], AnyRecord], ...]
    pictures: Mapping[str, bytes]


def characters_of(reading: PlateReading) -> tuple[records.Character, ...]:
    """The reading's characters with every alternative, as the contract writes them."""
    return tuple(
        records.Character(
            alternatives=tuple(
                records.Alternative(char=char, probability=_probability(probability))
                for char, probability in character.alternatives
            )
        )
        for character in reading.characters
    )


def draft(
    seen: Sighting,
    *,
    camera: str,
    identity: Identity,
    moment: Moment,
    read_id: UUID,
    matches: Sequence[HotlistMatch],
    telling: Sequence[HotlistMatch],
    plate_picture: EncodedPicture,
    scene_picture: EncodedPicture,
    rings: Callable[[HotlistMatch], bool],
    random_bytes: Callable[[int], bytes],
) -> Draft:
    """The records of one pass: its read with its ``matches``, a hit for each of ``telling``.

    What the entries tell the officer is in the hits alone: a read with the notes of all that it
    matches may be larger than a record can be.

    All times of a read hang on that of ``moment``, whose milliseconds are in ``read_id``: they are
    told by one clock, also where the time of day stepped while the plate was in view.

    ``rings`` says whether the console rings for a match as live; it is asked when they are
    stored, since a full disk may hold them up for hours.
    """
    captured, clock = moment.captured, moment.captured.clock
    reading = seen.reading
    state = records.StateOfIssuance(
        code=reading.state.code,
        confidence=_probability(reading.state.confidence),
        alternatives=tuple(
            records.StateAlternative(code=code, probability=_probability(probability))
            for code, probability in reading.state.alternatives
        ),
    )
    taken_s = seen.best_frame.at_s
    other = None if taken_s == captured.at_s else captured.date(taken_s)
    plate = _picture("plate", plate_picture, None, other)
    scene = _picture("scene", scene_picture, _box_in(scene_picture, seen), other)

    def build_read(seq: int) -> AnyRecord:
        return records.Read(
            id=read_id,
            agency=identity.agency,
            unit=identity.unit,
            seq=seq,
            salt=random_bytes(16).hex(),
            captured_at=captured.at,
            clock=clock,
            camera=camera,
            plate=reading.text,
            characters=characters_of(reading),
            confidence=_probability(reading.confidence),
            state=state,
            position=moment.position,
            hits=tuple(structs.replace(match, note=UNSET) for match in matches),
            pictures=(plate, scene),
            engine=identity.engine,
            frames=seen.frames,
            first_seen=captured.date(seen.first_s),
            last_seen=captured.date(seen.last.at_s),
        )

    def hit_builder(match: HotlistMatch) -> Callable[[int], AnyRecord]:
        def build_hit(seq: int) -> AnyRecord:
            return records.Hit(
                id=records.mint_id(captured.at, random_bytes),
                agency=identity.agency,
                unit=identity.unit,
                seq=seq,
                salt=random_bytes(16).hex(),
                captured_at=captured.at,
                clock=clock,
                read=read_id,
                camera=camera,
                plate=reading.text,
                state=state,
                position=moment.position,
                match=match,
                rang=rings(match),
            )

        return build_hit

    return Draft(
        builders=(build_read, *(hit_builder(match) for match in telling)),
        pictures={
            plate.sha256: plate_picture.jpeg,
            scene.sha256: scene_picture.jpeg,
        },
    )


def rung_after_all(
    hit: Hit, *, rings: Callable[[], bool], random_bytes: Callable[[int], bytes]
) -> Draft:
    """A hit that rings now, of the same read, beside one on record that did not ring.

    ``rings`` says whether the console still rings for it as live; see :func:`draft`.
    """
    identifier = records.mint_id(hit.captured_at, random_bytes)

    def build(seq: int) -> AnyRecord:
        salt = random_bytes(16).hex()
        return structs.replace(hit, id=identifier, seq=seq, salt=salt, rang=rings())

    return Draft(builders=(build,), pictures={})


def malfunction_draft(
    *,
    identity: Identity,
    at: Instant,
    component: Component,
    camera: str | None,
    description: str,
    random_bytes: Callable[[int], bytes],
) -> Draft:
    """A malfunction that the unit reports of itself."""
    identifier = records.mint_id(at.at, random_bytes)

    def build(seq: int) -> AnyRecord:
        return records.Malfunction(
            id=identifier,
            agency=identity.agency,
            unit=identity.unit,
            seq=seq,
            salt=random_bytes(16).hex(),
            captured_at=at.at,
            clock=at.clock,
            component=component,
            camera=camera,
            description=description[:_DESCRIPTION_LENGTH],
            reported_by="unit",
        )

    return Draft(builders=(build,), pictures={})


def _picture(
    kind: Literal["plate", "scene"],
    encoded: EncodedPicture,
    box: records.Box | None,
    taken_at: datetime | None,
) -> records.Picture:
    return records.Picture(
        kind=kind,
        sha256=hashlib.sha256(encoded.jpeg).hexdigest(),
        size_bytes=len(encoded.jpeg),
        width_px=encoded.width,
        height_px=encoded.height,
        box=box,
        taken_at=UNSET if taken_at is None else taken_at,
    )


def _box_in(scene: EncodedPicture, seen: Sighting) -> records.Box:
    """The plate's place in the scene picture, which may be smaller than the frame."""
    scale = scene.width / seen.best_frame.image.shape[1]
    box = seen.best_box
    return records.Box(
        x=round(box.x * scale),
        y=round(box.y * scale),
        w=max(1, round(box.w * scale)),
        h=max(1, round(box.h * scale)),
    )


def _probability(value: float) -> float:
    return round(min(1.0, max(0.0, value)), _PROBABILITY_DIGITS)
