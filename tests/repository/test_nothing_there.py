"""What the commands say where there is nothing, or nothing of that name."""

from __future__ import annotations

import json

import pytest

from tests.repository.people import CommandLine
from tests.repository.people import command_line as command_line

LISTS = [
    ("units", "list"), ("hotlists", "units"), ("hotlists", "due"), ("hotlists", "sources"),
    ("bulletins", "list"), ("tokens", "list"), ("user-reviews", "list"), ("training", "list"),
    ("sessions", "shared"), ("forward", "filters", "--agency=salem-pd"),
]  # fmt: skip


def test_an_empty_list_says_so_and_is_empty_as_json(command_line: CommandLine) -> None:
    for words in LISTS:
        assert command_line.ok(*words) == "none\n", words
        found = json.loads(command_line.ok(*words, "--json"))
        assert not (next(iter(found.values())) if isinstance(found, dict) else found), words
    assert command_line.ok("ledger", "witnesses").startswith("none: the settings name no witness")


@pytest.mark.parametrize(
    "words",
    [("hotlists", "units"), ("hotlists", "due"), ("hotlists", "sources"), ("hold", "list"),
     ("cases", "list"), ("forward", "filters")],
)  # fmt: skip
def test_an_agency_that_is_not_there_is_no_empty_list(
    command_line: CommandLine, words: tuple[str, ...]
) -> None:
    said = command_line.refused(*words, "--agency=salem-dp")
    assert said.startswith("Error: agency 'salem-dp': not known; `alpr-repository agencies list`")


def test_who_is_not_there_is_named_with_where_to_look(command_line: CommandLine) -> None:
    for words in (("users", "reset"), ("sessions", "end"), ("users", "leave")):
        said = command_line.refused(*words, "jdeo")
        expected = "Error: login 'jdeo': no such user; 'alpr-repository users list' shows them"
        assert said == expected + "\n"


def test_a_unit_that_is_not_there_is_named_with_where_to_look(command_line: CommandLine) -> None:
    said = command_line.refused("units", "revoke", "--agency=salem-pd", "--unit=cra-1")
    assert said == (
        "Error: unit salem-pd/cra-1: not enrolled, or revoked already; "
        "`alpr-repository units list` shows which are\n"
    )


def test_the_number_of_an_ingest_process_is_no_other_parts(command_line: CommandLine) -> None:
    done = command_line.run("run", "--only=jobs", "--instance=2")
    assert done.exit_code == 2
    assert done.stderr.endswith("Error: --instance: belongs to ingest; leave it out, or run that\n")


def test_a_new_site_says_what_comes_next(command_line: CommandLine) -> None:
    said = command_line.ok("init").splitlines()
    assert said[-1].startswith("ready: ")
    fresh = command_line.folder / "fresh"
    fresh.mkdir()
    command_line.settings.write_text(f'data = "{fresh}/data"\n')
    assert command_line.ok("init").splitlines()[-1] == (
        "next: add the first agency with `alpr-repository agencies add`"
    )


def test_a_paper_that_cannot_be_written_reports_nothing(command_line: CommandLine) -> None:
    period = ("--from=2025-01-01", "--to=2025-02-01")
    gone = command_line.folder / "gone" / "paper.pdf"
    for words in (
        ("audits", "quarterly", "--quarter=2025-Q1"),
        ("audits", "transparency", "--quarter=2025-Q1"),
        ("face-requests", "export", "--quarter=2025-Q1"),
        ("audits", "transactions", "--agency=salem-pd", *period),
    ):
        before = command_line.ok("ledger", "verify")
        said = command_line.refused(*words, f"--pdf={gone}")
        assert said.startswith(f"Error: --pdf: {gone}: No such file or directory; name a file")
        assert command_line.ok("ledger", "verify") == before, "a look that nobody had"
        paper = command_line.folder / "paper.pdf"
        command_line.ok(*words, f"--pdf={paper}")
        assert paper.read_bytes().startswith(b"%PDF")
        assert paper.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in command_line.folder.glob("paper*")) == ["paper.pdf"]
