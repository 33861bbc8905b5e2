"""Checks run side by side and end in time, whatever one of them does."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator

import pytest

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

    def forbids() -> Iterator[Finding]:
        raise PermissionError(errno.EACCES, "Permission denied", "/var/lib/plateward/x")
        yield

    done: list[str] = []
    found = examine(
        [
            Check("hangs", hangs, 0.2),
            Check("one", side_by_side),
            Check("other", side_by_side),
            Check("breaks", breaks),
            Check("refuses", refuses),
            Check("forbids", forbids),
            Check("nothing", lambda: []),
        ],
        lambda check, _: done.append(check.name),
    )
    leave.set()
    assert [one.check for one in found] == ["hangs", "side", "side", "breaks", "refuses", "forbids"]
    assert [one.verdict for one in found] == ["fail", "ok", "ok", "fail", "fail", "fail"]
    assert "no answer within 0 s" in found[0].found
    assert "ValueError" in found[3].found
    assert "ABC123" not in str(found)
    assert found[4].do == "end the program that uses it"
    assert found[5].found == "the system refuses /var/lib/plateward/x (Permission denied)"
    assert "chown -R plateward /var/lib/plateward/x" in found[5].do
    assert sorted(done) == ["breaks", "forbids", "hangs", "nothing", "one", "other", "refuses"]


def test_the_worst_finding_decides() -> None:
    good, bad, worse = ok("a", "b"), warning("a", "b", "c"), fail("a", "b", "c")
    assert [exit_status(some) for some in ([], [good], [good, bad], [worse, good, bad])] == [
        0, 0, 1, 2,
    ]  # fmt: skip
    assert worst([good, bad]) == "warning"


@pytest.mark.parametrize(
    ("sentence", "found", "do"),
    [
        ("the disk is full: make room on it", "the disk is full", "make room on it"),
        (
            "GPS receiver at /dev/a: No such file or directory; check its cable; it is tried again",
            "GPS receiver at /dev/a: No such file or directory",
            "check its cable; it is tried again",
        ),
        (
            "10 of 9 make no entry; check the file and its columns (line 3: plate: it is empty)",
            "10 of 9 make no entry",
            "check the file and its columns (line 3: plate: it is empty)",
        ),
        (
            "one of the two is not the key: if this lasts, put back the unit.key",
            "one of the two is not the key",
            "if this lasts, put back the unit.key",
        ),
        (
            "the spool was damaged. Check this unit's disk, and replace it",
            "the spool was damaged",
            "check this unit's disk, and replace it",
        ),
    ],
)
def test_a_sentence_of_the_unit_is_split_into_what_and_what_to_do(
    sentence: str, found: str, do: str
) -> None:
    assert split(sentence, "restart it") == (found, do)


@pytest.mark.parametrize(
    "sentence",
    [
        "it does not answer",
        "no port /dev/a:b",
        "hot list state: /x/state.csv cannot be read: Permission denied",
        "no manifest has a model named 'nobody': there are plate-detector, plate-reader",
        "the first is line 3: priority: 9 is not 1 to 5",
        "credentials file /x: No such file or directory; trying again until it is back",
        "the manifest is not the repository's: another key; settled by nobody",
    ],
)
def test_what_the_system_said_is_never_given_for_what_to_do(sentence: str) -> None:
    assert split(sentence, "restart it") == (sentence, "restart it")
