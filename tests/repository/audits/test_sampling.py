"""A sample that follows from the checkpoint and from nothing else."""

from __future__ import annotations

import hashlib
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from repository.audits.sampling import draw, seed_of

ROOT = "ab" * 32
INDEXES = st.lists(st.integers(0, 2**40), unique=True, max_size=40)


def test_anybody_can_work_it_out_from_what_is_written_down() -> None:
    seed = hashlib.sha256(f"plateward audit sample 1\n7\n1200\n{ROOT}\n".encode()).hexdigest()
    assert seed_of(7, 1200, ROOT) == seed
    ranked = sorted(range(50), key=lambda i: hashlib.sha256(f"{seed}\n{i}\n".encode()).digest())
    assert draw(seed, range(50), 10) == ranked[:10]


@given(INDEXES, st.integers(1, 10), st.randoms())
def test_it_is_the_same_whatever_order_they_come_in(
    indexes: list[int], size: int, shuffle: object
) -> None:
    drawn = draw("s", indexes, size)
    mixed = list(indexes)
    shuffle.shuffle(mixed)  # type: ignore[attr-defined]
    assert draw("s", mixed, size) == drawn
    assert len(drawn) == min(size, len(indexes))
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) <= set(indexes)


def test_every_search_has_the_same_chance_and_every_audit_its_own_seed() -> None:
    times = Counter(
        index for audit in range(3000) for index in draw(seed_of(audit, 9, ROOT), range(20), 5)
    )
    # 750 expected of each, with a deviation of 24: five of them never happen by chance.
    assert all(630 < times[index] < 870 for index in range(20))
    assert len({seed_of(1, 9, ROOT), seed_of(2, 9, ROOT), seed_of(1, 8, ROOT)}) == 3
    assert seed_of(1, 9, ROOT) != seed_of(1, 9, "ac" * 32)
