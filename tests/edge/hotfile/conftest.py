"""Hot lists built from lines of CSV."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from edge.contract.plates import Confusables
from edge.hotfile.build import Build, build
from edge.hotfile.columns import HotlistColumns
from edge.hotfile.settings import HotlistSource

ISSUED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
GROUPS = ("0ODQ", "1I", "2Z", "5S", "8B", "6G")


@pytest.fixture(scope="session")
def confusables() -> Confusables:
    return Confusables.of(GROUPS)


@pytest.fixture(scope="session")
def built(confusables: Confusables) -> Callable[..., Build]:
    """Builds a list from CSV text; keywords are settings of the columns."""

    def make(text: str, *, name: str = "state", **columns: Any) -> Build:
        source = HotlistSource(
            name=name, path=Path("state.csv"), columns=HotlistColumns(**columns), max_age_s=3600
        )
        return build(text.encode(), source=source, issued_at=ISSUED, confusables=confusables)

    return make
