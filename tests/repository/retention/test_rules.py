"""Rules of retention, those that ship above all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from edge.contract.configuration import config_file
from repository.retention.rules import RetentionRuleError, load_rule, shipped_rule
from repository.retention.terms import Term

SHIPPED = {
    "massachusetts": (Term(1, "years"), Term(1, "years")),
    "new-hampshire": (Term(3, "minutes"), Term(1, "days")),
    "maine": (Term(21, "days"), Term(21, "days")),
    "virginia": (Term(21, "days"), Term(21, "days")),
    "connecticut": (Term(21, "days"), Term(21, "days")),
    "vermont": (Term(18, "months"), Term(18, "months")),
    "minnesota": (Term(60, "days"), Term(60, "days")),
    "new-jersey": (Term(3, "years"), Term(3, "years")),
}
WHOLE = 'name="a"\nsource="b"\nnote="c"\nreads={days=1}\nhits={days=2}\n'


def test_every_rule_that_ships_is_known_here() -> None:
    folder = config_file("retention/massachusetts.toml").parent
    assert {path.stem for path in folder.glob("*.toml")} == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.policy("C-7b")
def test_a_shipped_rule_has_its_terms_a_source_and_a_word_for_counsel(name: str) -> None:
    rule = shipped_rule(name)
    assert (rule.reads, rule.hits) == SHIPPED[name]
    assert rule.source
    assert "ounsel must confirm" in rule.note


def test_hits_and_other_reads_may_differ() -> None:
    rule = shipped_rule("new-hampshire")
    captured = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert rule.expires_at(captured, hit=False) == datetime(2026, 3, 1, 12, 3, tzinfo=UTC)
    assert rule.expires_at(captured, hit=True) == datetime(2026, 3, 2, 12, tzinfo=UTC)
    now = datetime(2026, 3, 1, 12, 3, tzinfo=UTC)
    assert rule.expired_before(now, hit=True) < captured < rule.expired_before(now, hit=False)


@pytest.mark.parametrize("name", ["atlantis", "../repository.example", "", "Massachusetts"])
def test_a_name_that_none_ships_under_is_refused(name: str) -> None:
    with pytest.raises(RetentionRuleError, match="none ships under that name"):
        shipped_rule(name)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "hits: is missing"),
        (WHOLE.replace("{days=1}", "{days=0}"), "reads.days: needs a whole number"),
        (WHOLE.replace("{days=2}", "{days=1.5}"), "hits.days: needs a whole number"),
        (WHOLE.replace("{days=1}", "{weeks=1}"), "reads.weeks: is none of"),
        (WHOLE.replace("{days=1}", "{days=1, years=1}"), "reads: needs one term"),
        (WHOLE.replace("{days=1}", "365"), "reads: needs one term"),
        (WHOLE.replace('"a"', '" "'), "name: needs a text"),
        (WHOLE + "keep_years=1", "keep_years: is not a setting"),
        ("keep", "not TOML"),
    ],
)
def test_a_rule_that_is_none_is_refused_by_its_key(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "rule.toml"
    path.write_text(content)
    with pytest.raises(RetentionRuleError, match=f"{path}: {said}"):
        load_rule(path)


def test_a_missing_rule_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RetentionRuleError, match="No such file"):
        load_rule(tmp_path / "none.toml")
