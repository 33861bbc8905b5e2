"""Whatever a list holds within its limits, what it matches rings and is stored."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import UNSET
from structlog.testing import capture_logs

from edge.contract.plates import load_confusables
from edge.contract.records import (
    MAX_LABEL,
    MAX_MATCH_NOTE,
    MAX_REASON,
    Hit,
    Malfunction,
    ManualEntry,
    Read,
)
from edge.hotfile.keys import hotfile_key
from edge.hotfile.local import LocalList
from edge.recording.manual_entries import manual_entry_draft
from tests.edge.instants import instant
from tests.edge.recording.passes import drive
from tests.edge.recording_parts import IDENTITY, LISTED, SPOOL_KEY, START, plate, recording, stored

SEEN = [[plate(LISTED, x=100 + 8 * step, width=80 + 4 * step)] for step in range(10)]


@pytest.mark.parametrize("length", [MAX_MATCH_NOTE, MAX_MATCH_NOTE + 1, MAX_REASON])
def test_a_plate_entered_by_hand_rings_with_every_field_at_its_limit(
    tmp_path: Path, length: int
) -> None:
    own = LocalList(tmp_path / "own" / "entries", hotfile_key(SPOOL_KEY), load_confusables())
    longest, reason = "AB1CD2EF3GH4", "\U0001f697" * length
    entered = own.enter(
        plate=longest,
        state="MA",
        kind="missing_college_student",
        priority=1,
        reason=reason,
        officer="o" * MAX_LABEL,
        authorized_by="a" * MAX_LABEL,
        expires=None,
        now=START,
    )
    own.apply(entered)
    checked = own.check(entered.entry.entry, checked_by="c" * MAX_LABEL)
    own.apply(checked)
    now = [START]
    with recording(tmp_path, now, own=own) as recorder:
        for change in (entered, checked):
            made = manual_entry_draft(
                change, identity=IDENTITY, at=instant(START), random_bytes=os.urandom
            )
            recorder.spool.add(made.builders, made.pictures)
        console = drive(recorder, now, [[plate(longest, confidence=0.999)]] * 3)
        ((_, (hit,)),) = console.alerts
        *entries, kept_hit, read = stored(recorder.spool)
        assert [type(one) for one in entries] == [ManualEntry, ManualEntry]
        assert (kept_hit, type(read)) == (hit, Read)
        note = hit.match.note
        assert isinstance(note, str)
        assert len(note) == min(length, MAX_MATCH_NOTE)
        assert note == reason if length <= MAX_MATCH_NOTE else note == f"{reason[: len(note) - 1]}…"


@pytest.mark.parametrize(("entries", "glyph"), [(80, "x"), (40, "\u8eca"), (90, "\x07")])
def test_a_plate_that_matches_many_entries_with_long_notes_rings_for_all_of_them(
    tmp_path: Path, entries: int, glyph: str
) -> None:
    now = [START]
    with recording(tmp_path, now, rows=rows(entries, note=glyph * MAX_MATCH_NOTE)) as recorder:
        console = drive(recorder, now, SEEN)
        ((_, alerted),) = console.alerts
        assert len(alerted) == entries
        assert {hit.match.note for hit in alerted} == {glyph * MAX_MATCH_NOTE}
        *hits, read = stored(recorder.spool)
        assert tuple(hits) == alerted
        assert isinstance(read, Read)
        assert len(read.hits) == entries
        assert {match.note for match in read.hits} == {UNSET}
        assert recorder.health.report().troubles == {}


def test_a_read_that_no_record_holds_with_all_it_matches_rings_for_the_most_urgent(
    tmp_path: Path,
) -> None:
    now = [START]
    many = rows(90, note="armed", entry="\U0001f697" * (MAX_LABEL - 2))
    with capture_logs() as logged, recording(tmp_path, now, rows=many) as recorder:
        console = drive(recorder, now, SEEN)
        ((interim, (hit,)),) = console.alerts
        assert (hit.match.plate, hit.match.priority, hit.match.note) == (LISTED, 1, UNSET)
        kept_hit, said, read = stored(recorder.spool)
        assert kept_hit == hit
        assert isinstance(said, Malfunction)
        assert isinstance(read, Read)
        assert (read.id, read.frames) == (interim.id, len(SEEN))
        assert [match.plate for match in read.hits] == [LISTED]
        ((_, hits, told),) = console.reads
        assert (hits, told.withdrawn) == ((hit,), ())
        report = recorder.health.report()
        assert (report.counters["records_unfit"], report.counters["hits"]) == (1, 1)
        kept = "its read is kept with the most urgent match alone, without its note"
        assert said.description.endswith(kept)
    assert kept in str(logged)
    assert LISTED not in str(logged)
    with recording(tmp_path, now):
        pass  # nothing was left to settle


def test_what_a_record_had_no_room_for_has_not_rung(tmp_path: Path) -> None:
    now = [START]
    many = rows(90, note="armed", entry="\U0001f697" * (MAX_LABEL - 2))
    with recording(tmp_path, now, rows=many) as recorder:
        drive(recorder, now, SEEN)
        console = drive(recorder, now, SEEN)
        assert [hit.match.how for _, (hit,) in console.alerts] == ["exact", "wildcard"]


def test_a_pass_that_ends_with_more_than_a_record_holds_is_told_by_the_most_urgent(
    tmp_path: Path,
) -> None:
    """It did not ring before: it was read too unsurely, and not for long."""
    now = [START]
    many = rows(90, note="armed", entry="\U0001f697" * (MAX_LABEL - 2))
    with recording(tmp_path, now, rows=many) as recorder:
        console = drive(recorder, now, [[plate(LISTED, confidence=0.9)]])
        assert console.alerts == []
        ((read, (hit,), told),) = console.reads
        assert (hit.rang, hit.match.plate, hit.match.note) == (True, LISTED, UNSET)
        assert (read.hits, told.quiet) == ((hit.match,), {})
        assert [type(one) for one in stored(recorder.spool)] == [Read, Hit, Malfunction]
        assert recorder.health.report().counters["records_unfit"] == 1


def rows(entries: int, *, note: str, entry: str = "") -> Sequence[str]:
    """The listed plate, urgent, and patterns that it fits."""
    hidden = itertools.chain.from_iterable(
        itertools.combinations(range(len(LISTED)), count) for count in (2, 3, 4)
    )
    patterns = (
        "".join("?" if place in places else char for place, char in enumerate(LISTED))
        for places in hidden
    )
    named = [f"{entry}{number:02}" if entry else "" for number in range(entries)]
    urgent = f"{LISTED},MA,stolen_vehicle,1,{note},{named[0]}"
    others = (
        f"{pattern},MA,other,3,{note},{name}"
        for pattern, name in zip(patterns, named[1:], strict=False)
    )
    return (urgent, *others)
