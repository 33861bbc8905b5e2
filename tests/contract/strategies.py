"""Hypothesis strategies for every record of the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from hypothesis import strategies as st
from msgspec import UNSET

from edge.contract import records as r

names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True)
plates = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8)
states = st.sampled_from(["MA", "NY", "CT", "NH"])
sha256s = st.binary(min_size=32, max_size=32).map(bytes.hex)
probabilities = st.floats(0, 1, allow_nan=False)
labels = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
notes = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
kinds = st.sampled_from(get_args(r.HotlistKind))


@st.composite
def characters(draw: st.DrawFn, plate: str) -> tuple[r.Character, ...]:
    def one(char: str) -> r.Character:
        others = draw(st.lists(st.sampled_from("ABC0O8B"), max_size=4))
        return r.Character(
            alternatives=tuple(
                r.Alternative(char=c, probability=draw(probabilities)) for c in (char, *others)
            )
        )

    return tuple(one(char) for char in plate)


state_readings = st.builds(
    r.StateOfIssuance,
    code=st.none() | states,
    confidence=probabilities,
    alternatives=st.lists(
        st.builds(r.StateAlternative, code=states, probability=probabilities), max_size=3
    ).map(tuple),
)
positions = st.one_of(
    st.builds(
        r.GpsFix,
        latitude_deg=st.floats(-90, 90),
        longitude_deg=st.floats(-180, 180),
        speed_mps=st.none() | st.floats(0, 90),
        heading_deg=st.none() | st.floats(0, 360, exclude_max=True),
        quality=labels,
        satellites=st.none() | st.integers(0, 40),
        hdop=st.none() | st.floats(0, 99),
        age_ms=st.integers(0, 10_000),
        uncertainty_m=st.just(UNSET) | st.floats(0, 1e5),
    ),
    st.builds(
        r.FixedSite,
        site=labels,
        latitude_deg=st.floats(-90, 90),
        longitude_deg=st.floats(-180, 180),
        accuracy_m=st.none() | st.floats(0, 100),
    ),
    st.builds(r.NoPosition, reason=st.sampled_from(["no_receiver", "no_fix", "stale"])),
)
matches = st.builds(
    r.HotlistMatch,
    list_name=names,
    list_version=labels,
    list_issued_at=moments,
    list_stale=st.booleans(),
    entry=labels,
    kind=kinds,
    priority=st.integers(1, 5),
    plate=plates | st.sampled_from(["1AB?23", "?23456", "ABC*"]),
    state=st.none() | states,
    how=st.sampled_from(["exact", "confusable", "wildcard"]),
    substitutions=st.lists(
        st.builds(
            r.Substitution,
            index=st.integers(0, 7),
            read=st.sampled_from("0O"),
            listed=st.sampled_from("DQ"),
        ),
        max_size=2,
    ).map(tuple),
    state_agreement=st.sampled_from(["equal", "different", "unknown"]),
    probability=probabilities,
    list_source=st.just(UNSET) | labels,
    note=st.just(UNSET) | labels,
)
pictures = st.builds(
    r.Picture,
    kind=st.sampled_from(["plate", "scene"]),
    sha256=sha256s,
    size_bytes=st.integers(1, 10**6),
    width_px=st.integers(1, 4000),
    height_px=st.integers(1, 4000),
    box=st.none()
    | st.builds(
        r.Box,
        x=st.integers(-10, 4000),
        y=st.integers(-10, 4000),
        w=st.integers(1, 4000),
        h=st.integers(1, 4000),
    ),
    taken_at=st.just(UNSET) | moments,
)


@st.composite
def header(draw: st.DrawFn) -> dict[str, Any]:
    captured_at = draw(moments)
    randomness = draw(st.binary(min_size=10, max_size=10))
    return {
        "id": r.mint_id(captured_at, lambda _count: randomness),
        "agency": draw(names),
        "unit": draw(names),
        "seq": draw(st.integers(1, 2**53 - 1)),
        "salt": draw(st.binary(min_size=16, max_size=16)).hex(),
        "captured_at": captured_at,
        "clock": r.Clock(
            source=draw(st.sampled_from(["gps", "ntp", "system", "unset"])),
            error_ms=draw(st.none() | st.floats(0, 1e6)),
        ),
    }


@st.composite
def reads(draw: st.DrawFn) -> r.Read:
    head = draw(header())
    plate = draw(plates)
    return r.Read(
        **head,
        camera=draw(names),
        plate=plate,
        characters=draw(characters(plate)),
        confidence=draw(probabilities),
        state=draw(state_readings),
        position=draw(positions),
        hits=tuple(draw(st.lists(matches, max_size=2))),
        pictures=tuple(draw(st.lists(pictures, max_size=2))),
        engine=r.Engine(
            software=draw(labels),
            models=tuple(
                draw(st.lists(st.builds(r.ModelDigest, name=labels, sha256=sha256s), max_size=2))
            ),
        ),
        frames=draw(st.integers(1, 1000)),
        first_seen=head["captured_at"],
        last_seen=head["captured_at"] + timedelta(microseconds=draw(st.integers(0, 10**8))),
    )


uuids = st.binary(min_size=10, max_size=10).flatmap(
    lambda tail: moments.map(lambda moment: r.mint_id(moment, lambda _count: tail))
)


@st.composite
def other_records(draw: st.DrawFn) -> r.AnyRecord:
    head = draw(header())
    hit: UUID = draw(uuids)
    checked = draw(st.booleans())
    return draw(
        st.one_of(
            st.builds(
                r.Hit,
                **{key: st.just(value) for key, value in head.items()},
                read=st.just(hit),
                camera=names,
                plate=plates,
                state=state_readings,
                position=positions,
                match=matches,
                rang=st.booleans(),
            ),
            st.builds(
                r.Verification,
                **{key: st.just(value) for key, value in head.items()},
                hit=st.just(hit),
                officer=labels,
                characters_match=st.booleans(),
                state_matches=st.booleans(),
                status_source=st.sampled_from(["cjis", "ncic", "rms", "other"])
                if checked
                else st.just("not_checked"),
                status_checked_at=moments if checked else st.none(),
                status_answer=st.sampled_from(["active", "not_active", "unavailable"])
                if checked
                else st.none(),
                note=notes,
            ),
            st.builds(
                r.Disposition,
                **{key: st.just(value) for key, value in head.items()},
                hit=st.just(hit),
                officer=labels,
                outcome=st.sampled_from(["arrest", "no_action", "misread"]),
                case_number=st.none() | labels,
                note=notes,
            ),
            st.builds(
                r.ShiftCheck,
                **{key: st.just(value) for key, value in head.items()},
                officer=labels,
                moment=st.sampled_from(["start", "end"]),
                hotlists=st.lists(
                    st.builds(
                        r.ListInUse,
                        name=names,
                        version=labels,
                        issued_at=moments,
                        entries=st.integers(0, 10**7),
                        stale=st.booleans(),
                    ),
                    max_size=2,
                ).map(tuple),
                cameras=st.lists(
                    st.builds(
                        r.CameraCheck,
                        camera=names,
                        aim_correct=st.booleans(),
                        picture=st.none() | sha256s,
                    ),
                    max_size=2,
                ).map(tuple),
                secured=st.none() | st.booleans(),
            ),
            st.builds(
                r.ManualEntry,
                **{key: st.just(value) for key, value in head.items()},
                officer=st.just("officer 1"),
                action=st.sampled_from(["enter", "update", "end"]),
                entry=labels,
                plate=plates,
                state=st.none() | states,
                kind=kinds,
                reason=labels,
                authorized_by=labels,
                checked_by=st.none() | st.just("officer 2"),
                expires=st.none() | moments,
            ),
            st.builds(
                r.Malfunction,
                **{key: st.just(value) for key, value in head.items()},
                component=st.sampled_from(["camera", "gps", "disk"]),
                camera=st.none() | names,
                description=labels,
                reported_by=labels,
            ),
        )
    )


records = st.one_of(reads(), other_records())
