"""A part that fails is started again, one that hangs is said, and neither goes on for ever."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence

import pytest

from edge.errors import EdgeError
from edge.health.health import Health
from edge.supervision import supervisor as supervising
from edge.supervision.hearts import FORGIVE_OVER_S, Hearts
from edge.supervision.supervisor import Part, PartFailedError, PartStuckError, Supervisor
from tests.waiting import until


class Ticks:
    """A clock that moves when it is told."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Watched:
    """A supervisor over parts, with a clock that is moved by hand."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.ticks = Ticks()
        self.hearts = Hearts(self.ticks)
        self.health = Health(monotonic_s=self.ticks)
        self.stop = threading.Event()
        self.supervisor = Supervisor(
            parts, self.hearts, self.health, self.stop, monotonic_s=self.ticks
        )

    def pass_by(self, seconds: float, *beating: str) -> None:
        """Time passes as it does: it is looked often, and these parts beat."""
        for _ in range(round(seconds)):
            self.ticks.now_s += 1
            for part in beating:
                self.hearts.beat(part)
            self.supervisor.look()

    @property
    def troubles(self) -> dict[str, str]:
        return dict(self.health.report().troubles)


def ended(watched: Watched, name: str) -> bool:
    return not any(one.runs for one in watched.supervisor.states() if one.name == name)


def test_a_part_that_fails_is_started_again_after_growing_waits_and_then_given_up() -> None:
    starts: list[float] = []

    def run() -> None:
        starts.append(watched.ticks.now_s)
        raise ZeroDivisionError("ABC123 is a plate that no log may show")

    watched = Watched([Part("chore", run)])
    watched.supervisor.start()

    def fail_on() -> None:
        while True:
            watched.supervisor.look()
            until(lambda: ended(watched, "chore"))
            watched.supervisor.look()
            watched.ticks.now_s += 1

    with pytest.raises(PartFailedError, match="chore failed 6 times, last with ZeroDivisionError"):
        fail_on()
    waits = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert waits == [1, 2, 4, 8, 16]
    assert watched.health.report().counters["restarts"] == supervising.RESTARTS
    assert "ABC123" not in str(watched.troubles)


def test_a_part_that_the_daemon_can_do_without_is_tried_again_for_ever() -> None:
    starts: list[float] = []

    def run() -> None:
        starts.append(watched.ticks.now_s)
        raise RuntimeError

    watched = Watched([Part("metrics", run, vital=False)])
    watched.supervisor.start()
    while len(starts) < 2 * supervising.RESTARTS:
        watched.supervisor.look()
        until(lambda: ended(watched, "metrics"))
        watched.supervisor.look()
        watched.ticks.now_s += 1
    waits = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert waits[:6] == [1, 2, 4, 8, 16, supervising.RESTART_WINDOW_S]
    assert max(waits) == supervising.RESTART_WINDOW_S
    assert "part metrics" in watched.troubles


def test_faults_of_long_ago_do_not_count() -> None:
    go = threading.Semaphore(0)

    def run() -> None:
        go.acquire()
        raise RuntimeError

    watched = Watched([Part("chore", run, limit_s=None)])
    watched.supervisor.start()
    for _ in range(3 * supervising.RESTARTS):
        go.release()
        until(lambda: ended(watched, "chore"))
        watched.supervisor.look()
        assert "part chore" in watched.troubles
        watched.pass_by(supervising.RESTART_WINDOW_S / 4)
        assert "part chore" not in watched.troubles
    (state,) = watched.supervisor.states()
    assert (state.runs, state.restarts) == (True, 3 * supervising.RESTARTS)
    watched.stop.set()
    go.release()
    assert watched.supervisor.join(60) == ()


def test_an_error_that_says_what_to_do_is_repeated_in_full() -> None:
    def run() -> None:
        raise EdgeError("the key is not there: restore it")

    watched = Watched([Part("chore", run)])
    watched.supervisor.start()
    until(lambda: ended(watched, "chore"))
    watched.supervisor.look()
    assert "the key is not there: restore it" in watched.troubles["part chore"]


def test_a_part_that_ends_unasked_has_failed_unless_it_may() -> None:
    watched = Watched([Part("chore", lambda: None), Part("tape", lambda: None, may_end=True)])
    watched.supervisor.start()
    until(lambda: ended(watched, "chore") and ended(watched, "tape"))
    watched.supervisor.look()
    assert "nobody asked for" in watched.troubles["part chore"]
    assert "part tape" not in watched.troubles
    assert watched.supervisor.running(["chore"])
    assert not watched.supervisor.running(["tape"])


def test_a_part_that_hangs_is_said_and_then_ends_the_process() -> None:
    leave = threading.Event()
    watched = Watched([Part("driver", leave.wait, 60), Part("chore", leave.wait, 60)])
    watched.supervisor.start()
    watched.pass_by(60, "chore")
    assert watched.supervisor.silent() == ()
    watched.pass_by(1, "chore")
    assert watched.supervisor.silent() == ("driver",)
    assert "61 s" in watched.troubles["silence of driver"]
    with pytest.raises(PartStuckError, match="driver hangs for 92 s"):
        watched.pass_by(supervising.GRACE_S + 1, "chore")
    leave.set()


def test_a_part_that_comes_back_in_time_is_well_again() -> None:
    leave = threading.Event()
    watched = Watched([Part("driver", leave.wait, 60)])
    watched.supervisor.start()
    watched.pass_by(75)
    assert watched.supervisor.silent() == ("driver",)
    watched.pass_by(2, "driver")
    assert (watched.supervisor.silent(), watched.troubles) == ((), {})
    watched.pass_by(61)
    watched.pass_by(supervising.GRACE_S - 2)  # a new silence has a grace of its own
    assert watched.supervisor.silent() == ("driver",)
    leave.set()


def test_a_part_that_waits_to_be_started_again_is_not_silent() -> None:
    def run() -> None:
        raise RuntimeError

    watched = Watched([Part("chore", run, 0.5)])
    watched.supervisor.start()
    until(lambda: ended(watched, "chore"))
    watched.supervisor.look()
    watched.ticks.now_s += 0.9
    watched.supervisor.look()
    assert watched.supervisor.silent() == ()


def test_a_machine_that_slept_is_no_part_that_hangs() -> None:
    ticks = Ticks()
    hearts = Hearts(ticks)
    hearts.expect("chore", 60)
    for _ in range(30):
        ticks.now_s += 1
        assert hearts.silent() == {}
    ticks.now_s += 3600
    assert hearts.silent() == {}
    for _ in range(30):
        ticks.now_s += 1
        assert hearts.silent() == {}
    ticks.now_s += FORGIVE_OVER_S
    assert hearts.silent() == {"chore": 65.0}


def test_what_a_part_calls_beats_for_it() -> None:
    ticks = Ticks()
    hearts = Hearts(ticks)
    hearts.expect("chore", 1)
    hearts.beat()  # nobody's: this thread has not entered
    ticks.now_s += 2
    assert list(hearts.silent()) == ["chore"]

    def live() -> None:
        hearts.enter("chore")
        hearts.beat()

    thread = threading.Thread(target=live)
    thread.start()
    thread.join()
    assert hearts.silent() == {}
    hearts.excuse("chore")
    hearts.beat("chore")
    ticks.now_s += 2
    assert hearts.silent() == {}


def test_those_that_do_not_end_are_named() -> None:
    leave = threading.Event()
    watched = Watched([Part("driver", leave.wait), Part("chore", lambda: None, may_end=True)])
    watched.supervisor.start()
    watched.stop.set()
    assert watched.supervisor.join(0) == ("driver",)
    leave.set()
