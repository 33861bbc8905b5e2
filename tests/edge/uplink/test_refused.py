"""What the repository refuses as a whole is said, and goes by itself once its cause is mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.batch import RefusalReason
from edge.doctor.findings import split
from edge.uplink.messages import Pace, Refused
from edge.uplink.refusals import Refusals
from tests.edge.spool.samples import malfunction
from tests.edge.uplink.conftest import Unit
from tests.edge.uplink.responder import Responder
from tests.servers import Broker
from tests.waiting import until

LONG = Pace(first_silence_s=0.3, longest_silence_s=1.0, refused_wait_s=3600.0)


def batch(reason: RefusalReason) -> Refused:
    return Refused("records", reason, "detail", 4, 6)


def test_after_a_start_with_a_wrong_key_uploading_goes_on_once_the_right_one_is_back(
    make_unit: Callable[..., Unit], broker: Broker, responder: Responder
) -> None:
    wrong = make_unit(broker.port, key=Ed25519PrivateKey.generate(), pace=LONG)
    wrong.uplink.start()
    for _ in range(3):
        wrong.add([malfunction], {})
    until(lambda: bool(wrong.problems))
    ((of, sentence),) = wrong.problems
    assert of == "refused"
    assert "put the unit.key made at enrolment back" in str(sentence)
    wrong.uplink.stop()
    assert responder.records == []

    right = make_unit(broker.port, pace=LONG)
    right.uplink.start()
    until(right.empty)
    assert [record.seq for record in responder.records] == [1, 2, 3]
    until(lambda: ("key", None) in right.problems)
    assert [of for of, _ in right.problems] == ["key", "key"]
    assert {one.reason for one in right.refusals} == {"bad_signature"}


def test_a_refusal_is_a_problem_until_a_batch_is_taken(
    make_unit: Callable[..., Unit], broker: Broker, responder: Responder
) -> None:
    unit = make_unit(broker.port)
    responder.refusing = True
    unit.uplink.start()
    unit.add([malfunction], {})
    until(lambda: bool(unit.problems))
    assert "unknown_unit" in str(unit.problems[0][1])
    responder.refusing = False
    until(lambda: len(unit.problems) == 2)
    assert unit.problems[1] == ("refused", None)


@pytest.mark.parametrize("reason", get_args(RefusalReason))
def test_every_reason_says_why_and_what_to_do(reason: RefusalReason) -> None:
    refusals = Refusals()
    refusals.note(batch(reason))
    if reason == "unknown_picture":  # the spool lets go of it by itself
        assert refusals.sentence is None
        return
    found, do = split(str(refusals.sentence), otherwise="")
    assert reason in found
    assert "detail" not in found
    assert do


def test_a_refused_hit_is_over_with_a_later_one_or_with_its_record() -> None:
    refusals = Refusals()
    refusals.note(Refused("hits", "too_old", "", 5, 5))
    refusals.receipted(4)
    assert "a hit's notice" in str(refusals.sentence)
    refusals.receipted(5)
    assert refusals.sentence is None
    refusals.note(Refused("hits", "in_future", "", 9, 9))
    refusals.note(batch("too_old"))
    assert "a batch" in str(refusals.sentence)
    refusals.taken("records")
    assert "in_future" in str(refusals.sentence)
    refusals.taken("hits")
    assert refusals.sentence is None
