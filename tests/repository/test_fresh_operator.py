"""The README's commands for administrators, investigators and auditors, as they are written there.

They run in order in a fresh folder, by a shell, each answer typed where one is asked for. ``run``
is left out: it ends only when it is told to, and has tests of its own.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from repository import business_days
from repository.accounts import totp
from repository.store import keyfiles
from tests.repository.people import PASSWORD

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
USERS = ("A repository administrator", "An investigator", "An auditor")
WAIT_S = 120
TRAIN = "alpr-repository training record jdoe --course 'First use' --taught-by 'Ann Poe'"


def commands_of(user: str, readme: str) -> list[str]:
    """The commands in the block under that user's name, one for each prompt."""
    block = re.search(rf"^\*\*{user}\*\*.*?^```\n(.*?)^```$", readme, re.M | re.S)
    assert block is not None, f"the README has no commands for {user}"
    lines = block[1].replace("\\\n", " ").splitlines()
    return [
        line for line in lines if line.strip() and line.split()[:2] != ["alpr-repository", "run"]
    ]


class Folder:
    """A fresh folder and a shell in it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, command: str, typed: str) -> str:
        """What a command prints that ends well."""
        done = subprocess.run(
            ["/bin/bash", "-c", command.replace("scripts/", f"{ROOT}/scripts/")],
            cwd=self.path,
            env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": str(self.path)},
            input=typed,
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            start_new_session=True,  # no terminal: what is asked for is read from what is typed
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout

    def enrol(self, command: str) -> bytes:
        """Set up the second factor as a person does: see the secret, then type its first code."""
        with subprocess.Popen(
            ["/bin/bash", "-c", command],
            cwd=self.path,
            env={"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": str(self.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as running:
            assert running.stdin is not None
            assert running.stdout is not None
            running.stdin.write(f"{PASSWORD}\n\n")
            running.stdin.flush()
            line = next(each for each in running.stdout if "type the secret into it" in each)
            app = base64.b32decode(line.split()[-1])
            running.stdin.write(f"{totp.code(app, datetime.now(UTC))}\n")
            running.stdin.flush()
            rest = running.stdout.read()
        assert running.returncode == 0
        assert "Recovery codes" in rest
        return app


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with a unit's public key, as its installer brought it, and an agency's agreement."""
    key = Ed25519PrivateKey.generate().public_key()
    (tmp_path / "unit.pub").write_bytes(keyfiles.public_pem(key))
    (tmp_path / "agreement.txt").write_text("Who signs this keeps to the policy.")
    (tmp_path / "signed.pdf").write_bytes(b"%PDF-1.7 signed")
    return Folder(tmp_path)


def test_the_readmes_commands_work_as_written(folder: Folder) -> None:
    readme = (ROOT / "README.md").read_text()
    commands = [command for user in USERS for command in commands_of(user, readme)]
    once, app = "", b""
    shown: dict[str, str] = {}
    for command in commands:
        typed = ""
        if "users passwd" in command:
            typed = f"{once}\n\n{PASSWORD}\n{PASSWORD}\n"
        elif "users acknowledge" in command:
            typed = f"{PASSWORD}\n\nJane Doe\n"
        elif "users enrol" in command:
            app = folder.enrol(command)
            continue
        elif "alpr-repository search" in command:
            folder.run(f"{TRAIN} --on {business_days.day_of(datetime.now(UTC))}", "")
            # The app's first code is used, and its next one is good already.
            later = datetime.now(UTC) + timedelta(seconds=totp.STEP_S)
            typed = f"{PASSWORD}\n{totp.code(app, later)}\n"
        said = folder.run(command, typed)
        if "users bootstrap" in command:
            once = said.split("one-time password of jdoe: ")[1].partition("\n")[0]
        shown[" ".join(command.split()[1:3])] = said
    assert "0 reads; ledger entry" in shown["search --user"]
    assert "the ledger is whole" in shown["ledger verify"]
    assert "2 checkpoints agree" in shown["ledger verify"]
    assert shown["audits transactions"].endswith(" transactions\n")
    listed = json.loads(folder.run("alpr-repository units list --json", ""))
    assert [each["name"] for each in listed] == ["car-12"]
    brought = {"unit.pub", "agreement.txt", "signed.pdf"}
    assert {each.name for each in folder.path.iterdir()} == brought | {
        "plateward-data", "checkpoint.txt",
    }  # fmt: skip
