"""Hot lists built from lines of CSV."""

from __future__ import annotations

import itertools
import os
from typing import Any

import pytest

from edge.contract.plates import Confusables
from edge.hotfile.build import build_here
from edge.hotfile.columns import HotlistColumns
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.settings import HotlistSource
from edge.hotfile.store import StoredList
from tests.edge.hotfile.lists import GROUPS, ISSUED, KEY, Builds, Built


@pytest.fixture(scope="session")
def confusables() -> Confusables:
    return Confusables.of(GROUPS)


@pytest.fixture(scope="session")
def built(confusables: Confusables, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Builds a list from CSV text or bytes; keywords are settings of the columns."""
    root = tmp_path_factory.mktemp("lists")
    numbers = itertools.count()

    def make(
        text: str | bytes, *, name: str = "state", dated_by: str = "file", **columns: Any
    ) -> Built:
        folder = root / str(next(numbers))
        folder.mkdir()
        path = folder / "state.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, (ISSUED.timestamp(), ISSUED.timestamp()))
        source = HotlistSource.model_validate(
            {
                "name": name,
                "path": path,
                "columns": HotlistColumns(**columns),
                "max_age_s": 3600,
                "dated_by": dated_by,
            }
        )
        build = build_here(source, HotlistFolder(folder, KEY, confusables), None, ())
        return Built(build, StoredList(build.file, KEY, confusables))

    return make
