"""The tree hash of RFC 9162, with inclusion and consistency proofs, for batches and the ledger.

Section 2.1 of the RFC defines everything here: a leaf hashes as SHA-256(0x00 || leaf), a node as
SHA-256(0x01 || left || right), and a tree of n leaves splits at the largest power of two below n.
Leaves are byte strings, hashes are 32 bytes, proofs are lists of hashes in the RFC's order.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from edge.contract.errors import ContractError

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of one leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of a node over its two children."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes in order; of no leaves, SHA-256 of nothing (section 2.1.1)."""
    # Pairing each level and lifting an odd last one splits where the RFC does.
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    sha256 = hashlib.sha256  # node_hash would cost half as much again, for each record taken in
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs] + odd
    return level[0]


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Audit path of the leaf at that index (section 2.1.3.1).

    Raises:
        ContractError: if the tree has no such leaf.
    """
    ranges = inclusion_ranges(index, len(leaf_hashes))
    return [root(leaf_hashes[low:high]) for low, high in ranges]


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """The leaves, from and up to but not including, under each hash of that audit path.

    Raises:
        ContractError: if the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ContractError(f"leaf {index}: the tree has {size}")
    path: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    path.reverse()
    return path


def verify_inclusion(
    hashed: bytes, index: int, size: int, proof: Sequence[bytes], expected_root: bytes
) -> None:
    """Check that a leaf hash stands at that index of the tree with that root (section 2.1.3.2).

    Raises:
        ContractError: if it does not.
    """
    if not 0 <= index < size:
        raise ContractError(f"leaf {index}: the tree has {size}")
    node, last, current = index, size - 1, hashed
    for sibling in proof:
        if last == 0:
            raise ContractError("inclusion proof: too long")
        if node & 1 or node == last:
            current = node_hash(sibling, current)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            current = node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ContractError("inclusion proof: too short")
    if not hmac.compare_digest(current, expected_root):
        raise ContractError("inclusion proof: it leads to another root")


def consistency_proof(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the tree's first ``old_size`` leaves are what they were (section 2.1.4.1).

    Raises:
        ContractError: if the old size is not between 1 and the tree's size.
    """
    ranges = consistency_ranges(old_size, len(leaf_hashes))
    return [root(leaf_hashes[low:high]) for low, high in ranges]


def consistency_ranges(old_size: int, size: int) -> list[tuple[int, int]]:
    """The leaves, from and up to but not including, under each hash of that proof.

    Raises:
        ContractError: if the old size is not between 1 and the tree's size.
    """
    if not 0 < old_size <= size:
        raise ContractError(f"old size {old_size}: the tree has {size}")
    path: list[tuple[int, int]] = []
    low, high, target, whole = 0, size, old_size, True
    while target != high - low:
        middle = _split(high - low)
        if target <= middle:
            path.append((low + middle, high))
            high = low + middle
        else:
            path.append((low, low + middle))
            low, target, whole = low + middle, target - middle, False
    if not whole:
        path.append((low, high))
    path.reverse()
    return path


def perfect_subtrees(low: int, high: int) -> list[tuple[int, int]]:
    """Height and index of the perfect subtrees that cover these leaves of a tree, from the left.

    The leaves are those of a node in the tree (section 2.1.1): its hash is then `fold` of theirs.
    """
    found: list[tuple[int, int]] = []
    while low < high:
        height = (high - low).bit_length() - 1
        found.append((height, low >> height))
        low += 1 << height
    return found


def fold(hashes: Sequence[bytes]) -> bytes:
    """Root over the roots of perfect subtrees that follow one another, largest first."""
    if not hashes:
        return EMPTY_ROOT
    current = hashes[-1]
    for left in reversed(hashes[:-1]):
        current = node_hash(left, current)
    return current


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that the newer tree only appended to the older one (section 2.1.4.2).

    Raises:
        ContractError: if it did not, or the proof does not show it.
    """
    if not 0 < old_size <= new_size:
        raise ContractError(f"sizes {old_size} and {new_size}: the tree can only grow")
    if old_size == new_size:
        if proof:
            raise ContractError("consistency proof: too long")
        if not hmac.compare_digest(old_root, new_root):
            raise ContractError("consistency proof: one size, two roots")
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ContractError("consistency proof: too short")
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old, new = path[0], path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ContractError("consistency proof: too long")
        if node & 1 or node == last:
            old = node_hash(sibling, old)
            new = node_hash(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ContractError("consistency proof: too short")
    if not (hmac.compare_digest(old, old_root) and hmac.compare_digest(new, new_root)):
        raise ContractError("consistency proof: it leads to other roots")


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of a tree's perfect subtrees, largest first: enough to append and to take the root.

    ``size`` is the number of leaves; ``hashes`` holds one root for each bit set in it.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a frontier that no tree of that size has."""
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ContractError(f"frontier: {len(self.hashes)} hashes for {self.size} leaves")

    def append(self, hashed: bytes) -> Frontier:
        """The frontier with one more leaf hash."""
        hashes, carry = list(self.hashes), hashed
        size = self.size
        while size & 1:
            carry = node_hash(hashes.pop(), carry)
            size >>= 1
        return Frontier(self.size + 1, (*hashes, carry))

    def root(self) -> bytes:
        """Root of the tree so far."""
        return fold(self.hashes)


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1
