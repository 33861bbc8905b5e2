"""What is broad, and what an agency's own rule makes of it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from repository.search import local_rules
from repository.search.breadth import by_itself
from repository.search.criteria import Criteria, Window
from repository.search.errors import SearchRefusedError
from repository.search.local_rules import LocalSearchRule, LocalSearchRuleError, load_rule
from repository.search.pattern import PlatePattern
from repository.search.place import Circle, Point
from repository.search.purpose import PurposeKind
from repository.search.settings import SearchSettings

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CENTRE = Point(42.5, -70.9)
RULE = LocalSearchRule(name="Ordinance 12", source="Ordinance 12-2026")


def asked(plate: str | None, days: float | None, radius_m: float | None = None) -> Criteria:
    place = None if radius_m is None else Circle(CENTRE, radius_m)
    if days is None:
        return Criteria.of(plate, place=place)
    return Criteria.of(plate, NOW - timedelta(days=days), NOW, place=place)


@pytest.mark.parametrize(
    ("criteria", "broad"),
    [
        (asked("1ABC20", None), None),
        (asked("1ABC20", 366, 50_000), None),
        (asked("1ABC*", 31), None),
        (asked("1ABC*", 31, 50_000), None),
        (asked("1ABC*", 200, 2_000), None),
        (asked("1ABC*", None, 2_000), None),
        (
            asked("1ABC*", 200, 3_000),
            "more than 31 days and more than 25 km² without a whole plate",
        ),
        (asked("1ABC*", None, 3_000), "more than 31 days and more than 25 km²"),
        (asked("1ABC*", 32), "more than 31 days and every place (none is named) without a w"),
        (asked("1ABC*", None), "more than 31 days and every place"),
        (asked("*ABC*", 32), "more than 31 days and every place"),
        (asked(None, 31, 2_800), None),
        (asked(None, 1), "every place (none is named) without a plate or 3 adj"),
        (asked("1A*", 1), "every place (none is named) without a plate or 3 adj"),
        (asked("*A*", 1), "every place (none is named) without a plate or 3 adj"),
        (asked("1A*", 1, 3_000), "more than 25 km²"),
        (
            replace(asked(None, 1), agency="salem-pd", hits_only=True),
            "every place (none is named) without a plate or 3 adj",
        ),
        (asked("1A*", 32, 100), "more than 31 days"),
        (asked(None, 1, 2_900), "more than 25 km²"),
    ],
)
def test_a_fragment_is_broad_by_area_and_span_together_and_less_of_a_plate_by_either(
    criteria: Criteria, broad: str | None
) -> None:
    reasons = by_itself(criteria, SearchSettings())
    assert (reasons == []) if broad is None else (broad in reasons[0])


def test_a_plate_is_broad_by_its_span_where_that_is_bounded() -> None:
    month = SearchSettings(broad_plate_span_days=30)
    assert by_itself(asked("1ABC20", 30), month) == []
    assert by_itself(asked("1ABC20", 31), month) != []
    assert by_itself(asked("1ABC20", None), month) != []


@pytest.mark.parametrize("limits", [SearchSettings(), SearchSettings(broad_plate_span_days=30)])
def test_to_ask_for_less_never_needs_an_approval_that_more_did_not(limits: SearchSettings) -> None:
    patterns = [None, *(PlatePattern.of(typed) for typed in ("1A*", "1ABC*", "1ABC20"))]
    windows = [None, *(Window.of(NOW - timedelta(days=days), NOW) for days in (200, 31, 1))]
    places = [None, *(Circle(CENTRE, radius_m) for radius_m in (50_000, 3_000, 100))]
    broad = {
        each: bool(
            by_itself(Criteria(patterns[each[0]], windows[each[1]], places[each[2]]), limits)
        )
        for each in itertools.product(range(4), repeat=3)
    }
    for one, other in itertools.combinations(sorted(broad), 2):
        if all(more <= less for more, less in zip(one, other, strict=True)):
            assert broad[one] or not broad[other], (one, other)


@pytest.mark.policy("F-local")
def test_of_two_numbers_the_stricter_counts() -> None:
    general = SearchSettings(broad_reads=100, approval_valid_h=8, offence_required=True)
    own = RULE.model_copy(update={"broad_reads": 500, "approval_valid_h": 2.0, "approval_runs": 1})
    both = local_rules.stricter(general, own)
    assert (both.broad_reads, both.approval_valid_h, both.approval_runs) == (100, 2.0, 1)
    assert both.offence_required
    assert local_rules.stricter(general, None) == general


@pytest.mark.policy("F-local")
@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"associations": False}, "together: .*Ordinance 12"),
        ({"emergencies": False}, "emergency: "),
        ({"longest_window_days": 7.0}, "from: .* at most 7 days"),
    ],
)
def test_a_rule_forbids_what_it_names(own: dict[str, object], message: str) -> None:
    window = timedelta(days=8)
    with pytest.raises(SearchRefusedError, match=message):
        local_rules.check_question(
            RULE.model_copy(update=own), window=window, together=True, emergency=True
        )
    local_rules.check_question(RULE, window=None, together=True, emergency=True)


@pytest.mark.policy("F-local")
def test_a_rule_closes_its_agencys_reads_to_purposes_and_by_age() -> None:
    court = RULE.model_copy(update={"purposes": (PurposeKind.COURT_ORDER,)})
    young = RULE.model_copy(update={"oldest_days": 7.0})
    alone = RULE.model_copy(update={"associations": False})
    rules = {1: court, 2: young, 3: alone, 4: RULE}
    week = NOW - timedelta(days=7)
    for purpose, together, closed in (
        (PurposeKind.WRONGDOING, False, {1: None, 2: week}),
        (PurposeKind.COURT_ORDER, False, {2: week}),
        (PurposeKind.COURT_ORDER, True, {2: week, 3: None}),
    ):
        assert local_rules.closed_to(rules, purpose, NOW, together=together) == closed


def test_the_example_is_a_rule_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    example = load_rule(Path("config/search-rule.example.toml"))
    assert example.purposes == (PurposeKind.CRIMINAL_INVESTIGATION, PurposeKind.COURT_ORDER)
    assert set(LocalSearchRule.model_fields) == set(example.model_fields_set)
    assert LocalSearchRule.model_validate_json(example.as_json()) == example
    wrong = tmp_path / "rule.toml"
    for content, message in (
        (b'name = "x"\nsource = "y"\npurposes = ["curiosity"]', "purposes.0"),
        (b'name = "x"\nsource = "y"\nlenient = true', "lenient"),
        (b"name", "not TOML"),
        (b"\xff", "not TOML"),
    ):
        wrong.write_bytes(content)
        with pytest.raises(LocalSearchRuleError, match=message):
            load_rule(wrong)
    with pytest.raises(LocalSearchRuleError, match="cannot be read"):
        load_rule(tmp_path / "absent.toml")
