"""``alpr-repository ledger``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete

from edge.contract.merkle import leaf_hash
from repository.ledger import log
from repository.store.engine import reading
from repository.store.tables.ledger import ledger_entries
from tests.repository.people import CommandLine


def database(command_line: CommandLine) -> Path:
    return Path(str(command_line.engine.url.database))


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
    proof = json.loads(command_line.ok("ledger", "prove", "0", "--json"))
    assert proof["checkpoint"] == signed["checkpoint"]
    assert json.loads(proof["body"])["index"] == 0
    growth = json.loads(command_line.ok("ledger", "consistency", "1", "--json"))
    assert (growth["old_root"], growth["size"]) == (
        leaf_hash(bytes.fromhex(proof["leaf"])).hex(),
        proof["size"],
    )
    assert "expected one from 1" in command_line.refused("ledger", "consistency", "999")
    assert "the newest checkpoint covers" in command_line.refused("ledger", "prove", "999")


def test_checkpoints_in_files_are_compared_and_a_forged_one_is_refused(
    command_line: CommandLine,
) -> None:
    first = command_line.file("first", command_line.ok("ledger", "checkpoint"))
    command_line.hire("jdoe")
    second = command_line.file("second", command_line.ok("ledger", "checkpoint"))
    command_line.ok("ledger", "prove", "0")
    newest = command_line.ok("ledger", "checkpoint")
    growth = json.loads(command_line.ok("ledger", "consistency", first, second, "--json"))
    old, new = (int(Path(each).read_text().split("\n")[1]) for each in (first, second))
    assert (growth["old_size"], growth["size"]) == (old, new)
    assert growth["checkpoint"] == Path(second).read_text()
    by_size = command_line.ok("ledger", "consistency", str(old), str(new), "--json")
    assert json.loads(by_size) == growth
    shown = command_line.ok("ledger", "consistency", first)
    assert shown.endswith(newest)
    assert f"nothing before entry {old} changed" in shown
    proof = command_line.ok("ledger", "prove", "1")
    assert proof.endswith(newest)
    assert '"index":1' in proof
    forged = command_line.file("forged", Path(second).read_text().replace(f"\n{new}\n", "\n2\n"))
    assert "signature" in command_line.refused("ledger", "consistency", forged)
    assert "no checkpoint was signed" in command_line.refused("ledger", "consistency", "1", "2")
    assert command_line.run("ledger", "consistency", "no-such-file").exit_code == 2


def test_a_cut_ledger_cannot_be_shown_to_have_grown(command_line: CommandLine) -> None:
    """Not even where its state and checkpoints were rolled back together with it."""
    command_line.ok("ledger", "checkpoint")
    with sqlite3.connect(database(command_line)) as source:
        before = "\n".join(source.iterdump())
    command_line.hire("jdoe")
    kept = command_line.file("kept", command_line.ok("ledger", "checkpoint"))
    database(command_line).unlink()
    with sqlite3.connect(database(command_line)) as target:
        target.executescript(before)
    assert "the ledger is whole" in command_line.ok("ledger", "verify")
    assert "the ledger was cut" in command_line.refused("ledger", "consistency", "1", kept)
    assert command_line.run("ledger", "verify", "--against", kept).exit_code == 1


def test_tiles_are_made_anew_and_that_is_an_entry(command_line: CommandLine) -> None:
    assert json.loads(command_line.ok("ledger", "mend-tiles", "--json")) == {"tiles": 0}
    command_line.ok("ledger", "checkpoint")
    with reading(command_line.engine) as connection:
        size = log.state(connection).size
    assert '"ledger.mend"' in command_line.ok("ledger", "prove", str(size - 1))


def test_a_file_that_is_no_checkpoint_of_this_ledger_is_a_mistake_and_no_verdict(
    command_line: CommandLine,
) -> None:
    kept = command_line.ok("ledger", "checkpoint")
    origin = kept.partition("\n")[0]
    for name, content in (("state.csv", "a,b\n1,2\n"), ("else", kept.replace(origin, "else"))):
        wrong = command_line.file(name, content)
        done = command_line.run("ledger", "verify", "--against", wrong)
        assert done.exit_code == 2
        assert wrong in done.stderr
        assert "NOT WHOLE" not in done.output
    size = kept.split("\n")[1]
    forged = command_line.file("forged", kept.replace(f"\n{size}\n", f"\n{size}0\n"))
    done = command_line.run("ledger", "verify", "--against", forged)
    assert done.exit_code == 1
    assert "THE LEDGER IS NOT WHOLE" in done.stdout
    assert "signature" in done.stdout


def test_a_witness_that_was_given_nothing_is_not_called_well(command_line: CommandLine) -> None:
    folder = command_line.folder / "witness"
    folder.mkdir()
    with command_line.settings.open("a") as settings:
        settings.write(
            f'[[ledger.witnesses]]\nkind = "folder"\nname = "court"\nfolder = "{folder}"\n'
        )
    shown = command_line.ok("ledger", "witnesses")
    assert shown.startswith("court  nothing given yet")
    assert "well" not in shown
    command_line.ok("ledger", "checkpoint")
    assert command_line.ok("ledger", "witnesses", "--push").startswith("court  well")
