"""Checks run side by side and end in time, whatever one of them does."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from edge.doctor.examine import Check, examine
from edge.doctor.findings import Finding, exit_status, fail, ok, split, warning, worst
from edge.errors import EdgeError


def test_every_check_answers_in_its_place_whatever_the_others_do() -> None:
    leave = threading.Event()
    both_run = threading.Barrier(2, timeout=30)

    def side_by_side() -> Iterator[Finding]:
        both_run.wait()
        yield ok("side", "it ran beside the other")

    def breaks() -> Iterator[Finding]:
        yield ok("breaks", "this is lost with the rest")
        raise ValueError("ABC123 stands in no output")

    def hangs() -> Iterator[Finding]:
        leave.wait()
        yield ok("hangs", "too late")

    def refuses() -> Iterator[Finding]:
        raise EdgeError("camera front: it is in use: end the program that uses it")

    done: list[str] = []
    found = examine(
        [
            Check("hangs", hangs, 0.2),
            Check("one", side_by_side),
            Check("other", side_by_side),
            Check("breaks", breaks),
            Check("refuses", refuses),
            Check("nothing", lambda: []),
        ],
        lambda check, _: done.append(check.name),
    )
    leave.set()
    assert [one.check for one in found] == ["hangs", "side", "side", "breaks", "refuses"]
    assert [one.verdict for one in found] == ["fail", "ok", "ok", "fail", "fail"]
    assert "no answer within 0 s" in found[0].found
    assert "ValueError" in found[3].found
    assert "ABC123" not in str(found)
    assert found[4].do == "end the program that uses it"
    assert sorted(done) == ["breaks", "hangs", "nothing", "one", "other", "refuses"]


def test_the_worst_finding_decides() -> None:
    good, bad, worse = ok("a", "b"), warning("a", "b", "c"), fail("a", "b", "c")
    assert [exit_status(some) for some in ([], [good], [good, bad], [worse, good, bad])] == [
        0, 0, 1, 2,
    ]  # fmt: skip
    assert worst([good, bad]) == "warning"


def test_a_sentence_of_the_unit_is_split_into_what_and_what_to_do() -> None:
    assert split("the disk is full: make room on it") == ("the disk is full", "make room on it")
    assert split("it does not answer")[0] == "it does not answer"
    assert split("no port /dev/a:b")[0] == "no port /dev/a:b"
