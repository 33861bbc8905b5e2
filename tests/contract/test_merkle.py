"""The tree of RFC 9162: by hand, against its recursive definition, and as others verify it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore.errors import VerificationError
from sigstore.models import TransparencyLogEntry
from sigstore_models.rekor import v1 as rekor

from edge.contract import merkle
from edge.contract.errors import ContractError

BRUTE_SIZES = range(1, 34)


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaves(size: int) -> list[bytes]:
    return [f"leaf {index}".encode() for index in range(size)]


def hashes(size: int) -> list[bytes]:
    return [merkle.leaf_hash(leaf) for leaf in leaves(size)]


# Section 2.1 of the RFC, word for word: definitions by recursion over the leaves themselves.


def split(size: int) -> int:
    """The largest power of two smaller than the size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def mth(entries: Sequence[bytes]) -> bytes:
    if not entries:
        return sha(b"")
    if len(entries) == 1:
        return sha(b"\x00" + entries[0])
    k = split(len(entries))
    return sha(b"\x01" + mth(entries[:k]) + mth(entries[k:]))


def path(index: int, entries: Sequence[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*path(index, entries[:k]), mth(entries[k:])]
    return [*path(index - k, entries[k:]), mth(entries[:k])]


def subproof(old: int, entries: Sequence[bytes], whole: bool) -> list[bytes]:
    if old == len(entries):
        return [] if whole else [mth(entries)]
    k = split(len(entries))
    if old <= k:
        return [*subproof(old, entries[:k], whole), mth(entries[k:])]
    return [*subproof(old - k, entries[k:], False), mth(entries[:k])]


def test_small_trees_by_hand() -> None:
    a, b, c, d, e = (sha(b"\x00" + name) for name in (b"a", b"b", b"c", b"d", b"e"))
    ab, cd = sha(b"\x01" + a + b), sha(b"\x01" + c + d)
    abcd = sha(b"\x01" + ab + cd)
    assert merkle.root([]).hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert merkle.root([a]) == a
    assert merkle.root([a, b]) == ab
    assert merkle.root([a, b, c]) == sha(b"\x01" + ab + c)
    assert merkle.root([a, b, c, d]) == abcd
    assert merkle.root([a, b, c, d, e]) == sha(b"\x01" + abcd + e)
    assert merkle.inclusion_proof([a, b, c, d, e], 2) == [d, ab, e]
    assert merkle.inclusion_proof([a, b, c, d, e], 4) == [abcd]
    assert merkle.consistency_proof([a, b, c, d, e], 3) == [c, d, ab, e]
    assert merkle.consistency_proof([a, b, c, d, e], 4) == [e]


def test_the_example_of_the_rfc() -> None:
    """Section 2.1.5: a tree of seven leaves d0 to d6."""
    d = hashes(7)
    g, h, i = (merkle.node_hash(d[n], d[n + 1]) for n in (0, 2, 4))
    j = d[6]
    k, m = merkle.node_hash(g, h), merkle.node_hash(i, j)
    assert merkle.root(d) == merkle.node_hash(k, m)
    assert merkle.inclusion_proof(d, 0) == [d[1], h, m]
    assert merkle.inclusion_proof(d, 3) == [d[2], g, m]
    assert merkle.inclusion_proof(d, 4) == [d[5], j, k]
    assert merkle.inclusion_proof(d, 6) == [i, k]
    assert merkle.consistency_proof(d, 3) == [d[2], d[3], g, m]
    assert merkle.consistency_proof(d, 4) == [m]
    assert merkle.consistency_proof(d, 6) == [i, j, k]


@pytest.mark.parametrize("size", BRUTE_SIZES)
def test_roots_and_proofs_are_those_of_the_definition(size: int) -> None:
    entries, hashed = leaves(size), hashes(size)
    assert merkle.root(hashed) == mth(entries)
    for index in range(size):
        assert merkle.inclusion_proof(hashed, index) == path(index, entries)
    for old in range(1, size + 1):
        assert merkle.consistency_proof(hashed, old) == subproof(old, entries, True)


@pytest.mark.parametrize("size", BRUTE_SIZES)
def test_every_proof_verifies_and_no_other(size: int) -> None:
    hashed = hashes(size)
    root = merkle.root(hashed)
    for index in range(size):
        proof = merkle.inclusion_proof(hashed, index)
        merkle.verify_inclusion(hashed[index], index, size, proof, root)
        for other in range(size):
            if other != index:
                with pytest.raises(ContractError):
                    merkle.verify_inclusion(hashed[index], other, size, proof, root)
    for old in range(1, size + 1):
        proof = merkle.consistency_proof(hashed, old)
        old_root = merkle.root(hashed[:old])
        merkle.verify_consistency(old, size, old_root, root, proof)
        for other in range(1, size):
            if other != old:
                with pytest.raises(ContractError):
                    merkle.verify_consistency(other, size, merkle.root(hashed[:old]), root, proof)


def test_proofs_too_short_and_too_long_are_refused() -> None:
    hashed = hashes(7)
    root = merkle.root(hashed)
    proof = merkle.inclusion_proof(hashed, 3)
    growth = merkle.consistency_proof(hashed, 3)
    old_root = merkle.root(hashed[:3])
    with pytest.raises(ContractError, match="too short"):
        merkle.verify_inclusion(hashed[3], 3, 7, proof[:-1], root)
    with pytest.raises(ContractError, match="too long"):
        merkle.verify_inclusion(hashed[3], 3, 7, [*proof, root], root)
    with pytest.raises(ContractError, match="too short"):
        merkle.verify_consistency(3, 7, old_root, root, growth[:-1])
    with pytest.raises(ContractError, match="too short"):
        merkle.verify_consistency(3, 7, old_root, root, [])
    with pytest.raises(ContractError, match="too long"):
        merkle.verify_consistency(3, 7, old_root, root, [*growth, root])
    with pytest.raises(ContractError, match="too long"):
        merkle.verify_consistency(7, 7, root, root, [root])
    with pytest.raises(ContractError, match="two roots"):
        merkle.verify_consistency(7, 7, root, old_root, [])
    merkle.verify_consistency(7, 7, root, root, [])


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_trees_that_shrink_are_refused(old: int, new: int) -> None:
    with pytest.raises(ContractError, match="can only grow"):
        merkle.verify_consistency(old, new, b"", b"", [])
    with pytest.raises(ContractError, match="old size"):
        merkle.consistency_proof(hashes(new), old)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_leaves_that_are_not_there_are_refused(index: int) -> None:
    with pytest.raises(ContractError, match="the tree has 3"):
        merkle.inclusion_proof(hashes(3), index)
    with pytest.raises(ContractError, match="the tree has 3"):
        merkle.verify_inclusion(b"", index, 3, [], b"")


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_a_frontier_grows_into_the_definition(entries: list[bytes]) -> None:
    frontier = merkle.Frontier()
    for count, leaf in enumerate(entries):
        assert frontier.root() == mth(entries[:count])
        frontier = frontier.append(merkle.leaf_hash(leaf))
    assert frontier.root() == mth(entries)
    assert merkle.Frontier(frontier.size, frontier.hashes) == frontier


@given(st.integers(1, 70), st.data())
def test_one_bit_changed_anywhere_is_seen(size: int, data: st.DataObject) -> None:
    hashed = hashes(size)
    root = merkle.root(hashed)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(hashed, index)
    parts = [hashed[index], *proof, root]
    place = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[place] = (int.from_bytes(parts[place], "big") ^ 1 << bit).to_bytes(32, "big")
    with pytest.raises(ContractError):
        merkle.verify_inclusion(parts[0], index, size, parts[1:-1], parts[-1])


@given(st.integers(2, 70), st.data())
def test_one_bit_changed_in_a_consistency_proof_is_seen(size: int, data: st.DataObject) -> None:
    hashed = hashes(size)
    old = data.draw(st.integers(1, size - 1))
    proof = merkle.consistency_proof(hashed, old)
    parts = [merkle.root(hashed[:old]), *proof, merkle.root(hashed)]
    place = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[place] = (int.from_bytes(parts[place], "big") ^ 1 << bit).to_bytes(32, "big")
    with pytest.raises(ContractError):
        merkle.verify_consistency(old, size, parts[0], parts[-1], parts[1:-1])


@given(st.integers(-3, 9), st.lists(st.binary(min_size=32, max_size=32), max_size=4))
def test_a_frontier_that_no_tree_has_is_refused(size: int, found: list[bytes]) -> None:
    if size >= 0 and size.bit_count() == len(found):
        assert merkle.Frontier(size, tuple(found)).size == size
    else:
        with pytest.raises(ContractError, match="frontier"):
            merkle.Frontier(size, tuple(found))


def rekor_entry(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> TransparencyLogEntry:
    """The proof in the shape in which sigstore's verifier takes it."""
    content = {
        "logIndex": str(index),
        "logId": {"keyId": base64.b64encode(bytes(32)).decode()},
        "kindVersion": {"kind": "dsse", "version": "0.0.1"},
        "integratedTime": "0",
        "inclusionProof": {
            "logIndex": str(index),
            "rootHash": base64.b64encode(root).decode(),
            "treeSize": str(size),
            "hashes": [base64.b64encode(each).decode() for each in proof],
            "checkpoint": {"envelope": "passed over by the proof's verifier"},
        },
        "canonicalizedBody": base64.b64encode(leaf).decode(),
    }
    return TransparencyLogEntry(rekor.TransparencyLogEntry.from_dict(content))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31])
def test_sigstore_verifies_our_proofs(size: int) -> None:
    entries, hashed = leaves(size), hashes(size)
    root = merkle.root(hashed)
    for index, leaf in enumerate(entries):
        proof = merkle.inclusion_proof(hashed, index)
        verify_merkle_inclusion(rekor_entry(leaf, index, size, proof, root))
        with pytest.raises(VerificationError):
            verify_merkle_inclusion(rekor_entry(b"another", index, size, proof, root))
        if size > 1:
            with pytest.raises(VerificationError):
                verify_merkle_inclusion(rekor_entry(leaf, index, size, proof[:-1], root))
