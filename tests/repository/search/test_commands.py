"""``alpr-repository search``."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from repository.search.result import LEAD_ONLY, LOOKALIKES
from repository.store.tables.reads import reads
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units, sight

SEARCH = (
    "search",
    "--user=jdoe",
    "--plate=1ABC20",
    "--from=2026-03-01",
    "--to=2026-03-08",
    "--purpose=criminal_investigation",
    "--facts=Blue sedan left the robbery on Essex Street at 21:40",
    "--case=24-1187",
)


@pytest.mark.policy("F-lead")
@pytest.mark.policy("C-4a")
def test_a_search_shows_leads_and_its_entry(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    when = datetime(2026, 3, 2, tzinfo=UTC)
    add_units(command_line.engine, when, agencies=[1])
    sight(command_line.engine, "1ABC20", when)
    shown = command_line.ok(*SEARCH, "--affirm", "--json", password=PASSWORD)
    content = json.loads(shown)
    entry = recorded(command_line.engine)[-1]
    assert content["notice"] == LEAD_ONLY
    assert (content["ledger_entry"], content["count"]) == (entry["index"], entry["count"])
    assert content["count"] == 1
    plain = command_line.ok(*SEARCH, "--affirm", password=PASSWORD)
    assert plain.startswith(LEAD_ONLY)
    assert "2026-03-02 00:00:00 UTC  1ABC20 MA  exact, confidence 0.97" in plain
    assert "Before acting, confirm this read with Salem Police" in plain


def test_the_password_comes_from_a_file_or_the_keyboard(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    secret = command_line.file("password", PASSWORD + "\r\n")
    assert LEAD_ONLY in command_line.ok(*SEARCH, "--affirm", "--password-file", secret)
    assert LEAD_ONLY in command_line.ok(*SEARCH, "--affirm", typed=PASSWORD + "\n")
    refused = command_line.refused(*SEARCH, "--affirm", password="wrong")
    assert "sign-in refused" in refused
    assert "Each code serves once: if you have used this one, wait for your app's next" in refused


@pytest.mark.policy("F-prohibited")
@pytest.mark.policy("C-1a")
def test_what_is_missing_is_said_and_nothing_is_shown(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    assert "affirm: " in command_line.refused(*SEARCH, password=PASSWORD)
    for missing, said in (
        ("--facts=", "facts: "),
        ("--case=", "case: "),
        ("--purpose=", "purpose"),
    ):
        said_now = command_line.refused(*SEARCH, "--affirm", missing, password=PASSWORD)
        assert said in said_now
    assert [each["outcome"] for each in recorded(command_line.engine)[-7::2]] == ["refused"] * 4


@pytest.mark.policy("C-3a")
def test_a_one_time_password_searches_nothing(command_line: CommandLine) -> None:
    shown = command_line.ok(
        "users", "bootstrap", "jdoe", "--name", "Jane", "--agency", "salem-pd", "--role=officer",
        "--json",
    )  # fmt: skip
    once = json.loads(shown)["one_time_password"]
    said = command_line.refused(*SEARCH, "--affirm", password=once)
    assert "must be changed before anything else" in said


@pytest.mark.policy("C-4a")
def test_a_part_of_a_plate_near_a_place_is_searched_page_by_page(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    when = datetime(2026, 3, 2, tzinfo=UTC)
    add_units(command_line.engine, when, agencies=[1])
    for minute, plate in enumerate(("1ABC20", "7ABC21", "1XYZ20", "9A8C22")):
        sight(command_line.engine, plate, when + timedelta(minutes=minute))
    asked = (
        "search", "--user=jdoe", "--plate=*abc*", "--folded", "--near=42.5195,-70.8967",
        "--radius=100", "--state=MA", "--agency=salem-pd", "--unit=car-7", "--camera=front",
        *SEARCH[5:], "--affirm", "--limit=2",
    )  # fmt: skip
    first = json.loads(command_line.ok(*asked, "--json", password=PASSWORD))
    assert [(read["plate"], read["how"]) for read in first["reads"]] == [
        ("9A8C22", "partial_confusable"),
        ("7ABC21", "partial"),
    ]
    entry = recorded(command_line.engine)[-1]
    assert entry["index"] == first["ledger_entry"]
    assert entry["request"]["criteria"] == {
        "plate": "*ABC*",
        "folded": True,
        "near": "42.5195,-70.8967",
        "radius_m": 100,
        "state": "MA",
        "agency": "salem-pd",
        "unit": "car-7",
        "camera": "front",
        "limit": 2,
    }
    plain = command_line.ok(*asked, password=PASSWORD)
    assert f"search again with --after {first['next']}" in plain
    rest = command_line.ok(*asked, "--after", first["next"], "--json", password=PASSWORD)
    assert [read["plate"] for read in json.loads(rest)["reads"]] == ["1ABC20"]
    assert json.loads(rest)["next"] is None
    assert recorded(command_line.engine)[-1]["request"]["criteria"]["after"] == first["next"]


def test_what_is_within_corners_and_on_a_hot_list_is_searched_without_a_plate(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    when = datetime(2026, 3, 2, tzinfo=UTC)
    add_units(command_line.engine, when, agencies=[1])
    sight(command_line.engine, "1ABC20", when)
    asked = ("search", "--user=jdoe", *SEARCH[3:], "--affirm", "--json")
    corners = "42.51,-70.90 42.53,-70.90 42.53,-70.89 42.51,-70.89"
    within = json.loads(command_line.ok(*asked, "--within", corners, password=PASSWORD))
    assert [(read["plate"], read["how"]) for read in within["reads"]] == [("1ABC20", "any")]
    alike = ("search", "--user=jdoe", "--plate=1ABC2O", "--affirm", *SEARCH[3:])
    said = command_line.ok(*alike, password=PASSWORD)
    assert "0 reads; ledger entry" in said
    assert f"\n{LOOKALIKES}\n" in said
    elsewhere = corners.replace("42.", "43.")
    nothing = json.loads(command_line.ok(*asked, "--within", elsewhere, password=PASSWORD))
    listed = json.loads(
        command_line.ok(*asked, "--within", corners, "--hits-only", password=PASSWORD)
    )
    assert nothing["reads"] == listed["reads"] == []
    for everywhere in ((), ("--agency=salem-pd",), ("--hits-only",)):
        said = command_line.refused(*asked, *everywhere, password=PASSWORD)
        assert "needs a supervisor's first, since it covers every place" in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--near=42.5,-70.9",), "radius: expected"),
        (("--radius=100",), "near: missing"),
        (("--near=42.5,-70.9", "--radius=5", "--within=1,1 2,2 3,1"), "within: a search has one"),
        (("--agency=lynn-pd",), "agency: none of that name"),
        (("--after=here",), "after: expected"),
    ],
)
def test_criteria_that_do_not_do_are_refused_on_the_record(
    command_line: CommandLine, options: tuple[str, ...], said: str
) -> None:
    command_line.hire("jdoe")
    assert said in command_line.refused(*SEARCH, *options, "--affirm", password=PASSWORD)
    assert recorded(command_line.engine)[-1]["outcome"] == "refused"


def test_a_search_by_state_says_that_unknown_ones_are_left_out_and_takes_them_if_asked(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    when = datetime(2026, 3, 2, tzinfo=UTC)
    add_units(command_line.engine, when, agencies=[1])
    sight(command_line.engine, "1ABC20", when)
    with command_line.engine.begin() as connection:
        connection.execute(update(reads).values(state=None))
    asked = (*SEARCH, "--affirm", "--state=MA")
    said = command_line.ok(*asked, password=PASSWORD)
    assert "0 reads; ledger entry" in said
    assert "left out: --state-or-unknown takes them too" in said
    said = command_line.ok(*asked, "--state-or-unknown", password=PASSWORD)
    assert "1 read; ledger entry" in said
    assert "left out" not in said
    assert recorded(command_line.engine)[-1]["request"]["criteria"]["state_or_unknown"] is True
    refused = command_line.refused(*SEARCH, "--affirm", "--state-or-unknown", password=PASSWORD)
    assert "needs a state" in refused
