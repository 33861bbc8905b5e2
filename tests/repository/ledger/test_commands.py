"""``alpr-repository ledger``."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete

from edge.contract.merkle import leaf_hash
from repository.store.tables.ledger import ledger_entries
from tests.repository.people import CommandLine


@pytest.mark.policy("C-4c")
def test_a_whole_ledger_is_said_and_a_broken_one_ends_with_1(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    assert "the ledger is whole" in command_line.ok("ledger", "verify")
    kept = command_line.file("kept", command_line.ok("ledger", "checkpoint"))
    verdict = json.loads(command_line.ok("ledger", "verify", "--against", kept, "--json"))
    assert (verdict["ok"], verdict["first_wrong"], verdict["checkpoints"]) == (True, None, 2)
    with command_line.engine.begin() as connection:
        connection.execute(delete(ledger_entries).where(ledger_entries.c.entry_index == 1))
    broken = command_line.run("ledger", "verify", "--json")
    assert broken.exit_code == 1
    assert json.loads(broken.stdout)["first_wrong"] == 1
    plain = command_line.run("ledger", "verify")
    assert plain.exit_code == 1
    assert "THE LEDGER IS NOT WHOLE: entry 1: missing" in plain.stdout


def test_an_entry_and_growth_are_proven_under_the_printed_key(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    assert "no checkpoint has been signed" in command_line.refused("ledger", "prove", "0")
    signed = json.loads(command_line.ok("ledger", "checkpoint", "--json"))
    assert signed["key"] == command_line.ok("ledger", "key").strip()
    proof = json.loads(command_line.ok("ledger", "prove", "0"))
    assert proof["checkpoint"] == signed["checkpoint"]
    assert json.loads(proof["body"])["index"] == 0
    growth = json.loads(command_line.ok("ledger", "growth", "1"))
    assert (growth["old_root"], growth["size"]) == (
        leaf_hash(bytes.fromhex(proof["leaf"])).hex(),
        proof["size"],
    )
    assert "expected one from 1" in command_line.refused("ledger", "growth", "999")
    assert "the newest checkpoint covers" in command_line.refused("ledger", "prove", "999")
