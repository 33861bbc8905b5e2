"""An evidence package is made from held reads, on the ledger, and proves itself."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pypdf import PdfReader
from sqlalchemy import update

from repository.accounts.errors import NotAllowedError, NotYetOpenError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.agencies import own
from repository.cases.errors import CaseError
from repository.cases.evidence import report
from repository.cases.evidence.errors import EvidenceError
from repository.cases.evidence.layout import ACTION
from repository.cases.evidence.verify import Given, verify
from repository.cases.service import CaseFiles
from repository.ledger.errors import NotSignedError
from repository.ledger.signing import Awaited
from repository.retention import holds_ending
from repository.search.errors import SearchRefusedError
from repository.search.result import LEAD_ONLY
from repository.store.tables.people import trainings
from repository.store.tables.reads import batches, reads
from tests.repository.cases.evidence_site import CASE, PROSECUTOR, EvidenceSite, jpeg
from tests.repository.ingest.conftest import load_duties
from tests.repository.people import hire, recorded
from tests.repository.picture_files import picture_file

SQLITE = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
"""For what both databases do alike."""


def files(content: bytes) -> dict[str, bytes]:
    """The files of a zip, as any tool sees them."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        return {each.filename: opened.read(each) for each in opened.infolist()}


@pytest.mark.policy("C-1d")
def test_a_package_holds_what_the_unit_signed_and_who_handled_it(site: EvidenceSite) -> None:
    plate, scene = jpeg(90), jpeg(120)
    read = site.take(plate, scene)
    searched = site.search()
    hold = site.hold(read.id)
    made = site.make(read)
    verdict = verify(made.content, Given(site.ledger.verifier_key(), [site.unit.key.public_key()]))
    assert verdict.wrong is None
    assert verdict.checked is not None
    assert (verdict.checked.digest, verdict.checked.ledger.making) == (
        made.digest,
        made.ledger_index,
    )
    (proven,) = verdict.checked.reads
    assert proven.read == read
    assert sorted(proven.pictures.values()) == sorted([plate, scene])
    assert [step.kind for step in proven.custody.steps].count("shown") == 3
    steps = {step.ledger_entry: step for step in proven.custody.steps if step.ledger_entry}
    assert "in a search with 1 result, " in steps[searched].what
    assert f"hold {hold} for case {CASE}" in [step.what for step in steps.values()]
    assert proven.enrolled is not None
    entries = recorded(site.engine)
    assert [each["action"] for each in entries[-3:]] == [
        "picture.show", "picture.show", "evidence.make",
    ]  # fmt: skip
    making = entries[-1]
    assert (making["index"], making["result_digest"]) == (made.ledger_index, made.digest)
    assert json.loads(files(made.content)["ledger/proofs.json"])["making"] == made.ledger_index


@SQLITE
@pytest.mark.policy("F-lead")
def test_the_report_shows_the_verified_record_on_paper(site: EvidenceSite) -> None:
    read = site.take(jpeg())
    site.hold(read.id)
    with site.engine.begin() as connection:
        # What searches show is a copy beside the record: the paper must not believe it.
        connection.execute(update(reads).where(reads.c.read_id == read.id).values(plate="9BAD99"))
    made = site.make(read, recipient=PROSECUTOR)
    verdict = verify(made.content)
    assert verdict.checked is not None
    inside = files(made.content)
    pages = [
        " ".join(page.extract_text().split())
        for page in PdfReader(io.BytesIO(inside["report.pdf"]), strict=True).pages
    ]
    assert all(LEAD_ONLY in page for page in pages)
    text = " ".join(pages)
    for said in (str(read.id), "1ABC20", CASE, "Salem Police", "Ann Lee", "Request of 3 March"):
        assert said in text
    assert "9BAD99" not in text
    assert inside["report.pdf"] == report.report(verdict.checked.package, verdict.checked.reads)
    assert LEAD_ONLY in inside["README.txt"].decode()


@SQLITE
@pytest.mark.policy("M-V-B2")
def test_a_package_for_somebody_outside_is_in_the_dissemination_log(site: EvidenceSite) -> None:
    read = site.take()
    site.hold(read.id)
    made = site.make(read, recipient=PROSECUTOR)
    case_files = CaseFiles(site.engine, site.clock, load_duties)
    (logged,) = case_files.disseminations(site.user, "here")
    assert logged.event.ledger_index == made.ledger_index
    assert logged.event.detail["given_to"] == PROSECUTOR.as_json()
    kinds = [each.kind for each in case_files.show("salem-pd", CASE, site.user, "here").events]
    assert kinds == ["evidence_package", "dissemination"]
    site.make(read)
    assert len(case_files.disseminations(site.user, "here")) == 1


@SQLITE
@pytest.mark.policy("C-1d")
def test_only_what_the_agency_holds_for_the_case_becomes_evidence(
    site: EvidenceSite, accounts: Accounts
) -> None:
    read = site.take()
    stranger = hire(accounts, "rroe", "boston-pd")
    site.hold(read.id, case="24-9")
    site.hold(read.id, user=stranger)

    def refused(ask: Callable[[], object]) -> str:
        with pytest.raises(EvidenceError) as caught:
            ask()
        entry = recorded(site.engine)[-1]
        assert (entry["action"], entry["outcome"]) == ("evidence.make", "refused")
        return str(caught.value)

    said = refused(lambda: site.make(read))
    assert "holds no such read" in said
    unknown = "019ca944-1fa0-7c25-b709-9acab077958e"
    assert refused(lambda: site.make(read, reads=[unknown])).replace(unknown, str(read.id)) == said
    number = site.hold(read.id)
    assert site.make(read)
    with site.engine.begin() as connection:
        holds_ending.release(
            connection, number, reason="Not needed", actor=site.user.actor, origin="here",
            now=site.clock(),
        )  # fmt: skip
    assert "holds no such read" in refused(lambda: site.make(read))
    for wrong in ([], [unknown] * 21):
        assert "1 to 20" in refused(lambda wrong=wrong: site.make(read, reads=wrong))
    with pytest.raises(CaseError, match="expected a read's id"):
        site.make(read, reads=["no id"])


@SQLITE
@pytest.mark.policy("G-12")
def test_who_may_not_gets_no_package(site: EvidenceSite, accounts: Accounts, officer: User) -> None:
    read = site.take(jpeg())
    site.hold(read.id)
    clerk = hire(accounts, "clerk", roles=[Role.OFFICER])
    before = len(recorded(site.engine))
    expected: list[tuple[User, dict[str, object], type[Exception]]] = [
        (clerk, {}, NotAllowedError),
        (officer, {"affirmed": False}, SearchRefusedError),
        (officer, {"facts": "case"}, SearchRefusedError),
    ]
    for who, changes, error in expected:
        with pytest.raises(error):
            replace(site, user=who).make(read, **changes)
    with site.engine.begin() as connection:
        connection.execute(trainings.delete())
    with pytest.raises(NotYetOpenError, match="training"):
        site.make(read)
    entries = recorded(site.engine)[before:]
    assert {(each["action"], each["outcome"]) for each in entries} == {("evidence.make", "refused")}


@SQLITE
def test_what_is_missing_or_was_said_since_is_told(site: EvidenceSite) -> None:
    kept, late, lost = jpeg(10), jpeg(20), jpeg(30)
    at = site.clock()
    read = site.unit.read(at, plate="1ABC20", pictures=[kept, late, lost])
    assert site.ingest.take(site.unit.topic(), site.unit.message(read)).records_kept == 1
    for picture, content in zip(read.pictures, (kept, late, lost), strict=True):
        if content != late:
            site.bring(picture, content)
    picture_file(site.store, at.date(), read.pictures[2].sha256).unlink()
    site.hold(read.id)
    with site.engine.begin() as connection:
        (seen,) = own.find(connection, [read.id])
        own.correct(
            connection, seen, plate="1ABC29", plate_folded="1ABC29", state="MA", user=site.user,
            now=site.clock(),
        )  # fmt: skip
        own.withdraw(connection, [seen], user=site.user, now=site.clock())
    verdict = verify(site.make(read).content)
    assert verdict.checked is not None
    (proven,) = verdict.checked.reads
    assert list(proven.pictures.values()) == [kept]
    assert {each.sha256: each.why for each in proven.custody.missing_pictures} == {
        read.pictures[1].sha256: "the unit has not sent it",
        read.pictures[2].sha256: "its file is gone from the repository",
    }
    assert proven.custody.correction is not None
    assert proven.custody.correction.plate == "1ABC29"
    assert proven.custody.withdrawn_at == site.clock().isoformat()


@SQLITE
def test_the_repository_gives_out_nothing_that_it_cannot_prove(site: EvidenceSite) -> None:
    read = site.take()
    site.hold(read.id)
    with site.engine.begin() as connection:
        signature = connection.execute(update(batches).values(signature="0" * 128))
        assert signature.rowcount == 1
    with pytest.raises(EvidenceError, match="cannot be proven"):
        site.make(read)
    with site.engine.begin() as connection:
        connection.execute(batches.delete())
    with pytest.raises(EvidenceError, match="is not kept"):
        site.make(read)


@SQLITE
@pytest.mark.policy("C-4c")
def test_a_package_comes_with_a_checkpoint_that_is_kept(site: EvidenceSite) -> None:
    read = site.take()
    site.hold(read.id)
    made = site.make(read)
    note = files(made.content)["ledger/checkpoint.txt"].decode()
    assert site.ledger.latest_checkpoint() == note
    newer = files(site.make(read).content)["ledger/checkpoint.txt"].decode()
    assert site.ledger.latest_checkpoint() == newer
    assert site.ledger.prove_growth(note, newer).checkpoint == newer
    proofs = site.ledger.prove_entries([0, made.ledger_index])
    assert [each.index for each in proofs] == [0, made.ledger_index]
    assert {each.checkpoint for each in proofs} == {newer}


@SQLITE
@pytest.mark.policy("C-4c")
def test_who_has_no_key_waits_for_the_jobs_to_sign(site: EvidenceSite) -> None:
    read = site.take()
    site.hold(read.id)
    hour = timedelta(hours=1)
    site.signer.sign_checkpoint()
    waits: list[float] = []

    def jobs_look(wait_s: float) -> None:
        waits.append(wait_s)
        assert site.signer.sign_if_due(1000, hour) is None  # too few entries, too soon
        if len(waits) == 3:
            assert site.signer.sign_if_due(1000, hour, at_once=(ACTION,)) is not None

    desk = replace(site.desk, checkpoints=Awaited(site.engine, sleep=jobs_look))
    made = desk.make(site.user, site.ask(read), "here")
    assert len(waits) == 3
    assert verify(made.content).wrong is None
    assert site.signer.sign_if_due(1000, hour, at_once=(ACTION,)) is None  # nothing new


@SQLITE
def test_where_nobody_signs_no_package_is_given(site: EvidenceSite) -> None:
    read = site.take()
    site.hold(read.id)
    desk = replace(site.desk, checkpoints=Awaited(site.engine, sleep=lambda _: None))
    with pytest.raises(NotSignedError, match="the part `jobs` signs them"):
        desk.make(site.user, site.ask(read), "here")
    last = recorded(site.engine)[-1]
    assert (last["action"], last["outcome"]) == (ACTION, "failed")
    assert last["request"]["reason"] == "NotSignedError"
