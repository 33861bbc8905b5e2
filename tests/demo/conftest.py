import sys
from pathlib import Path

import pytest

_SCRIPTS = Path(__file__).parents[2] / "scripts"
if str(_SCRIPTS) not in sys.path:
    sys.path.insert(0, str(_SCRIPTS))


@pytest.fixture(scope="session")
def short_drive(tmp_path_factory):
    from demo_drive.drive import SHORT, write_drive

    return write_drive(tmp_path_factory.mktemp("drive"), SHORT)
