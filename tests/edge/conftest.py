"""What tests of the whole daemon read plates with."""

from __future__ import annotations

import pytest

from edge.contract.plates import load_formats
from edge.vision.build import build_parts
from edge.vision.engine import PlateEngine
from edge.vision.settings import EngineSettings
from tests.edge.daemon_parts import FailingEngine


@pytest.fixture(scope="session")
def engine() -> PlateEngine:
    """The real engine, but for pictures that it is to fail on."""
    return FailingEngine(PlateEngine(build_parts(EngineSettings(threads=1)), load_formats()))
