"""Hot lists built from lines of CSV."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from edge.contract.plates import Confusables
from edge.hotfile.build import build_here
from edge.hotfile.columns import HotlistColumns
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.open import Builder, HotlistFiles
from edge.hotfile.settings import HotlistSource, MatchRule
from edge.hotfile.store import StoredList
from tests.edge.hotfile.lists import GROUPS, ISSUED, KEY, Builds, Built, Files
from tests.edge.hotfile.update_house import site as site


@pytest.fixture(scope="session")
def confusables() -> Confusables:
    return Confusables.of(GROUPS)


@pytest.fixture
def folder(tmp_path: Path, confusables: Confusables) -> HotlistFolder:
    return HotlistFolder(tmp_path / "hotlists", KEY, confusables)


@pytest.fixture
def files(tmp_path: Path, folder: HotlistFolder) -> Files:
    """The lists of these names, each of a CSV file in tmp_path, as a daemon has them at its start.

    ``builder`` is what builds them; other keywords are settings of each.
    """

    def make(*names: str, builder: Builder = build_here, **others: object) -> HotlistFiles:
        sources = [
            HotlistSource.model_validate({"name": name, "path": tmp_path / f"{name}.csv", **others})
            for name in names
        ]
        return HotlistFiles(sources, folder, MatchRule(), builder=builder)

    return make


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
