"""A command that is interrupted while it still loads ends at once and says nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

_INTERRUPT = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
from {package}.start import main
main()
"""


@pytest.mark.parametrize(
    ("package", "name"),
    [("edge", "edge.cli"), ("repository", "repository.cli"), ("repository", "sqlalchemy")],
)
def test_an_interruption_while_loading_leaves_no_traceback(package: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPT.format(package=package, name=name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.parametrize("package", ["edge", "repository"])
def test_otherwise_the_command_runs(package: str) -> None:
    code = f"from {package}.start import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Usage:" in done.stdout
