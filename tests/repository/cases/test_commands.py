"""``alpr-repository cases`` and ``evidence`` over a real site."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.contract.records import Read
from repository.bootstrap import build
from repository.ledger import log
from repository.search.result import LEAD_ONLY
from repository.settings import load_settings
from repository.store.engine import reading
from tests.repository.cases.evidence_site import CASE, FACTS, jpeg
from tests.repository.people import PASSWORD, CommandLine
from tests.repository.sender import Sender

ME = "--user=jdoe"
WHY = ("--purpose=criminal_investigation", f"--facts={FACTS}", "--affirm")
TO = (
    "--to=Ann Lee",
    "--organisation=Essex District Attorney",
    "--kind=prosecutor",
    "--why=Charging decision",
    "--authority=Request of 3 March",
)


def bring(command_line: CommandLine) -> tuple[Read, str]:
    """A read with its picture, and the file of its unit's key."""
    unit = Sender(unit="car-7", agency="salem-pd")
    key = command_line.file(
        "car-7.pub",
        unit.key.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode(),
    )
    command_line.ok("units", "add", "--agency=salem-pd", "--unit=car-7", f"--public-key={key}")
    content = jpeg()
    read = unit.read(datetime.now(UTC) - timedelta(minutes=5), plate="1ABC20", pictures=[content])
    services = build(load_settings(command_line.settings))
    try:
        assert services.ingest.take(unit.topic(), unit.message(read)).records_kept == 1
        services.ingest.take(unit.topic("picture", read.pictures[0].sha256), content)
    finally:
        services.close()
    return read, key


@pytest.mark.policy("C-7b-ii")
@pytest.mark.policy("M-V-B2")
def test_a_case_from_its_hold_to_the_verified_package(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    read, unit_key = bring(command_line)

    def did(*words: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(command_line.ok(*words, "--json", password=PASSWORD))
        return found

    did("hold", "add", ME, f"--case={CASE}", "--kind=arrest", f"--reason={FACTS}", "--affirm",
        f"--read={read.id}", "--record-period=Criminal case files, permanently")  # fmt: skip
    did("cases", "note", CASE, ME, "--text=Owner interviewed")
    printed = ("--what=Printed search result", f"--read={read.id}")
    said = command_line.ok("cases", "disseminate", CASE, ME, *printed, *TO, password=PASSWORD)
    assert said == f"dissemination 1 of case {CASE} recorded\n"
    out = command_line.folder / "24-1187.zip"
    make = ("evidence", "make", ME, f"--case={CASE}", f"--read={read.id}", f"--out={out}", *WHY)
    made = did(*make, *TO)
    assert "name a new file" in command_line.refused(*make, password=PASSWORD)
    done = did("cases", "dispose", CASE, ME, "--on=2026-01-02", "--text=Guilty plea")
    assert done == {"holds": []}  # an arrest's data stays as long as the record
    key = command_line.ok("ledger", "key").strip()
    verify = ("evidence", "verify", str(out), f"--ledger-key={key}", f"--unit-key={unit_key}")
    checked = json.loads(command_line.ok(*verify, "--json"))
    assert (checked["verified"], checked["package"]) == (True, made["package"])
    shown = command_line.ok("cases", "show", CASE, ME, password=PASSWORD)
    for said in ("Owner interviewed", "Guilty plea", "Ann Lee", str(made["package"]), LEAD_ONLY):
        assert said in shown
    assert shown == command_line.ok("cases", "show", CASE, "--agency=salem-pd")
    assert CASE in command_line.ok("cases", "list", ME, password=PASSWORD)
    given = did("cases", "disseminations", ME)["disseminations"]
    assert [each["case"] for each in given] == [CASE, CASE]  # type: ignore[attr-defined]
    assert [each["number"] for each in given] == [1, 2]  # type: ignore[attr-defined]


@pytest.mark.policy("C-4b")
def test_each_look_at_a_read_is_a_step_of_its_package(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    read, _ = bring(command_line)
    held = ("--kind=evidence", "--review=2099-01-01", f"--reason={FACTS}", "--affirm")
    at = ("hold", "add", ME, f"--case={CASE}", *held, f"--read={read.id}")
    command_line.ok(*at, password=PASSWORD)
    shown = ("hold", "show", ME, "--hold=1", f"--facts={FACTS}", "--affirm")
    command_line.ok(*shown, password=PASSWORD)
    explained = ("retention", "explain", str(read.id), ME, f"--case={CASE}", *WHY)
    command_line.ok(*explained, password=PASSWORD)
    out = command_line.folder / "24-1187.zip"
    make = ("evidence", "make", ME, f"--case={CASE}", f"--read={read.id}", f"--out={out}", *WHY)
    command_line.ok(*make, password=PASSWORD)
    assert json.loads(command_line.ok("evidence", "verify", str(out), "--json"))["verified"]
    with zipfile.ZipFile(out) as package:
        (name,) = [each for each in package.namelist() if each.endswith("custody.json")]
        steps = json.loads(package.read(name))["steps"]
    told = [each["what"].partition(",")[0] for each in steps if each["kind"] == "shown"]
    assert told == ["as a read of hold 1", "with why it is kept", "its plate picture"]


@pytest.mark.policy("F-commercial")
def test_what_is_refused_is_said_and_leaves_no_file(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    out = command_line.folder / "p.zip"
    make = ("evidence", "make", ME, f"--case={CASE}", f"--out={out}", *WHY)
    unknown = "--read=019ca944-1fa0-7c25-b709-9acab077958e"
    assert "holds no such read" in command_line.refused(*make, unknown, password=PASSWORD)
    private = [each.replace("prosecutor", "private_party") for each in TO]
    assert "law" in command_line.refused(*make, unknown, *private, password=PASSWORD)
    half = command_line.refused(*make, unknown, "--why=Charging decision", password=PASSWORD)
    assert "to: missing" in half
    assert not out.exists()
    words = ("cases", "note", "24-9", ME, "--text=Owner interviewed")
    assert "no case of that number" in command_line.refused(*words, password=PASSWORD)
    assert _entries(command_line)[-1]["outcome"] == "refused"


def _entries(command_line: CommandLine) -> list[dict[str, object]]:
    with reading(command_line.engine) as connection:
        return [json.loads(each.body) for each in log.rows(connection)]
