"""Which list may take another's place."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from edge.hotfile.facts import ImplausibleListError, ListFacts, require_plausible
from edge.hotfile.settings import ChangeRule
from tests.edge.hotfile.lists import ISSUED, facts_of

IN_USE = facts_of(1000, number=7, version="7")
LATER = ISSUED + timedelta(hours=1)


def newer(entries: int, **others: object) -> ListFacts:
    return facts_of(entries, **{"number": 8, "version": "8", "issued_at": LATER, **others})


@pytest.mark.parametrize("entries", [500, 1000, 1500])
def test_a_newer_list_of_about_the_size_may(entries: int) -> None:
    require_plausible(newer(entries), IN_USE, ChangeRule())
    require_plausible(newer(entries), None, ChangeRule())
    require_plausible(IN_USE, IN_USE, ChangeRule())


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (newer(499), "shrunk"),
        (newer(0), "shrunk"),
        (newer(1501), "grown"),
        (newer(1000, issued_at=ISSUED - timedelta(seconds=1)), "older"),
        (newer(1000, number=6), "older"),
    ],
)
@pytest.mark.policy("M-D1")
def test_one_that_is_older_or_shrinks_or_grows_too_much_may_not(new: ListFacts, why: str) -> None:
    with pytest.raises(ImplausibleListError, match="hot list state: version 8") as caught:
        require_plausible(new, IN_USE, ChangeRule())
    assert caught.value.why == why
    require_plausible(new, IN_USE, ChangeRule(), allow={caught.value.why})


def test_what_is_allowed_is_allowed_alone() -> None:
    new = newer(10, number=6)
    by_force = "has 10 entries.*'alpr-edge hotfile import PATH --force --reason WHY'"
    with pytest.raises(ImplausibleListError, match=by_force):
        require_plausible(new, IN_USE, ChangeRule(), allow={"older"})
    require_plausible(new, IN_USE, ChangeRule(), allow={"older", "shrunk"})


@pytest.mark.parametrize("before", [1, 5, 99])
def test_a_departments_file_is_never_emptied_unless_that_is_allowed(before: int) -> None:
    empty = msgspec.structs.replace(newer(0), source="file")
    with pytest.raises(ImplausibleListError, match="has 0 entries") as refused:
        require_plausible(empty, facts_of(before), ChangeRule())
    assert refused.value.why == "shrunk"
    require_plausible(empty, facts_of(before), ChangeRule(), ("shrunk",))
    require_plausible(empty, facts_of(0), ChangeRule())
    signed = msgspec.structs.replace(empty, source="repository")
    require_plausible(signed, facts_of(before), ChangeRule())


def test_short_lists_may_change_as_they_like_and_shares_can_be_set() -> None:
    require_plausible(newer(5000), facts_of(99), ChangeRule())
    require_plausible(newer(5000), facts_of(1000), ChangeRule(max_share=4))
    with pytest.raises(ImplausibleListError):
        require_plausible(newer(899), facts_of(1000), ChangeRule(max_share=0.1))
    with pytest.raises(ImplausibleListError):
        require_plausible(newer(30), facts_of(10), ChangeRule(from_entries=10))


def test_facts_are_written_as_they_were_before_they_had_lines_left_out() -> None:
    # The key of a built file is bound to these bytes: with others it does not open.
    before = (
        b'{"name":"state","version":"1","number":1,"sha256":"ab","issued_at":"2026-03-01T06:00:00Z"'
        b',"source":"repository","entries":7,"recipe":""}'
    )
    facts = msgspec.json.decode(before, type=ListFacts)
    assert facts == facts_of(7, sha256="ab")
    assert msgspec.json.encode(facts) == before
