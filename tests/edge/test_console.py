"""The console says what an officer must know, and how sure it is."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from edge.console.alerts import BEFORE_A_STOP, Standing, Told
from edge.console.terminal import TerminalConsole
from edge.contract.records import Hit, Read, decode_record
from edge.vision.frames import Frame
from edge.vision.geometry import Box
from tests.contract.test_golden import golden
from tests.edge.instants import instant

READ = decode_record(golden("read"))
HIT = decode_record(golden("hit"))
FRAME = Frame(
    "front-left",
    3,
    instant(datetime(2026, 3, 29, 2, tzinfo=UTC)),
    np.zeros((2, 2, 3), np.uint8),
    "street.mp4",
    standalone=False,
)
BOX = Box(1, 2, 3, 4)


def shown(style: Any, hit: Hit | None = None, *, bell: bool = True) -> str:
    assert isinstance(READ, Read)
    stream = io.StringIO()
    hits = () if hit is None else (hit,)
    TerminalConsole(style, bell, stream).show(READ, hits, FRAME, BOX, Told())
    return stream.getvalue()


def hit(**match: Any) -> Hit:
    assert isinstance(HIT, Hit)
    return msgspec.structs.replace(HIT, match=msgspec.structs.replace(HIT.match, **match))


@pytest.mark.policy("M-F-a")
def test_an_alert_says_how_it_matched_and_what_comes_before_a_stop() -> None:
    text = shown("plain", hit())
    assert "NOT EXACT: character 4 read 0, listed O" in text
    assert "listed 8MBOZ5 MA" in text
    assert "read 8MB0Z5 MA" in text
    assert "state agrees" in text
    assert BEFORE_A_STOP in text
    assert text.endswith("\a\n")


def test_an_exact_hit_a_differing_state_and_a_stale_list_are_said() -> None:
    text = shown("plain", hit(how="exact", substitutions=(), state_agreement="different"))
    assert "every character agrees" in text
    assert "STATE DIFFERS" in text
    assert "STALE" not in text
    assert "STALE" in shown("plain", hit(list_stale=True))
    ahead = shown("plain", hit(list_stale=True, list_issued_at=datetime(2099, 1, 1, tzinfo=UTC)))
    assert "issued 2099-01-01 00:00 UTC, DATED AHEAD of this read: its age is not known" in ahead
    assert "STALE" not in ahead
    assert "state not certain" in shown("plain", hit(state_agreement="unknown"))


@pytest.mark.policy("M-D1")
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("repository", "version 2026-03-28, from the repository, issued"),
        ("usb", "version 2026-03-28, from a USB stick, issued"),
        ("file", "version 2026-03-28, from the department's file, issued"),
        ("local", "version 2026-03-28, entered on this unit, issued"),
        (msgspec.UNSET, "version 2026-03-28, issued"),
    ],
)
def test_an_alert_says_where_its_list_is_from_and_how_old_it_is(source: Any, said: str) -> None:
    issued_at = hit().captured_at - timedelta(hours=7, minutes=30)
    text = shown(
        "plain", hit(list_source=source, list_issued_at=issued_at, list_version="2026-03-28")
    )
    assert said in text
    assert f"issued {issued_at:%Y-%m-%d %H:%M} UTC, 7.5 h old\n" in text
    assert "7.5 h old, STALE\n" in shown("plain", hit(list_stale=True, list_issued_at=issued_at))


def test_what_the_entry_tells_the_officer_is_in_the_alert() -> None:
    assert "\n  NOTE  armed; do not approach alone\n" in shown(
        "plain", hit(note="armed; do not approach alone")
    )
    assert "NOTE" not in shown("plain")


def test_a_hit_through_a_pattern_says_so() -> None:
    text = shown("plain", hit(how="wildcard", plate="8MB?Z*", substitutions=()))
    assert "NOT EXACT: it fits the pattern that is listed; state agrees" in text
    swapped = shown("plain", hit(how="wildcard", plate="8MB?Z*"))
    assert "NOT EXACT: it fits the pattern that is listed; character 4 read 0" in swapped


def test_the_bell_rings_for_live_hits_alone() -> None:
    assert "\a" not in shown("plain")
    assert "\a" not in shown("plain", hit(), bell=False)
    assert "\a" not in shown("plain", msgspec.structs.replace(hit(), rang=False))


def test_a_late_hit_is_said_to_be_late_and_a_console_that_nobody_reads_is_let_go() -> None:
    late = shown("plain", msgspec.structs.replace(hit(), rang=False))
    assert "LATE, captured 2026-03-29 02:00:01 UTC: HIT" in late

    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    assert isinstance(READ, Read)
    console = TerminalConsole("plain", True, Closed())
    console.show(READ, (), FRAME, BOX, Told())
    console.show(READ, (), FRAME, BOX, Told())


def test_json_is_one_line_with_the_picture_and_the_box() -> None:
    said = json.loads(shown("json", hit()))
    assert said["file"] == "street.mp4"
    assert said["frame"] == 3
    assert said["box"] == [1, 2, 3, 4]
    assert said["plate"] == "8MB0Z5"
    assert shown("none", hit()) == ""


def test_json_says_of_a_hit_all_that_its_record_says_of_the_match() -> None:
    """A program that shows alerts elsewhere must not make an old list look fresh."""
    stale = hit(list_stale=True, list_source="usb", note="armed; do not approach alone")
    (said,) = json.loads(shown("json", stale))["hits"]
    assert {said.pop(name) for name in ("rang", "quiet")} == {True, None}
    assert said | {"plate": said.pop("listed")} == json.loads(msgspec.json.encode(stale.match))


def test_an_alert_comes_before_its_read_and_is_not_rung_again() -> None:
    assert isinstance(READ, Read)
    stream = io.StringIO()
    console = TerminalConsole("plain", True, stream)
    console.alert(READ, (hit(),), FRAME, BOX)
    rung = stream.getvalue()
    assert rung.startswith("HIT")
    assert rung.endswith("\a\n")
    console.show(READ, (hit(),), FRAME, BOX, Told(rang=frozenset({hit().id})))
    read = stream.getvalue().removeprefix(rung)
    assert READ.plate in read
    assert "HIT" not in read
    assert "\a" not in read


def test_what_rang_and_is_no_hit_any_more_is_taken_back_in_words() -> None:
    assert isinstance(READ, Read)
    stream = io.StringIO()
    TerminalConsole("plain", True, stream).show(READ, (), FRAME, BOX, Told(withdrawn=(hit(),)))
    text = stream.getvalue()
    assert "WITHDRAWN" in text
    assert "listed 8MBOZ5: later frames read 8MB0Z5 MA" in text
    assert "\a" not in text


@pytest.mark.parametrize("live", [True, False])
def test_what_stands_of_a_plate_that_is_taken_back_is_said_with_a_sound_while_it_is_live(
    live: bool,
) -> None:
    assert isinstance(READ, Read)
    seen_at = datetime(2026, 3, 29, 1, 2, 3, tzinfo=UTC)
    stands = {hit().id: Standing("rear", "8MBOZ5", seen_at, live=live)}
    told = Told(withdrawn=(hit(),), stands=stands)
    plain, program = io.StringIO(), io.StringIO()
    TerminalConsole("plain", True, plain).show(READ, (), FRAME, BOX, told)
    TerminalConsole("json", True, program).show(READ, (), FRAME, BOX, told)
    text = plain.getvalue()
    assert "NOT WITHDRAWN: camera rear read 8MBOZ5 at 2026-03-29 01:02:03 UTC" in text
    assert BEFORE_A_STOP in text
    assert text.endswith("\a\n") == live
    (withdrawn,) = json.loads(program.getvalue())["withdrawn"]
    assert withdrawn["stands"] == {
        "camera": "rear", "plate": "8MBOZ5", "captured_at": "2026-03-29T01:02:03Z", "live": live,
    }  # fmt: skip


def test_what_rang_as_exact_and_is_only_alike_by_now_is_said_without_a_sound() -> None:
    assert isinstance(READ, Read)
    rang = hit(how="exact", substitutions=())
    told = Told(rang=frozenset({rang.id}), now={rang.id: hit().match})
    for style, said in (
        ("plain", "  now read 8MB0Z5 MA: NOT EXACT: character 4 read 0, listed O; state agrees"),
        ("json", '"how":"confusable"'),
    ):
        stream = io.StringIO()
        TerminalConsole(style, True, stream).show(  # type: ignore[arg-type]
            READ, (rang,), FRAME, BOX, told
        )
        text = stream.getvalue()
        assert said in text
        assert "exact" not in text.replace("NOT EXACT", "")
        assert "\a" not in text


def test_a_hit_that_a_lists_rules_keep_quiet_says_which() -> None:
    assert isinstance(READ, Read)
    stream = io.StringIO()
    quiet = msgspec.structs.replace(hit(), rang=False)
    told = Told(quiet={quiet.id: "quiet_repeat"})
    TerminalConsole("plain", True, stream).show(READ, (quiet,), FRAME, BOX, told)
    assert "NOT RUNG, rang a while ago: HIT" in stream.getvalue()
    assert "LATE" not in stream.getvalue()
    assert "\a" not in stream.getvalue()
    program = io.StringIO()
    TerminalConsole("json", True, program).show(READ, (quiet,), FRAME, BOX, told)
    (said,) = json.loads(program.getvalue())["hits"]
    assert (said["rang"], said["quiet"]) == (False, "quiet_repeat")


def test_json_says_first_the_hit_and_then_the_read_by_one_id() -> None:
    assert isinstance(READ, Read)
    stream = io.StringIO()
    console = TerminalConsole("json", True, stream)
    console.alert(READ, (hit(),), FRAME, BOX)
    console.show(READ, (), FRAME, BOX, Told(withdrawn=(hit(),)))
    alert, read = map(json.loads, stream.getvalue().splitlines())
    assert [alert["event"], read["event"]] == ["hit", "read"]
    assert alert["id"] == read["id"]
    assert [one["listed"] for one in alert["hits"]] == ["8MBOZ5"]
    assert [(one["listed"], one["stands"]) for one in read["withdrawn"]] == [("8MBOZ5", None)]
