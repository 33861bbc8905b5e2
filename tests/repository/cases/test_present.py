"""A case file as it is printed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from repository.cases.files import CaseFile, CaseSearch
from repository.cases.present import timeline

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WHY = {"purpose": "criminal_investigation", "facts": "Blue sedan", "case": "24-1"}


def line(request: dict[str, Any]) -> str:
    search = CaseSearch(7, "jdoe", "Jane Doe", NOON, {"purpose": WHY, **request}, ())
    return list(timeline(CaseFile("salem-pd", "24-1", NOON, (search,), ()), NOON))[1]


@pytest.mark.policy("C-4b")
def test_each_search_says_in_words_what_was_asked() -> None:
    window = {"from": "2026-03-01T11:00:00+00:00", "to": "2026-03-01T12:00:00+00:00"}
    place = {"near": "42.5195,-70.8967", "radius_m": 250.0}
    said = line({"criteria": {"limit": 100, "agency": "salem-pd", **window, **place}})
    assert (
        "Jane Doe (jdoe)  every plate within 250 m of 42.5195, -70.8967, from 2026-03-01 11:00:00 "
        "UTC to 2026-03-01 12:00:00 UTC, agency salem-pd  criminal_investigation: Blue sedan  "
    ) in said
    plate = {"limit": 100, "plate": "1ABC20", "folded": True, "state": "MA", "after": "x"}
    assert "plate 1ABC20 and those easily taken for it, state MA, a later page of it  " in line(
        {"criteria": plate}
    )
    together = {"plate": "1ABC20", "distance_m": 200.0, "within_s": 60.0, "times": 3, **window}
    assert "plates seen within 200 m and 60 s of plate 1ABC20, at least" in line(
        {"kind": "together", "criteria": together}
    )
    assert "what was asked is not told" in line({})
