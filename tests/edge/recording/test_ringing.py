"""What of a pass that rang is another by its final reading."""

from __future__ import annotations

import msgspec
import pytest

from edge.contract.records import Hit, HotlistMatch, decode_record
from edge.pipeline import Moment
from edge.recording.ringing import Rung
from tests.contract.test_golden import golden
from tests.edge.instants import instant

HIT = decode_record(golden("hit"))


def rung(**match: object) -> tuple[Rung, HotlistMatch]:
    assert isinstance(HIT, Hit)
    rang = msgspec.structs.replace(HIT.match, **match)
    hit = msgspec.structs.replace(HIT, match=rang)
    moment = Moment(instant(hit.captured_at), hit.position)
    return Rung(hit.read, moment, (hit,)), HIT.match


@pytest.mark.parametrize(
    ("match", "altered"),
    [
        ({}, False),
        ({"probability": 0.5}, False),
        ({"how": "exact", "substitutions": ()}, True),
        ({"state_agreement": "unknown"}, False),
    ],
)
def test_another_agreement_is_told_and_a_surer_one_is_not(
    match: dict[str, object], altered: bool
) -> None:
    pass_that_rang, final = rung(**match)
    (hit,) = pass_that_rang.hits
    assert pass_that_rang.altered([final]) == ({hit.id: final} if altered else {})
    assert pass_that_rang.withdrawn([final]) == ()


def test_a_state_that_turns_out_to_differ_is_told_and_no_match_is_withdrawn() -> None:
    pass_that_rang, final = rung(state_agreement="unknown")
    (hit,) = pass_that_rang.hits
    differs = msgspec.structs.replace(final, state_agreement="different")
    assert pass_that_rang.altered([differs]) == {hit.id: differs}
    assert pass_that_rang.altered([]) == {}
    assert pass_that_rang.withdrawn([]) == (hit,)


@pytest.mark.parametrize(
    ("told", "now", "altered"),
    [
        ("different", "equal", True),
        ("different", "unknown", True),
        ("equal", "different", True),
        ("equal", "unknown", True),
        ("unknown", "different", True),
        ("unknown", "equal", False),
        ("equal", "equal", False),
    ],
)
def test_an_officer_is_told_when_what_was_said_of_the_state_no_longer_holds(
    told: str, now: str, altered: bool
) -> None:
    pass_that_rang, final = rung(state_agreement=told)
    (hit,) = pass_that_rang.hits
    final = msgspec.structs.replace(final, state_agreement=now)
    assert pass_that_rang.altered([final]) == ({hit.id: final} if altered else {})
