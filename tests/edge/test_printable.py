"""Nothing that others named steers a terminal: neither commands, nor troubles, nor the console."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import structlog
from click.testing import CliRunner

import edge
from edge.cli import main
from edge.commands.run import _log_to_stderr
from edge.console.alerts import Told
from edge.console.terminal import TerminalConsole
from edge.contract.records import Hit, Read
from edge.errors import EdgeError
from edge.health.health import Health
from tests.contract.test_errors import HOSTILE
from tests.edge.doctor.units import write_settings
from tests.edge.test_console import BOX, FRAME, HIT, READ

SETTINGS = """
[unit]
agency = "salem-pd"
name = "car-12"
[[cameras]]
name = "front"
source = {source}
[position]
kind = "none"
[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
"""


def steers(text: str) -> bool:
    return not all(line.isprintable() for line in text.split("\n"))


def test_a_trouble_is_kept_and_said_as_it_prints_on_one_line() -> None:
    health = Health()
    health.trouble("hot list stolen", f"a list: {HOSTILE}")
    (sentence,) = health.report().troubles.values()
    assert sentence.startswith("a list: ?]2;PWNED")
    assert sentence.isprintable()


def test_an_error_prints_on_one_line_unless_it_was_made_of_lines() -> None:
    assert str(EdgeError(HOSTILE)).isprintable()
    assert str(EdgeError("two\nlines\x1b", lines=True)) == "two\nlines?"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_camera_source_cannot_steer_the_terminal(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    settings = tmp_path / "edge.toml"
    settings.write_text(SETTINGS.format(source=json.dumps("rtsp://192.0.2.17/" + HOSTILE)))
    done = CliRunner().invoke(
        main, ["cameras", "list", "--settings", str(settings), *options], color=True
    )
    assert done.exit_code == 0
    assert "PWNED" in done.stdout
    assert "\nUP TO DATE" not in done.stdout
    assert not steers(done.output)


def test_a_setting_and_a_file_of_a_hostile_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    sound, hostile = write_settings(tmp_path), tmp_path / "hostile.toml"
    hostile.write_text(f"{json.dumps(HOSTILE)} = 1\n" + sound.read_text())
    (stick := tmp_path / "\x1b]2;PWNED\x07").mkdir()
    for words in (
        ("cameras", "list", "--settings", str(hostile)),
        ("hotfile", "import", str(stick), "--settings", str(sound)),
        ("hotfile", "import", str(stick), str(stick)),
        ("hotfile", "import", str(stick / "gone")),
        (str(stick),),
    ):
        done = CliRunner().invoke(main, list(words), color=True)
        assert done.exit_code in (1, 2)
        assert "PWNED" in done.output
        assert not steers(done.output)


def test_the_log_cannot_steer_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    try:
        _log_to_stderr("text")
        structlog.get_logger().warning("a file", path=HOSTILE.replace(" ", ""), count=3)
    finally:
        structlog.reset_defaults()
    assert "PWNED" in stream.getvalue()
    assert "count=3" in stream.getvalue()
    assert not steers(stream.getvalue())


def test_a_hot_list_cannot_steer_the_console_and_the_bell_still_rings() -> None:
    assert isinstance(READ, Read)
    assert isinstance(HIT, Hit)
    hit = msgspec.structs.replace(
        HIT, match=msgspec.structs.replace(HIT.match, list_version=HOSTILE)
    )
    frame = replace(FRAME, source=f"clip\x9b{HOSTILE}.mp4")
    plain, program = io.StringIO(), io.StringIO()
    TerminalConsole("plain", True, plain).show(READ, (hit,), frame, BOX, Told())
    TerminalConsole("json", True, program).show(READ, (hit,), frame, BOX, Told())
    assert plain.getvalue().endswith("\a\n")
    assert not steers(plain.getvalue().removesuffix("\a\n"))
    assert not steers(program.getvalue())


def test_commands_print_in_one_place_alone() -> None:
    folder = Path(edge.__file__).parent
    printing = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if any(word in path.read_text() for word in ("click.echo(", " print(", "click.secho("))
    }
    assert printing == {"commands/say.py"}
