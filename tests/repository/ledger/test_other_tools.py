"""What the ledger shows is checked by tools that are not ours: sigstore's, and Go's sumdb."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore.errors import VerificationError
from sqlalchemy import Engine

from edge.contract import merkle
from repository.ledger import checkpoints, tiles
from repository.ledger.entry import SYSTEM
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from tests.repository.ledger.test_tiles import KEY, NOW, ORIGIN, fill

SIZES = (300, 777)
SOURCE = Path(__file__).parent / "other_tools" / "check.go"
DEBIAN_GO = Path("/usr/share/gocode")


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """777 entries, with a checkpoint over the first 300 and one over all."""
    built = Ledger(engine, ORIGIN, KEY.public_key(), lambda: NOW)
    for size in SIZES:
        with engine.begin() as connection:
            fill(connection, size)
            tiles.rebuild(connection)
        Signer(built, KEY).sign_checkpoint()
    return built


def inclusion(index: int, size: int, root: bytes, path: list[bytes], leaf: bytes) -> Any:
    """A proof in the shape of the log entries that sigstore checks."""
    proof = SimpleNamespace(log_index=index, tree_size=size, root_hash=root, hashes=path)
    return SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=leaf))


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_sigstore_finds_entries_in_the_signed_tree(ledger: Ledger) -> None:
    for index in (0, 255, 256, 511, 767, 768, 776):
        proof = ledger.prove_entry(index, SYSTEM, "test")
        signed = checkpoints.open_note(proof.checkpoint, ORIGIN, KEY.public_key())
        path = [bytes.fromhex(each) for each in proof.path]
        leaf = bytes.fromhex(proof.leaf)
        verify_merkle_inclusion(inclusion(index, signed.size, signed.root, path, leaf))
        with pytest.raises(VerificationError):
            verify_merkle_inclusion(inclusion(index ^ 1, signed.size, signed.root, path, leaf))


def test_our_tree_is_the_one_that_sigstore_checks_at_every_size() -> None:
    leaves = [bytes([number]) * 32 for number in range(40)]
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    for size in range(1, len(leaves) + 1):
        root = merkle.root(hashes[:size])
        for index in range(size):
            path = merkle.inclusion_proof(hashes[:size], index)
            verify_merkle_inclusion(inclusion(index, size, root, path, leaves[index]))


@pytest.fixture(scope="module")
def go_checker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in ``other_tools``, built with Go and its packages from Debian."""
    go = shutil.which("go")
    if go is None or not (DEBIAN_GO / "src/golang.org/x/mod/sumdb/tlog").is_dir():
        pytest.skip("Go is not here: apt-get install golang-go golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    environment = os.environ | {
        "GOPATH": str(DEBIAN_GO),
        "GO111MODULE": "off",
        "GOCACHE": str(folder / "cache"),
        "CGO_ENABLED": "0",
    }
    subprocess.run([go, "build", "-o", folder / "check", SOURCE], env=environment, check=True)
    return folder / "check"


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_go_checks_key_note_entry_and_growth(ledger: Ledger, go_checker: Path) -> None:
    def check(given: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [go_checker], input=json.dumps(given), capture_output=True, text=True, check=False
        )

    with ledger.engine.begin() as connection:
        old = checkpoints.at(connection, SIZES[0])
    assert old is not None
    growth = ledger.prove_growth(old)
    for index in (0, 299, 300, 776):
        proof = ledger.prove_entry(index, SYSTEM, "test")
        given = {
            "key": ledger.verifier_key(),
            "old": old,
            "note": proof.checkpoint,
            "leaf": proof.leaf,
            "index": index,
            "inclusion": proof.path,
            "consistency": growth.path,
        }
        done = check(given)
        assert done.stdout == f"entry {index} of 777, grown from 300\n", done.stderr
        for wrong in (
            {"index": index ^ 1},
            {"consistency": growth.path[:-1]},
            {"note": proof.checkpoint.replace("\n777\n", "\n778\n")},
            {"leaf": "00" * 32},
        ):
            assert check(given | wrong).returncode == 1, wrong
