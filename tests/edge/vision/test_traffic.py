"""As many passes as cars: drawn traffic with misreadings, gaps, turns and plates that are alike."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benches._traffic import Car, Traffic, scenarios, serial, shots
from edge.vision.passes import Pass
from edge.vision.tracker import Tracker

FPS = (3.0, 5.0, 10.0, 15.0, 30.0)


def passes_of(
    traffic: Traffic, rng: random.Random, fps: float, skipped: float = 0.0
) -> tuple[Counter[int], list[Pass], set[int]]:
    """How many passes each car became, the passes, and the cars that were read at all."""
    tracker, whose, passes, seen = Tracker(), {}, [], set[int]()
    for shot in shots(traffic, rng, fps, skipped):
        for observation, car in zip(shot.observations, shot.cars, strict=True):
            whose[shot.frame.index, observation.box] = car
            seen.add(car)
        passes += tracker.update(shot.frame, shot.observations).ended
    passes += tracker.flush()
    return Counter(whose[one.best_frame.index, one.best_box] for one in passes), passes, seen


def test_of_many_cars_a_few_at_most_are_split_or_lost() -> None:
    split = lost = cars = 0
    for seed in range(20):
        rng = random.Random(seed)
        traffic, fps = scenarios(rng), rng.choice(FPS)
        became, _, seen = passes_of(traffic, rng, fps, rng.choice((0, 0.2, 0.5)) if fps > 9 else 0)
        cars += len(seen)
        split += sum(count - 1 for count in became.values())
        lost += sum(not became[car] for car in seen)
    assert cars > 60
    assert split <= 0.05 * cars
    assert lost <= 0.05 * cars, "most of these are plates of one fleet, one behind the other"


ways = st.builds(
    lambda right, speed, start: (right, speed, start),
    st.floats(-0.7, 0.7),
    st.floats(3, 25),
    st.floats(0, 3),
)


@settings(max_examples=15, deadline=None)
@given(st.lists(ways, min_size=1, max_size=4), st.sampled_from(FPS[2:]), st.integers(0, 2**32))
def test_cars_of_different_plates_that_are_read_well_are_a_pass_each(
    cars: list[tuple[float, float, float]], fps: float, seed: int
) -> None:
    rng = random.Random(seed)
    shapes = ("5NA34", "2879CW", "KM3765", "7FLB53")

    def car(lane: int, aside: float, speed: float, start: float) -> Car:
        right = 3.0 * lane - 4.5 + aside

        def way(at_s: float) -> tuple[float, float, float] | None:
            ahead = 9.0 - speed * (at_s - start)
            return (right, -1.2, ahead) if 2.0 < ahead <= 9.0 else None

        return Car(shapes[lane] + str(lane), way)

    traffic = Traffic("near", tuple(car(n, *way) for n, way in enumerate(cars)), 8.0)
    became, _, seen = passes_of(traffic, rng, fps)
    assert became == Counter(seen)


@pytest.mark.parametrize("fps", [3.0, 10.0])
def test_a_car_that_stands_for_minutes_and_is_hidden_now_and_then_is_one_pass(fps: float) -> None:
    rng = random.Random(5)
    stands = Car("7FLB53", lambda at_s: (1.0, -1.2, 7.0) if at_s % 30 < 27 else None)
    became, (only,), _ = passes_of(Traffic("stands", (stands,), 100.0), rng, fps)
    assert became == {0: 1}
    assert only.reading.text == "7FLB53"


def test_two_cars_of_a_fleet_side_by_side_are_two_passes() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        first = serial(rng)
        cars = tuple(
            Car(plate, lambda at_s, right=right: (right, -1.2, 9.0 - at_s))  # type: ignore[misc]
            for plate, right in ((first, -1.5), (serial(rng, first), 1.5))
        )
        became, _, _ = passes_of(Traffic("fleet", cars, 4.0), rng, 10.0)
        assert became == {0: 1, 1: 1}


def test_a_turn_of_the_camera_ends_no_pass() -> None:
    for seed in range(5):
        rng = random.Random(seed)
        cars = tuple(
            Car(serial(rng), lambda at_s, right=right: (right, -1.0, 8.0))  # type: ignore[misc]
            for right in (-2.0, 0.5, 2.5)
        )
        traffic = Traffic("turn", cars, 4.0, lambda at_s: (0.3 * max(0.0, min(1.0, at_s - 1)), 0.0))
        became, _, seen = passes_of(traffic, rng, 5.0)
        assert became == Counter(seen)
