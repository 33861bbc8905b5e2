"""``alpr-repository hold``, ``retention`` and ``agencies rule``: always on the ledger."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from repository.store.tables.agency_data import withdrawn_reads
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from repository.store.tables.retention import holds
from tests.repository.people import PASSWORD, CommandLine, recorded
from tests.repository.sightings import add_units, sight

WHEN = datetime(2026, 3, 2, tzinfo=UTC)
FACTS = "Blue sedan left the robbery on Essex Street at nine"


@pytest.fixture
def read_id(command_line: CommandLine) -> str:
    """A read of Salem's."""
    add_units(command_line.engine, WHEN, agencies=[1])
    return str(sight(command_line.engine, "1ABC20", WHEN))


def add(read_id: str, *more: str) -> tuple[str, ...]:
    return (
        "hold", "add", "--user=jdoe", "--case=24-1187", "--kind=arrest",
        f"--reason={FACTS}", "--affirm", f"--read={read_id}", *more,
    )  # fmt: skip


@pytest.mark.policy("C-3a")
def test_a_one_time_password_holds_and_releases_nothing(
    command_line: CommandLine, read_id: str
) -> None:
    shown = command_line.ok(
        "users", "bootstrap", "jdoe", "--name", "Jane", "--agency", "salem-pd", "--role=officer",
        "--json",
    )  # fmt: skip
    once = json.loads(shown)["one_time_password"]
    for asked in (
        add(read_id),
        ("hold", "release", "--user=jdoe", "--hold=1", "--reason=Case closed"),
    ):
        said = command_line.refused(*asked, password=once)
        assert "must be changed before anything else" in said
        assert recorded(command_line.engine)[-1]["request"]["reason"] == "one-time password"


@pytest.mark.policy("C-4a")
def test_holds_placed_listed_and_released_are_on_the_ledger(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    assert json.loads(command_line.ok(*add(read_id, "--json"), password=PASSWORD)) == {
        "hold": 1,
        "reads": 1,
        "not_held": {},
    }
    (listed,) = json.loads(command_line.ok("hold", "list", "--json"))
    assert "reads" not in listed
    assert (listed["case_number"], listed["released_at"]) == ("24-1187", None)
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["count"]) == ("hold.list", 1)
    assert entry["actor"]["login"].startswith("os:")
    command_line.ok(
        "hold", "release", "--user=jdoe", "--hold=1", "--reason=Case closed", password=PASSWORD
    )
    actions = [each["action"] for each in recorded(command_line.engine)]
    assert actions[-5:] == [
        "accounts.sign_in", "hold.add", "hold.list", "accounts.sign_in", "hold.release",
    ]  # fmt: skip


@pytest.mark.policy("C-4a")
def test_an_agencys_people_list_its_own_holds_and_no_others(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    command_line.ok(*add(read_id), password=PASSWORD)
    asked = ("hold", "list", "--user=jdoe", "--standing")
    assert "case 24-1187" in command_line.ok(*asked, password=PASSWORD)
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["actor"]["login"], entry["count"]) == ("hold.list", "jdoe", 1)
    said = command_line.refused(*asked, "--agency=boston-pd", password=PASSWORD)
    assert "you see the holds of your own, salem-pd, alone" in said
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("hold.list", "refused")
    with command_line.engine.begin() as connection:
        row = {"name": "boston-pd", "title": "Boston Police", "created_at": WHEN}
        other = connection.execute(insert(agencies).values(row).returning(agencies.c.id)).scalar()
        connection.execute(update(holds).values(agency_id=other))
    assert command_line.ok(*asked, password=PASSWORD) == "0 holds\n"


@pytest.mark.policy("C-4a")
def test_refused_holds_and_releases_are_on_the_ledger(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    elsewhere = "0195f3a2-7c1b-7def-8a01-23456789abcd"
    release = ("hold", "release", "--user=jdoe", "--reason=Case closed", "--hold=7")
    for asked, action, said in (
        (add(elsewhere), "hold.add", "reads: not in the repository"),
        (add(read_id, "--reason= "), "hold.add", "reason: needs"),
        (add(read_id, "--kind=evidence"), "hold.add", "review: "),
        (add(read_id, "--case=" + "9" * 100_000), "hold.add", "case number: needs"),
        (release, "hold.release", "hold 7: not one of"),
    ):
        assert said in command_line.refused(*asked, password=PASSWORD)
        entry = recorded(command_line.engine)[-1]
        assert (entry["action"], entry["outcome"]) == (action, "refused")
        assert entry["actor"]["login"] == "jdoe"
        assert said in entry["request"]["reason"]


def did(command_line: CommandLine, *words: str, **options: str) -> dict[str, Any]:
    """What a command of the officer's printed as JSON."""
    found: dict[str, Any] = json.loads(
        command_line.ok("hold", *words, "--json", password=PASSWORD, **options)
    )
    return found


@pytest.mark.policy("C-7b-iv")
@pytest.mark.policy("C-4a")
def test_a_plate_is_held_reviewed_shown_and_released_by_two(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    command_line.hire("rroe")
    said = did(
        command_line, "add", "--user=jdoe", "--case=24-1187", "--kind=evidence",
        f"--reason={FACTS}", "--affirm", "--review=2100-01-01", "--plate=1-abc 20", "--state=MA",
        "--from=2026-03-01",
        "--to=2026-04-01",
    )  # fmt: skip
    assert said == {"hold": 1, "reads": 1, "not_held": {}}
    listed = command_line.ok("hold", "list", "--case=24-1187", "--standing")
    assert "1  salem-pd  case 24-1187  evidence  Jane Doe" in listed
    assert "1ABC20" not in listed
    assert "1ABC20" not in command_line.ok("hold", "list", "--json")
    assert json.loads(command_line.ok("hold", "list", "--overdue", "--json")) == []
    review = ("--until=2100-06-01", "--reason=The trial is set")
    did(command_line, "review", "--user=rroe", "--hold=1", *review)
    facts = ("--facts=The court asks which reads of the sedan we kept", "--affirm")
    shown = command_line.ok("hold", "show", "--user=rroe", "--hold=1", *facts, password=PASSWORD)
    assert "every read of plate 1ABC20 of MA from 2026-03-01 00:00 UTC" in shown
    assert "next 2100-06-01: The trial is set" in shown
    assert read_id in shown
    release = ("release", "--user=jdoe", "--hold=1", "--reason=No case came of it")
    assert did(command_line, *release)["done"] == "proposed"
    confirm = ("hold", "confirm-release", "--hold=1")
    assert "you proposed" in command_line.refused(*confirm, "--user=jdoe", password=PASSWORD)
    withdraw = ("withdraw-release", "--user=rroe", "--hold=1", "--reason=Wait for the appeal")
    assert did(command_line, *withdraw)["done"] == "stands"
    did(command_line, *release)
    assert did(command_line, *confirm[1:], "--user=rroe")["done"] == "released"
    actions = [
        (each["action"], each["outcome"])
        for each in recorded(command_line.engine)
        if each["action"].startswith("hold.")
    ]
    assert actions == [
        ("hold.add", "done"), ("hold.list", "done"), ("hold.list", "done"), ("hold.list", "done"),
        ("hold.review", "done"), ("hold.show", "done"), ("hold.propose_release", "done"),
        ("hold.confirm_release", "refused"), ("hold.withdraw_release", "done"),
        ("hold.propose_release", "done"), ("hold.confirm_release", "done"),
    ]  # fmt: skip


def test_a_hold_goes_under_its_case(command_line: CommandLine, read_id: str) -> None:
    command_line.hire("jdoe")
    did(command_line, *add(read_id, "--kind=enforcement_action")[1:])
    none = ("hold", "assign", "--user=jdoe", "--hold=1", "--case=x", "--reason=The real one")
    assert "'x' is no number of a case" in command_line.refused(*none, password=PASSWORD)
    moved = ("assign", "--user=jdoe", "--hold=1", "--case=24-9", "--reason=The real one")
    assert did(command_line, *moved) == {"hold": 1, "case_number": "24-9"}
    entry = recorded(command_line.engine)[-1]
    assert entry["request"]["case_number_before"] == "24-1187"
    assert "its case is 24-9 already" in command_line.refused("hold", *moved, password=PASSWORD)


def test_a_hold_says_one_thing_that_it_reaches(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    asked = ("hold", "add", "--user=jdoe", "--case=24-1", "--kind=arrest", f"--reason={FACTS}",
             "--affirm")  # fmt: skip
    hit = "--hit=0195f3a2-7c1b-7def-8a01-23456789abcd"
    for scope, said in (
        ((), "give --read, --hit, --plate or --unit, one of them"),
        (("--plate=1ABC20", "--unit=salem-pd/car-7"), "one of them"),
        (("--plate=1ABC20",), "need --from and --to"),
        (("--unit=salem-pd/car-7", "--state=MA"), "state: belongs to --plate"),
        (("--unit=car-7", "--from=2026-03-01", "--to=2026-03-02"), "unit: give it as AGENCY/UNIT"),
        (("--plate=1ABC20", "--from=0001-01-01", "--to=9999-12-31"), "period: ten years at most"),
        (("--plate=2HK*", "--from=2026-03-01", "--to=2026-03-02"), "no wildcards"),
        (("--plate=2H/!!", "--from=2026-03-01", "--to=2026-03-02"), "plate: letters, digits"),
        ((hit, "--from=2026-03-01"), "period: belongs"),
    ):
        assert said in command_line.refused(*asked, *scope, password=PASSWORD)
        assert recorded(command_line.engine)[-1]["outcome"] == "refused"


def test_a_hold_that_reaches_few_names_the_plates_easily_taken_for_it(
    command_line: CommandLine,
) -> None:
    command_line.hire("jdoe")
    command_line.ok("agencies", "add", "--name=boston-pd", "--title=Boston Police")
    add_units(command_line.engine, WHEN)
    for plate, unit in (("0YBS89", 1), ("0YBS89", 2), ("9XYZ11", 1)):
        sight(command_line.engine, plate, WHEN, unit)
    withdrawn = sight(command_line.engine, "0YBS89", WHEN, 2)
    with command_line.engine.begin() as connection:
        connection.execute(
            insert(withdrawn_reads).values(
                unit_id=2, captured_at=WHEN, read_id=withdrawn, agency_id=2,
                withdrawn_by="u-2", withdrawn_by_name="Ben", withdrawn_at=WHEN,
            )
        )  # fmt: skip
    asked = (
        "hold", "add", "--user=jdoe", "--case=24-1", "--kind=arrest",
        f"--reason={FACTS}", "--affirm", "--from=2026-03-01", "--to=2026-03-09",
    )  # fmt: skip
    said = command_line.ok(*asked, "--plate=OYBS89", password=PASSWORD)
    assert "warning: it keeps no read now" in said
    assert "warning: not held: 2 reads of 0YBS89, which is easily taken for it" in said
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["count"]) == ("hold.add", 0)
    assert entry["request"]["lookalikes_not_held"] == 2
    assert "0YBS89" not in json.dumps(entry)
    other_state = json.loads(
        command_line.ok(*asked, "--plate=OYBS89", "--state=VT", "--json", password=PASSWORD)
    )
    assert other_state == {"hold": 2, "reads": 0, "not_held": {}}
    said = command_line.ok(*asked, "--plate=9XYZ11", password=PASSWORD)
    assert said == "hold 3 for case 24-1: 1 read\n"


def test_a_number_that_no_hold_has_is_refused_where_it_is_typed(command_line: CommandLine) -> None:
    release = ("hold", "release", "--user=jdoe", "--reason=Closed", f"--hold={10**20 - 1}")
    done = command_line.run(*release, password=PASSWORD)
    assert (done.exit_code, "is not in the range" in done.stderr) == (2, True)


@pytest.mark.parametrize("said", ["2099-01-01", "1900-01-01"])
def test_a_clock_that_is_not_todays_is_refused_though_nothing_would_go(
    command_line: CommandLine, said: str
) -> None:
    refused = command_line.refused("purge", "--now", f"--clock-is={said}")
    assert f"--clock-is says {said}; nothing was purged" in refused
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("purge.run", "refused")


@pytest.mark.policy("C-6a")
def test_of_a_read_that_its_owner_disposed_of_is_said_who_and_when(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    disposal = ("reads", "dispose", "--user=jdoe", f"--read={read_id}", "--reason=An error")
    command_line.ok(*disposal, password=PASSWORD)
    entry = recorded(command_line.engine)[-1]
    at = datetime.fromisoformat(entry["at"])
    explained = command_line.ok("retention", "explain", read_id)
    assert f"Jane Doe (jdoe) of its owner disposed of it on {at:%Y-%m-%d at %H:%M} UTC" in explained


def test_a_hold_is_shown_to_its_own_agency_alone(command_line: CommandLine, read_id: str) -> None:
    command_line.hire("jdoe")
    did(command_line, *add(read_id)[1:])
    command_line.ok("agencies", "add", "--name", "boston-pd", "--title", "Boston Police")
    with command_line.engine.begin() as connection:
        connection.execute(update(holds).values(agency_id=2))
    show = ("hold", "show", "--user=jdoe", "--hold=1")
    assert "not one of agency salem-pd" in command_line.refused(*show, password=PASSWORD)
    assert recorded(command_line.engine)[-1]["outcome"] == "refused"


def test_every_rule_that_ships_is_listed_with_its_source(command_line: CommandLine) -> None:
    rules = {
        each["rule"]: each for each in json.loads(command_line.ok("retention", "rules", "--json"))
    }
    assert rules["massachusetts"]["repository"]
    assert (rules["new-hampshire"]["reads"], rules["new-hampshire"]["hits"]) == (
        "3 minutes",
        "1 day",
    )
    command_line.ok("agencies", "rule", "salem-pd", "maine", "--reason=An ordinance", "--yes")
    shown = command_line.ok("retention", "rules")
    assert "source: 29-A Maine Rev. Stat. section 2117-A(5)" in shown
    assert "agencies: salem-pd" in shown


@pytest.mark.policy("F-local")
def test_an_agencys_rule_is_set_on_the_ledger(command_line: CommandLine, read_id: str) -> None:
    longer = ("agencies", "rule", "salem-pd", "new-jersey", "--reason=A directive")
    assert "sign in with --user" in command_line.refused(*longer)
    assert recorded(command_line.engine)[-1]["outcome"] == "refused"
    command_line.hire("jdoe")
    command_line.ok(*longer, "--user=jdoe", "--yes", password=PASSWORD)
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["actor"]["login"]) == ("agency.rule", "jdoe")
    shorter = ("agencies", "rule", "salem-pd", "default", "--reason=Back")
    counted = command_line.ok(*shorter)
    assert counted.startswith("only counted, nothing is changed: agency salem-pd under rule")
    assert "1 stored read expires earlier" in counted
    assert counted.endswith("add --yes to put the agency under that rule\n")
    assert recorded(command_line.engine)[-1]["action"] == "agency.rule_counted"
    assert not json.loads(command_line.ok(*shorter, "--json"))["done"]
    said = json.loads(command_line.ok(*shorter, "--yes", "--json"))
    assert (said["done"], said["rule"], said["earlier"]) == (True, "default", 1)
    assert command_line.ok(*shorter, "--yes").startswith("done: agency salem-pd under rule")


@pytest.mark.policy("C-4a")
@pytest.mark.policy("C-4b")
def test_a_read_is_explained_with_its_plate_only_to_a_person_with_a_purpose(
    command_line: CommandLine, read_id: str
) -> None:
    explain = ("retention", "explain", read_id)
    said = command_line.ok(*explain)
    assert f"Read {read_id} was captured on 2026-03-02" in said
    assert "1ABC20" not in said
    entry = recorded(command_line.engine)[-1]
    assert (entry["action"], entry["request"]) == ("retention.explain", {"read": read_id})
    assert entry["actor"]["login"].startswith("os:")

    command_line.hire("jdoe")
    named = (*explain, "--user=jdoe", "--purpose=criminal_investigation", "--case=24-1187")
    assert "facts: say in words" in command_line.refused(*named, "--affirm", password=PASSWORD)
    assert recorded(command_line.engine)[-1]["outcome"] == "refused"
    whole = (*named, f"--facts={FACTS}", "--affirm")
    (shown,) = json.loads(command_line.ok(*whole, "--json", password=PASSWORD))
    assert shown["plate"] == {
        "read": "1ABC20", "state": "MA", "corrected": None, "corrected_state": None,
    }  # fmt: skip
    assert recorded(command_line.engine)[-1]["request"]["purpose"]["facts"] == FACTS
    assert "Its plate: 1ABC20 of MA." in command_line.ok(*whole, password=PASSWORD)
    case = command_line.ok("cases", "show", "24-1187", "--agency=salem-pd")
    assert f"why read {read_id} is kept" in case


@pytest.mark.policy("C-6a")
def test_the_plate_of_what_its_owner_withdrew_is_shown_to_no_other_agency(
    command_line: CommandLine, read_id: str
) -> None:
    command_line.hire("jdoe")
    command_line.ok("agencies", "add", "--name", "boston-pd", "--title", "Boston Police")
    with command_line.engine.begin() as connection:
        connection.execute(update(reads).values(agency_id=2))
        connection.execute(
            insert(withdrawn_reads).values(
                unit_id=1, captured_at=WHEN, read_id=UUID(read_id), agency_id=2,
                withdrawn_by="u-2", withdrawn_by_name="Ben", withdrawn_at=WHEN,
            )
        )  # fmt: skip
    shown = command_line.ok(
        "retention", "explain", read_id, "--user=jdoe", "--purpose=criminal_investigation",
        "--case=24-1187", f"--facts={FACTS}", "--affirm", password=PASSWORD,
    )  # fmt: skip
    assert "boston-pd has withdrawn it" in shown
    assert "1ABC20" not in shown


def test_what_was_never_here_is_explained_too(command_line: CommandLine) -> None:
    never = "0195f3a2-7c1b-7def-8a01-23456789abcd"
    assert "it was never here" in command_line.ok("retention", "explain", never)
    (said,) = json.loads(command_line.ok("retention", "explain", never, "--json"))
    assert (said["here"], said["was_here"]) == (False, False)
    assert "no read can have that id" in command_line.refused(
        "retention", "explain", "ffffffff-ffff-ffff-ffff-ffffffffffff"
    )
    assert recorded(command_line.engine)[-1]["outcome"] == "refused"


def test_a_purge_with_nothing_to_do_says_so(command_line: CommandLine) -> None:
    assert command_line.ok("purge", "--dry-run").startswith("nothing would be purged: 0 reads, ")
    assert command_line.ok("purge", "--now").startswith("nothing purged: 0 reads, ")
    assert command_line.ok("retention", "verify").startswith("clean: 0 reads held, ")
