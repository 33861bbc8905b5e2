"""An agency's own rule: what a change would expire is said first, and a longer one needs a name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from repository.retention import local_rules
from repository.retention.local_rules import Change, LocalRuleError
from repository.retention.local_rules_command import change_lines
from repository.retention.rules import RetentionRuleError, shipped_rule
from repository.store.engine import reading
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from tests.repository.retention.desk import JANE, NOW, Desk
from tests.repository.sightings import RULE, sight

MINUTE = timedelta(minutes=1)


def change(desk: Desk, name: str | None, **more: Any) -> Change:
    how: dict[str, Any] = {"reason": "an ordinance", "confirmed": True, "named_person": False}
    with desk.engine.begin() as connection:
        return local_rules.change(
            connection,
            "salem-pd",
            name,
            default=RULE,
            shipped=shipped_rule,
            actor=JANE,
            origin="test",
            now=NOW,
            **how | more,
        )


def rule_of(desk: Desk) -> str | None:
    with reading(desk.engine) as connection:
        return connection.scalar(select(agencies.c.retention_rule).where(agencies.c.id == 1))


@pytest.mark.policy("F-local")
def test_a_stricter_rule_applies_to_what_is_stored_once_that_is_confirmed(desk: Desk) -> None:
    for number, ago in enumerate((1, 3, 5, 400 * 24 * 60)):  # minutes; the last is past its year
        sight(desk.engine, f"1ABC2{number}", NOW - ago * MINUTE)
    hit = sight(desk.engine, "1ABC29", NOW - 5 * MINUTE)
    held = sight(desk.engine, "1ABC28", NOW - 5 * MINUTE)
    sight(desk.engine, "1ABC20", NOW - 5 * MINUTE, unit=2)  # another agency's
    with desk.engine.begin() as connection:
        connection.execute(update(reads).where(reads.c.read_id == hit).values(has_hits=True))
    desk.place((held,))
    looked = change(desk, "new-hampshire", confirmed=False)
    assert (looked.done, looked.earlier, looked.at_once) == (False, 4, 2)
    assert (looked.held_earlier, looked.held_at_once) == (1, 1)
    assert rule_of(desk) is None
    entry = desk.entry()
    assert (entry["action"], entry["count"]) == ("agency.rule_counted", 4)
    done = change(desk, "new-hampshire")
    assert (done.done, done.earlier, done.at_once, done.beyond_default) == (True, 4, 2, False)
    assert rule_of(desk) == "new-hampshire"
    entry = desk.entry()
    assert (entry["action"], entry["count"]) == ("agency.rule", 4)
    assert entry["request"]["rule_digest"] == shipped_rule("new-hampshire").sha256
    assert entry["request"]["rule_digest_before"] == RULE.sha256
    assert (entry["request"]["held_earlier"], entry["request"]["held_at_once"]) == (1, 1)
    with reading(desk.engine) as connection:
        assert local_rules.by_rule(connection) == {"new-hampshire": ["salem-pd"]}
    back = change(desk, None)  # nothing expires earlier by that
    assert (back.earlier, rule_of(desk)) == (0, None)


@pytest.mark.policy("F-local")
def test_nothing_changes_unconfirmed_though_every_read_is_held_or_none_expires(desk: Desk) -> None:
    held = [sight(desk.engine, f"1ABC2{number}", NOW - 5 * MINUTE) for number in range(3)]
    desk.place(tuple(held))
    looked = change(desk, "new-hampshire", confirmed=False)
    assert (looked.done, looked.earlier, looked.held_earlier) == (False, 0, 3)
    said = list(change_lines(looked))
    assert said[0].startswith("only counted, nothing is changed: agency salem-pd under rule New H")
    assert said[2] == (
        "3 reads under hold stay until their holds end, and expire earlier then, 3 of them with "
        "the purge after it"
    )
    assert rule_of(desk) is None
    change(desk, "new-hampshire")
    back = change(desk, None, confirmed=False)
    assert (back.done, back.earlier, back.held_earlier) == (False, 0, 0)
    assert rule_of(desk) == "new-hampshire"


@pytest.mark.policy("F-local")
def test_a_longer_rule_needs_a_named_person(desk: Desk) -> None:
    with pytest.raises(LocalRuleError, match="needs the reason of a named person"):
        change(desk, "new-jersey")
    assert rule_of(desk) is None
    assert change(desk, "new-jersey", named_person=True).beyond_default
    assert rule_of(desk) == "new-jersey"


def test_what_does_not_do_changes_nothing(desk: Desk) -> None:
    with pytest.raises(RetentionRuleError, match="atlantis: none ships"):
        change(desk, "atlantis")
    with pytest.raises(LocalRuleError, match="reason: needs"):
        change(desk, "maine", reason=" ")
    assert rule_of(desk) is None
    with reading(desk.engine) as connection, pytest.raises(LocalRuleError, match="not known"):
        local_rules.look(connection, "nowhere", None, default=RULE, shipped=shipped_rule, now=NOW)
