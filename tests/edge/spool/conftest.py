"""A spool in a fresh folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.spool.store import Spool
from tests.edge.spool.samples import AGENCY, SPOOL_KEY, UNIT


@pytest.fixture
def open_spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Opens the test's one spool, as often as asked; closes what is left open."""
    opened: list[Spool] = []

    def open_it(**changes: Any) -> Spool:
        settings: dict[str, Any] = {
            "folder": tmp_path / "spool",
            "spool_key": SPOOL_KEY,
            "agency": AGENCY,
            "unit": UNIT,
            **changes,
        }
        opened.append(Spool.open(settings.pop("folder"), settings.pop("spool_key"), **settings))
        return opened[-1]

    yield open_it
    for spool in opened:
        spool.close()


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    return open_spool()
