"""A command beside a running server never takes its database's log away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from repository.store.engine import open_engine

OTHER = """
import sys
from sqlalchemy import text
from repository.store.engine import open_engine
engine = open_engine(sys.argv[1])
with engine.begin() as connection:
    connection.execute(text("SELECT count(*) FROM t")).all()
engine.dispose()
"""


def test_the_log_survives_another_process_that_comes_and_goes(tmp_path: Path) -> None:
    dsn = f"sqlite:///{tmp_path / 'x.sqlite'}"
    server = open_engine(dsn)
    with server.begin() as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        # A second connection of the same process, as the web has beside ingest.
        other = open_engine(dsn)
        with other.connect().execution_options(only_reads=True) as second:
            second.execute(text("SELECT 1")).all()
    log = tmp_path / "x.sqlite-wal"
    before = log.stat().st_ino
    subprocess.run([sys.executable, "-c", OTHER, dsn], check=True, timeout=60)
    assert log.stat().st_ino == before
    with server.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
    assert log.stat().st_ino == before
    other.dispose()
    server.dispose()
