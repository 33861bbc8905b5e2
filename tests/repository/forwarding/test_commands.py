"""``alpr-repository forward`` and the file that enrols units elsewhere, as typed."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from repository.store import keyfiles
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.people import command_line as command_line

UNIT = ("--agency", "salem-pd", "--unit", "car-12")


@pytest.fixture
def exported(command_line: CommandLine) -> str:
    """The file of a repository with one unit, which forwards."""
    pem = keyfiles.public_pem(Ed25519PrivateKey.generate().public_key()).decode()
    key = command_line.file("car-12.pub", pem)
    command_line.ok("units", "add", *UNIT, "--public-key", key)
    with command_line.settings.open("a") as settings:
        settings.write('[forward]\nagencies = ["salem-pd"]\nreceipts_key = "state.pub"\n')
    return command_line.ok("units", "export", "--agency", "salem-pd")


@pytest.mark.policy("C-5b")
def test_an_agency_keeps_a_unit_back_until_it_ends_that(
    command_line: CommandLine, exported: str
) -> None:
    command_line.hire("jdoe")
    why = ("--user", "jdoe", "--reason", "not to be shared")

    def done(*words: str) -> str:
        return command_line.ok(*words, password=PASSWORD)

    keep = ("forward", "keep", *why, "--camera", "front", "--since", "2026-03-01")
    assert done(*keep, "--unit", "car-12") == "filter 1 set\n"
    assert "has none of that name" in command_line.refused(
        *keep, "--unit", "car-99", password=PASSWORD
    )
    (shown,) = json.loads(done("forward", "filters", "--agency", "salem-pd", "--json"))
    assert (shown["unit"], shown["camera"], shown["until"]) == ("car-12", "front", None)
    assert done("forward", "release", *why, "--filter", "1") == "filter 1 ended\n"
    assert "ended already" in command_line.refused(
        "forward", "release", *why, "--filter", "1", password=PASSWORD
    )
    assert "car-12  front  from 2026-03-01 00:00  until" in done(
        "forward", "filters", "--agency", "salem-pd"
    )
    entries = [each for each in recorded(command_line.engine) if "forward." in each["action"]]
    assert [(each["action"], each["outcome"]) for each in entries] == [
        ("forward.keep", "done"),
        ("forward.keep", "refused"),
        ("forward.release", "done"),
        ("forward.release", "refused"),
    ]
    assert entries[0]["actor"]["login"] == "jdoe"


@pytest.mark.policy("M-VI")
def test_the_file_holds_public_things_alone_and_only_what_it_should_is_taken(
    command_line: CommandLine, exported: str
) -> None:
    content = json.loads(exported)
    (unit,) = content["units"]
    assert set(unit) == {"unit", "key", "keys", "left_out"}
    taken = command_line.file("salem.json", exported)
    assert "car-12" in command_line.ok("units", "import", "--file", taken)
    for change, said in (
        ({"v": 2}, "not a file of"),
        ({"agency": "nobody"}, "not known"),
        ({"units": [unit | {"key": "0" * 16}]}, "not the one that its id names"),
    ):
        wrong = command_line.file("wrong.json", json.dumps(content | change))
        assert said in command_line.refused("units", "import", "--file", wrong)


def test_status_says_how_far_each_unit_is(command_line: CommandLine, exported: str) -> None:
    assert command_line.ok("forward", "status") == "salem-pd/car-12  forwarded 0 of 0\n"
    text = command_line.settings.read_text()
    command_line.settings.write_text(text.partition("[forward]")[0])
    assert "no [forward]" in command_line.refused("forward", "status")
    assert "no [forward]" in command_line.refused("run", "--only", "forward")
