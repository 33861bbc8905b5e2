"""Rules over a spool: files of plates that change, and a time to keep that no clock can bend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.contract.plates import load_confusables
from edge.spool.store import Spool
from edge.spool.withheld import Age
from edge.uplink.errors import UplinkError
from edge.uplink.filter_settings import FilterSettings
from edge.uplink.withholding import TEND_EVERY_S, Ageing, Withholding
from tests.edge.spool.samples import AGENCY, MOMENT, SPOOL_KEY, UNIT, read

HOUR = 3600.0


class World:
    """The clocks of a unit: one that never steps, and one that people can set."""

    def __init__(self) -> None:
        self.monotonic_s = 0.0
        self.now: datetime | None = MOMENT
        self.problems: list[str | None] = []

    def passes(self, seconds: float) -> None:
        self.monotonic_s += seconds
        if self.now is not None:
            self.now += timedelta(seconds=seconds)

    def withholding(self, spool: Spool, *rules: FilterSettings) -> Withholding:
        return Withholding(
            rules,
            load_confusables(),
            spool,
            monotonic_s=lambda: self.monotonic_s,
            now=lambda: self.now,
            on_problem=self.problems.append,
        )


def open_spool(folder: Path) -> Spool:
    return Spool.open(folder / "spool", SPOOL_KEY, agency=AGENCY, unit=UNIT)


def plate_file(folder: Path, text: str) -> Path:
    path = folder / "plates.txt"
    path.write_text(text)
    path.chmod(0o600)
    return path


def keep(spool: Spool, withholding: Withholding, number: int = 1) -> None:
    made = read(number)
    rule = withholding.rule_for(made)
    assert rule is not None
    spool.add([], {}, withheld=[withholding.withheld(rule, [lambda _seq: read(1, id=made.id)], {})])


FRONT = FilterSettings(name="front", cameras=("front",), keep_hours=1)


@pytest.mark.policy("C-5b")
@pytest.mark.parametrize(
    "set_to",
    [
        lambda now: now + timedelta(days=400),
        lambda now: now - timedelta(days=400),
        lambda now: None,
        lambda now: now,
    ],
)
def test_a_read_is_kept_for_its_time_whatever_the_clock_is_set_to(
    tmp_path: Path, set_to: Callable[[Any], Any]
) -> None:
    world = World()
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FRONT)
        keep(spool, withholding)
        world.now = set_to(world.now)
        world.passes(HOUR - 1)
        withholding.tend()
        assert spool.withheld().kept == 1
        world.passes(TEND_EVERY_S)
        withholding.tend()
        assert spool.withheld().kept == 0


@pytest.mark.policy("C-5b")
def test_the_time_that_the_unit_was_off_counts_once_the_clock_can_be_believed(
    tmp_path: Path,
) -> None:
    world = World()
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FRONT)
        keep(spool, withholding)
        world.passes(TEND_EVERY_S)
        withholding.tend()
    later, world.now = MOMENT + timedelta(hours=2), None
    world.monotonic_s = 5.0  # the unit has started anew
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FRONT)
        world.passes(TEND_EVERY_S)
        withholding.tend()
        assert spool.withheld().kept == 1
        world.now = later
        world.passes(TEND_EVERY_S)
        withholding.tend()
        assert spool.withheld().kept == 0


@pytest.mark.policy("C-5b")
def test_the_time_that_the_unit_was_off_is_not_counted_for_what_it_kept_since(
    tmp_path: Path,
) -> None:
    world = World()
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FRONT)
        keep(spool, withholding)
        withholding.tend()
    later, world.now = MOMENT + timedelta(days=3), None
    world.monotonic_s = 5.0  # the unit has started anew, and does not know the time
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FRONT)
        world.passes(20.0)
        keep(spool, withholding, 2)
        world.passes(20.0)
        world.now = later
        keep(spool, withholding, 3)
        withholding.tend()
        assert spool.withheld().kept == 2  # the one of before the start is three days old
        world.passes(HOUR - 21.0)
        withholding.tend()
        assert spool.withheld().kept == 2
        world.passes(TEND_EVERY_S)
        withholding.tend()
        assert spool.withheld().kept == 0


@pytest.mark.policy("C-5b")
def test_the_time_off_before_a_run_that_never_had_the_time_counts_in_the_next(
    tmp_path: Path,
) -> None:
    world = World()
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FRONT)
        keep(spool, withholding)
        withholding.tend()
    world.now = None
    for started_s in (5.0, 7.0):
        world.monotonic_s = started_s
        with open_spool(tmp_path) as spool:
            withholding = world.withholding(spool, FRONT)
            world.passes(TEND_EVERY_S)
            withholding.tend()
            assert spool.withheld().kept == 1
    world.now = MOMENT + timedelta(hours=1)
    world.monotonic_s = 9.0
    with open_spool(tmp_path) as spool:
        world.withholding(spool, FRONT).tend()
        assert spool.withheld().kept == 0


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.integers(-(10**8), 10**8)), min_size=1, max_size=20)
)
def test_while_it_runs_the_age_grows_exactly_as_time_does(
    steps: list[tuple[float, int]],
) -> None:
    noted = Age(7.0, MOMENT)
    ageing = Ageing(noted, 0.0)
    first = ageing.at(0.0, MOMENT + timedelta(hours=1)).age_s
    assert first == 7.0 + HOUR
    monotonic_s = 0.0
    for passed_s, set_by_s in steps:
        monotonic_s += passed_s
        age = ageing.at(monotonic_s, MOMENT + timedelta(seconds=set_by_s))
        assert age.age_s == pytest.approx(first + monotonic_s)


@pytest.mark.policy("C-5b")
def test_plates_that_are_added_while_it_runs_stay_from_then_on(tmp_path: Path) -> None:
    world = World()
    path = plate_file(tmp_path, "AAA111\n")
    with open_spool(tmp_path) as spool:
        withholding = world.withholding(spool, FilterSettings(name="own", plates=path))
        assert withholding.rule_for(read(1, plate="BBB222")) is None
        plate_file(tmp_path, "AAA111\nBBB222\n")
        withholding.tend()
        assert withholding.rule_for(read(1, plate="BBB222")) is not None
        path.write_text("AAA111\n???\n***\n")
        withholding.tend()
        assert withholding.rule_for(read(1, plate="BBB222")) is not None
        path.unlink()
        withholding.tend()
        assert withholding.rule_for(read(1, plate="BBB222")) is not None
        plate_file(tmp_path, "AAA111\n")
        withholding.tend()
        assert withholding.rule_for(read(1, plate="BBB222")) is None
    first, bad, gone, good = world.problems
    assert first is None
    assert "line 2 holds no plate" in str(bad)
    assert str(bad).endswith("the plates of before stay in force")
    assert "cannot be read" in str(gone)
    assert good is None


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("AAA111\n", 0o644, r"others can read these plates \(mode 0644\): run 'chmod 600"),
        ("AAA111\n--\n", 0o600, "line 2 holds no plate"),
        ("\udcff", 0o600, "it is not UTF-8"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_unit_does_not_start_without_the_plates_it_must_keep_back(
    tmp_path: Path, text: str | None, mode: int, sentence: str
) -> None:
    path = tmp_path / "plates.txt"
    if text is not None:
        path.write_text(text, errors="surrogateescape")
        path.chmod(mode)
    with open_spool(tmp_path) as spool, pytest.raises(UplinkError, match=sentence) as error:
        World().withholding(spool, FilterSettings(name="own", plates=path))
    assert "AAA111" not in str(error.value)
