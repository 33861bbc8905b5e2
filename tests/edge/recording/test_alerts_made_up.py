"""Whatever two cameras read of their cars: no alert is left without its read or its withdrawal."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.contract.records import Hit, Read
from edge.recording.pass_recorder import PassRecorder
from edge.recording.ringing import key_of
from edge.vision.engine import PlateObservation
from edge.vision.tracker import LONGEST_PASS_S, Tracker
from tests.edge.recording.passes import take
from tests.edge.recording_parts import (
    ALSO_LISTED,
    LISTED,
    LISTED_ROWS,
    START,
    Shown,
    frame,
    plate,
    recording,
    stored,
)

UNLISTED = "5NA3490"
LONG = round(LONGEST_PASS_S * 10) + 5

Stretch: TypeAlias = tuple[tuple[str, float, int], int, bool]
"""What is read, how surely and in how many frames; how long nothing is; is another car beside."""

stretches = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just(UNLISTED), st.just(0.99), st.sampled_from((2, 10, LONG))),
            st.tuples(
                st.sampled_from((LISTED, ALSO_LISTED)),
                st.sampled_from((0.6, 0.7, 0.99)),
                st.sampled_from((1, 2, 12)),
            ),
        ),
        st.sampled_from((0, 6, 8, 40)),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


def seen_in(drive: list[Stretch]) -> list[list[PlateObservation]]:
    frames: list[list[PlateObservation]] = []
    for (text, confidence, length), hidden, beside in drive:
        others = [plate(LISTED, x=420)] * beside
        frames += [[plate(text, confidence=confidence), *others]] * length + [others] * hidden
    return frames


@settings(max_examples=25, deadline=None)
@given(stretches, stretches)
def test_every_alert_has_its_read_and_is_borne_out_by_it_or_taken_back(
    front: list[Stretch], rear: list[Stretch]
) -> None:
    now: list[datetime] = [START]
    with TemporaryDirectory() as folder:
        with recording(Path(folder), now, rows=LISTED_ROWS) as recorder:
            console = recorder.console
            assert isinstance(console, Shown)
            cameras = [
                (PassRecorder(recorder, name, live=True), Tracker()) for name in ("front", "rear")
            ]
            both = zip_longest(seen_in(front), seen_in(rear), fillvalue=())
            for index, seen in enumerate(both):
                shot = frame(index / 10, index)
                now.append(shot.captured_at)
                for (passes, tracker), plates in zip(cameras, seen, strict=True):
                    take(passes, tracker, shot, plates)
            for passes, tracker in cameras:
                passes.end(tracker.flush(), lambda *_: None)
            records = stored(recorder.spool)
        with recording(Path(folder), now, rows=LISTED_ROWS):
            pass  # nothing was left to settle
    shown = {read.id: (read, told) for read, _, told in console.reads}
    on_record = [record.id for record in records if isinstance(record, Read)]
    assert Counter(on_record) == Counter(read.id for read, _, _ in console.reads)
    assert len(set(on_record)) == len(on_record)
    hits = [record for record in records if isinstance(record, Hit)]
    assert {hit.read for hit in hits} <= shown.keys()
    alerted = [hit for _, some in console.alerts for hit in some]
    assert {hit.id for hit in alerted} <= {hit.id for hit in hits}
    for hit in alerted:
        read, told = shown[hit.read]
        borne_out = key_of(hit.match) in map(key_of, read.hits)
        assert borne_out != (hit in told.withdrawn)
    told_of = {(hit.read, key_of(hit.match)) for hit in hits}
    for read, _ in shown.values():
        assert {(read.id, key_of(match)) for match in read.hits} <= told_of
