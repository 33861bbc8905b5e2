"""Which of the messages in hand are taken now: in their chains' order, oldest first, in bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from repository.ingest.arrived import Arrived, open_message
from repository.ingest.chain import within_reach
from tests.repository.ingest.test_take import SEEN
from tests.repository.sender import AGENCY, Sender

MUCH = 1000


def batches(unit: str, *, of: tuple[int, ...]) -> list[Arrived]:
    """A unit's first batches, with so many reads each."""
    sender = Sender(unit=unit)
    return [
        open_message(sender.topic(), sender.message(*(sender.read(SEEN) for _ in range(reads))))
        for reads in of
    ]


A, B = (batches(unit, of=(2, 2, 2, 2)) for unit in ("a", "b"))
NONE_YET = {(AGENCY, "a"): 0, (AGENCY, "b"): 0}


def reach(
    arrived: list[Arrived],
    *,
    overdue: set[int] = frozenset(),  # type: ignore[assignment]
    through: dict[tuple[str, str], int] = NONE_YET,
    rows: int = MUCH,
) -> list[int]:
    late = [index in overdue for index in range(len(arrived))]
    return within_reach(arrived, late, through, rows)


def test_batches_that_follow_each_other_are_taken_together_in_order() -> None:
    assert reach([A[1], B[0], A[0], A[2]]) == [2, 0, 3, 1]


def test_what_follows_nothing_yet_is_left_until_it_is_overdue() -> None:
    assert reach([A[1], B[0], A[3]]) == [1]
    assert reach([A[1], B[0]], overdue={0}) == [0, 1]
    assert reach([A[1], A[3]], through={(AGENCY, "a"): 2}) == [0]


def test_a_unit_that_nobody_knows_and_what_was_committed_before_are_answered_at_once() -> None:
    assert reach([A[2]], through={}) == [0]
    assert reach([A[0], A[1]], through={(AGENCY, "a"): 8}) == [0, 1]


def test_what_is_too_much_for_once_waits_and_the_oldest_unit_comes_first() -> None:
    assert reach([B[0], A[0], B[1], A[1]], rows=6) == [0, 2, 1]
    assert reach([A[0]], rows=1) == [0]


def test_what_follows_a_batch_that_was_put_off_is_put_off_with_it_even_if_overdue() -> None:
    assert reach([B[0], A[0], A[1]], rows=3, overdue={2}) == [0]


def test_what_is_no_batch_comes_first_and_takes_no_room() -> None:
    sender = Sender(unit="c")
    hit = open_message(sender.topic("hits"), sender.notice(sender.hit(SEEN, sender.read(SEEN).id)))
    assert reach([A[0], hit], rows=2) == [1, 0]


@given(st.permutations([*A, *B]), st.integers(1, 20))
def test_whatever_comes_in_whatever_order_is_taken_in_the_end_and_never_out_of_turn(
    arrived: list[Arrived], rows: int
) -> None:
    through, left = dict(NONE_YET), list(arrived)
    while left:
        taken = reach(left, through=through, rows=rows)
        assert taken
        for index in taken:
            batch = left[index].content.batch  # type: ignore[union-attr]
            assert batch.first_seq == through[batch.agency, batch.unit] + 1
            through[batch.agency, batch.unit] = batch.last_seq
        assert len(taken) == 1 or sum(left[index].rows for index in taken) <= rows
        left = [one for index, one in enumerate(left) if index not in taken]
    assert through == {(AGENCY, "a"): 8, (AGENCY, "b"): 8}
