"""Examples in help texts can be copied into a shell."""

from __future__ import annotations

import subprocess

from edge.contract.examples import with_whole_example

LONG = (
    'alpr-repository hold release --user jdoe --hold 7 --reason "Case 24-1187 is closed, and what '
    'it kept is in the file" --to-be-sure --twice'
)


def words(command: str) -> list[str]:
    """What a shell makes of the command's words."""
    told = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\n' {command}"], check=True, capture_output=True, text=True
    )
    return told.stdout.splitlines()


def test_a_long_example_is_one_command_to_a_shell() -> None:
    docstring = f"End a hold.\n\n    Example: {LONG}\n    "
    *before, example = with_whole_example(docstring).split("\n\n")
    assert before == ["End a hold."]
    assert example.startswith("\b\nExample: alpr-repository hold")
    shown = example.removeprefix("\b\nExample: ")
    assert "\n" in shown
    assert words(shown) == words(LONG)
    assert len(words(LONG)) == 11


def test_no_line_is_broken_within_a_word_or_a_quotation() -> None:
    lines = with_whole_example(f"Example: {LONG}").splitlines()[1:]
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert all(line.count('"') in (0, 2) for line in lines)
    assert len(lines) == 3


def test_an_example_that_was_broken_by_hand_is_broken_the_same_way() -> None:
    by_hand = LONG.replace(" --reason", "\n    --reason")
    assert with_whole_example(f"\b\nExample: {by_hand}") == with_whole_example(f"Example: {LONG}")


def test_a_help_that_was_broken_already_stays() -> None:
    once = with_whole_example(f"Example: {LONG}")
    assert with_whole_example(once) == once


def test_what_is_no_example_stays() -> None:
    text = "Say it.\n\n\b\nExit status:\n  0  good"
    assert with_whole_example(text) == text
