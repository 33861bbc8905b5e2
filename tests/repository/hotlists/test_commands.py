"""``alpr-repository hotlists`` and ``alerts``: from CSV to a stick, from a proposal to an alert."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repository.bootstrap import build
from repository.settings import load_settings
from tests.repository.people import PASSWORD, CommandLine, promote, recorded
from tests.repository.sender import Sender

LIST = ("--agency=salem-pd", "--list=stolen")


@pytest.fixture
def stick(command_line: CommandLine, tmp_path: Path) -> Path:
    """A folder for the list of two entries that was imported."""
    table = command_line.file("stolen.csv", "entry,plate\nA1,1ABC23\nA2,9XYZ88\n")
    command_line.ok("hotlists", "import", *LIST, "--file", table)
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


@pytest.mark.policy("C-4a")
def test_an_export_is_on_the_ledger_with_who_and_what(
    command_line: CommandLine, stick: Path
) -> None:
    command_line.ok("hotlists", "export", *LIST, "--to", str(stick))
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"], entry["count"]) == ("hotlist.export", "done", 2)
    assert entry["actor"]["login"].startswith("os:")
    assert (entry["request"]["agency"], entry["request"]["list"]) == ("salem-pd", "stolen")


@pytest.mark.policy("C-conf")
def test_what_is_exported_is_its_owners_alone(command_line: CommandLine, stick: Path) -> None:
    left = stick / "stolen.jsonl.partial"
    left.touch(0o644)
    command_line.ok("hotlists", "export", *LIST, "--to", str(stick))
    assert {each.name: each.stat().st_mode & 0o777 for each in stick.iterdir()} == {
        "stolen.jsonl": 0o600,
        "stolen.manifest.json": 0o600,
    }


@pytest.mark.policy("C-4a")
def test_a_refused_export_is_on_the_ledger_too(command_line: CommandLine, stick: Path) -> None:
    said = command_line.refused(
        "hotlists", "export", "--agency=salem-pd", "--list=wanted", "--to", str(stick)
    )
    assert "import it first" in said
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("hotlist.export", "refused")
    assert list(stick.iterdir()) == []


def test_without_its_entry_nothing_is_written(command_line: CommandLine, stick: Path) -> None:
    with command_line.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM ledger_state")
    said = command_line.refused("hotlists", "export", *LIST, "--to", str(stick))
    assert "the ledger's state is missing" in said
    assert list(stick.iterdir()) == []


def test_an_import_says_which_lines_it_left_out(command_line: CommandLine) -> None:
    with command_line.settings.open("a") as file:
        file.write(
            '[[hotlists.sources]]\nagency = "salem-pd"\nlist = "stolen"\nname = "state"\n'
            'columns.plate = "LIC"\ncolumns.entry = "NIC"\n'
        )
    table = command_line.file("state.csv", "NIC,LIC\nV1,1ABC23\nV2,/\nV3,2ABC34\n")
    done = command_line.run("hotlists", "import", *LIST, "--source=state", "--file", table)
    assert done.exit_code == 0
    assert "line 3: LIC: has a character that is none of a plate's" in done.stderr
    assert done.stdout == "list salem-pd/stolen: version 1 with 2 entries; 1 line left out\n"
    (source,) = json.loads(command_line.ok("hotlists", "sources", "--json"))
    assert (source["source"], source["entries"], source["rejected"]) == ("state", 2, 1)
    command_line.ok("hotlists", "remove-source", *LIST, "--source=state")
    assert json.loads(command_line.ok("hotlists", "sources", "--json")) == []
    assert "none of that name" in command_line.refused(
        "hotlists", "remove-source", *LIST, "--source=state"
    )


@pytest.mark.policy("M-E1")
@pytest.mark.policy("M-E2")
def test_two_people_at_the_command_line_enter_a_plate_and_look_back_for_it(
    command_line: CommandLine,
) -> None:
    def act(login: str, *words: str) -> str:
        return command_line.ok("hotlists", words[0], "--user", login, *words[1:], password=PASSWORD)

    command_line.hire("jdoe")
    command_line.hire("apoe")
    promote(command_line.engine, "apoe")
    soon = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    shown = act(
        "jdoe", "propose", "--list=bolo", "--plate=1ABC23", "--kind=amber_alert", "--reason",
        "AMBER alert of today, grey van", "--authorized-by=Ann Poe", "--rank=Captain",
        f"--expires={soon}", "--json",
    )  # fmt: skip
    number = str(json.loads(shown)["number"])
    assert "waits for a second person's check" in command_line.ok("hotlists", "due")
    refused = command_line.run(
        "hotlists", "confirm", "--user=jdoe", "--number", number, password=PASSWORD
    )
    assert "a second person must check it" in refused.stderr
    assert "in version 1" in act("apoe", "confirm", "--number", number)
    assert command_line.ok("hotlists", "due") == (
        f"salem-pd/bolo: entry manual:{number} ends at "
        f"{datetime.fromisoformat(soon):%Y-%m-%d %H:%M} UTC\n"
    )
    assert "checked by Jane Doe" in act("jdoe", "entries")
    assert "authorized by Captain Ann Poe (told, not signed" in act("jdoe", "entries")
    looked = act(
        "jdoe", "look-back", f"manual:{number}", "--list=bolo", "--purpose=safety_concern",
        "--facts", "AMBER alert, grey van seen by a neighbour on Essex Street", "--case=24-1187",
        "--affirm", "--json",
    )  # fmt: skip
    assert json.loads(looked)["count"] == 0
    act("jdoe", "review", "--number", number, "--reason", "child is still missing")
    ended = act("jdoe", "cancel", "--list=bolo", "--entry", f"manual:{number}", "--reason",
                "child is safe at home")  # fmt: skip
    assert "version 2 is without it" in ended
    assert act("jdoe", "entries") == "none\n"
    assert "ENDED" in act("jdoe", "entries", "--all")


@pytest.mark.policy("M-C6")
@pytest.mark.policy("C-7b-i")
def test_a_hit_that_led_to_an_arrest_is_an_alert_under_a_hold(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    services = build(load_settings(command_line.settings))
    sender = Sender(agency="salem-pd")
    sender.enrol(services.engine, datetime.now(UTC))
    at = datetime.now(UTC) - timedelta(hours=2)
    read = sender.read(at)
    hit = sender.hit(at, read.id)
    outcome = sender.disposition(at, hit.id)
    services.ingest.take(sender.topic(), sender.message(read, hit, outcome))
    services.engine.dispose()
    shown = command_line.ok("alerts", "list", "--user=jdoe", "--json", password=PASSWORD)
    (alert,) = json.loads(shown)["alerts"]
    assert (alert["id"], alert["state"], alert["acted_on"]) == (str(hit.id), "unverified", True)
    (hold,) = alert["holds"]
    assert hold["case"] == "24-1187"
    words = ("alerts", "show", "--user=jdoe", "--alert", str(hit.id))
    said = command_line.ok(*words, password=PASSWORD)
    for part in ("UNVERIFIED", "recovered said by badge 7", "ACTED ON WITHOUT VERIFICATION",
                 f"preserved under hold {hold['hold']} for case 24-1187"):  # fmt: skip
        assert part in said
    counted = json.loads(
        command_line.ok("alerts", "count", "--user=jdoe", "--json", password=PASSWORD)
    )
    assert (counted["stolen"]["hits"], counted["stolen"]["acted_on"]) == (1, 1)


def test_an_administrator_sees_which_unit_has_what(command_line: CommandLine, stick: Path) -> None:
    services = build(load_settings(command_line.settings))
    Sender(agency="salem-pd").enrol(services.engine, datetime.now(UTC))
    services.engine.dispose()
    said = command_line.ok("hotlists", "units", "--agency=salem-pd", "--behind")
    assert said.startswith("salem-pd/car-12  stolen: no version that it spoke of  BEHIND by 1")
    (unit,) = json.loads(command_line.ok("hotlists", "units", "--json"))
    assert (unit["unit"], unit["version"], unit["newest"]) == ("car-12", None, 1)


def test_a_date_alone_lasts_to_the_end_of_that_day_and_the_documented_reasons_pass(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    assert command_line.ok("hotlists", "entries", "--user=jdoe", password=PASSWORD) == "none\n"
    day = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%d}"
    shown = command_line.ok(
        "hotlists", "propose", "--user=jdoe", "--list=bolo", "--plate=1ABC23",
        "--kind=amber_alert", "--reason=AMBER alert of 3 March, grey van",
        "--authorized-by=Ann Poe", "--rank=Captain", f"--expires={day}", "--json",
        password=PASSWORD,
    )  # fmt: skip
    label = json.loads(shown)["entry"]
    listed = command_line.ok("hotlists", "entries", "--user=jdoe", password=PASSWORD)
    assert f"ends {day} 23:59 UTC" in listed
    cancel = ("hotlists", "cancel", "--user=jdoe", "--list=bolo", "--entry", label)
    said = command_line.refused(*cancel, "--reason=car recovered", password=PASSWORD)
    assert "reason: document in 3 words or more why" in said
    command_line.ok(*cancel, "--reason=child is safe now", password=PASSWORD)


def test_a_file_with_other_headings_is_told_where_to_name_them(command_line: CommandLine) -> None:
    table = command_line.file("state.csv", "LIC\n1ABC23\n")
    said = command_line.refused("hotlists", "import", *LIST, "--file", table)
    assert "name the one it has as plate under [hotlists.sources.columns]" in said
