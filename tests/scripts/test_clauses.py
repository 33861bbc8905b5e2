"""The command that prints clauses with their tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CLAUSES = """
[[clause]]
id = "C-1"
side = "repository"
rule = "First."
[[clause]]
id = "C-2"
side = "repository"
rule = "Second."
[[clause]]
id = "M-1"
side = "people"
rule = "Third."
"""
TESTS = """
import pytest
pytestmark = pytest.mark.other("C-2")

@pytest.mark.policy("C-1")
@pytest.mark.parametrize("x", [1])
def test_one(x): ...

class TestTwo:
    @pytest.mark.policy("C-1")
    async def test_inside(self): ...

TestThree = pytest.mark.policy("M-1")(object)
"""


def clauses(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / "clauses", *words],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def site(tmp_path: Path) -> tuple[str | Path, ...]:
    (tmp_path / "clauses.toml").write_text(CLAUSES)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(TESTS)
    return ("--clauses", tmp_path / "clauses.toml", "--tests", tmp_path / "tests")


def test_each_clause_is_shown_with_its_tests(site: tuple[str | Path, ...], tmp_path: Path) -> None:
    file = tmp_path / "tests" / "test_a.py"
    shown = json.loads(clauses(*site, "--json").stdout)
    assert {each["id"]: each["tests"] for each in shown["clauses"]} == {
        "C-1": [f"{file}::TestTwo::test_inside", f"{file}::test_one"],
        "C-2": [],
        "M-1": [f"{file}::TestThree"],
    }
    plain = clauses(*site)
    assert "C-2  (repository)  Second.\n    NO TEST\n" in plain.stdout
    assert plain.stdout.endswith("2 of 3 clauses have tests\n")
    without = clauses(*site, "--without", "--strict")
    assert without.returncode == 1
    assert "C-1" not in without.stdout


def test_a_mark_for_no_clause_is_an_error(site: tuple[str | Path, ...], tmp_path: Path) -> None:
    (tmp_path / "tests" / "test_b.py").write_text(
        'import pytest\n@pytest.mark.policy("C-9")\ndef test_x(): ...\n'
    )
    done = clauses(*site)
    assert done.returncode == 1
    assert "C-9 is no clause" in done.stderr


@pytest.mark.parametrize("content", ["nonsense", "", CLAUSES + CLAUSES, "clause = [{}]"])
def test_a_file_without_clauses_is_said(site: tuple[str | Path, ...], content: str) -> None:
    Path(site[1]).write_text(content)
    done = clauses(*site)
    assert done.returncode == 2
    assert done.stderr.startswith(f"clauses: {site[1]}: ")


def test_the_products_own_marks_are_of_its_clauses() -> None:
    done = clauses("--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["clauses"]) > 80
