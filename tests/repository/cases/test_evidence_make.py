"""An evidence package is made from held reads, on the ledger, and proves itself."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from repository.cases.evidence.verify import Given, verify
from tests.repository.cases.evidence_site import CASE, EvidenceSite, jpeg
from tests.repository.people import recorded


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
    assert "among 1 results of a search" in steps[searched].what
    assert f"hold {hold} for case {CASE}" in [step.what for step in steps.values()]
    assert proven.enrolled is not None
    entries = recorded(site.engine)
    assert [each["action"] for each in entries[-3:]] == [
        "picture.show", "picture.show", "evidence.make",
    ]  # fmt: skip
    making = entries[-1]
    assert (making["index"], making["result_digest"]) == (made.ledger_index, made.digest)
    assert json.loads(files(made.content)["ledger/proofs.json"])["making"] == made.ledger_index
