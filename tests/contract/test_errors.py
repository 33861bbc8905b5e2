"""What is wrong with something is said without repeating what could steer a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.batch import decode_batch, decode_receipt, decode_status
from edge.contract.errors import MAX_ERROR_CHARACTERS, ContractError
from edge.contract.hotlist import decode_delta, decode_entry, verify_manifest
from edge.contract.printable import on_one_line, printable, shortened

HOSTILE = "\x1b]2;PWNED\x07\x1b[2J\x1b[H\x9b32mALL LISTS\nUP TO DATE\x1b[8m\u202e\u2028"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()


@pytest.mark.parametrize(
    ("tag", "decode"),
    [
        ("hotlist_manifest", lambda data: verify_manifest(data, KEY)),
        ("hotlist_entry", lambda data: decode_entry(data, 7)),
        ("hotlist_delta", decode_delta),
        ("batch", decode_batch),
        ("receipt", decode_receipt),
        ("status", decode_status),
    ],
)
@pytest.mark.parametrize("name", [HOSTILE, HOSTILE * 40])
def test_a_name_that_somebody_chose_prints_on_one_line_and_short(
    tag: str, decode: Callable[[bytes], Any], name: str
) -> None:
    with pytest.raises(ContractError) as refused:
        decode(json.dumps({"type": tag, "v": 1, name: 1}).encode())
    said = str(refused.value)
    assert "unknown field" in said
    assert said.isprintable()
    assert len(said) <= MAX_ERROR_CHARACTERS


def test_text_keeps_its_lines_or_becomes_one() -> None:
    assert printable("a\tb\nc\x1b[2J") == "a?b\nc?[2J"
    assert on_one_line("a\tb\nc\r\nd\x85e") == "a?b c d e"
    assert on_one_line("Zürich: 10 °C") == "Zürich: 10 °C"
    assert on_one_line("\udc80") == "?"


def test_long_text_keeps_its_beginning_and_its_end() -> None:
    assert shortened("x" * 200, 200) == "x" * 200
    cut = shortened("field " + "x" * 300 + " - at `$.list`", 120)
    assert cut.startswith("field x")
    assert cut.endswith(" - at `$.list`")
    assert len(cut) == 120
