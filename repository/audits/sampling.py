"""Which searches an audit looks at, drawn so that nobody can choose them. Pure.

The seed follows from the first checkpoint of the ledger that was signed after the audit was opened
and its period was over. By then every search of the period stands in the ledger, whose root nobody
can foresee, since every entry holds random bytes; and whoever opens an audit cannot know the next
root. Searches are drawn in the order of SHA-256 over seed and index, so that anybody who has the
checkpoint and the list of searches can draw again and compare:

- seed: SHA-256 of ``plateward audit sample 1``, the audit's number, the checkpoint's size and its
  root in hexadecimal, each followed by a line break;
- rank of a search: SHA-256 of the seed in hexadecimal and the index, each followed by a line break.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable

_FORM = "plateward audit sample 1"


def seed_of(audit_id: int, checkpoint_size: int, checkpoint_root: str) -> str:
    """The seed in hexadecimal; the root is 64 lower-case hexadecimal digits."""
    return _digest(_FORM, str(audit_id), str(checkpoint_size), checkpoint_root)


def draw(seed: str, indexes: Iterable[int], size: int) -> list[int]:
    """At most ``size`` of the indexes, in the order drawn; the same whatever order they come in."""
    return heapq.nsmallest(size, indexes, key=lambda index: _digest(seed, str(index)))


def _digest(*lines: str) -> str:
    return hashlib.sha256("".join(f"{each}\n" for each in lines).encode()).hexdigest()
